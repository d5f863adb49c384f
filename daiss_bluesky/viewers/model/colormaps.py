"""Color maps: small tables, the same for desktop, browser and exported files."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import unknown

COLORS = 256
MISSING = (178, 34, 102)
"""Red, green, blue of what is not a number; in none of the maps."""
SATURATED = (255, 64, 0)
INVERTED = "_inverted"

_ANCHORS = {
    "gray": "000000 ffffff",
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26818e 21908c 1f9f88"
    " 28ae80 3ebc74 5dc963 82d34c abdc32 d5e21a fde725",
    "magma": "000004 0a0822 1d1146 36106a 50127c 691c81 822681 9c2e7f b63779 cf4170"
    " e65163 f5695c fb8761 fea571 fec387 fde0a2 fcfdbf",
    "difference": "12357f 5c8fd6 f2f2f2 e0875a 8c1a10",
    "twilight": "e2d9e2 9ebbc9 6785be 5e43a5 421257 471340 8e2c50 ba6657 ceac94 e2d9e2",
}
NAMES = tuple(_ANCHORS) + tuple(name + INVERTED for name in _ANCHORS)
CYCLIC = "twilight"
DIVERGING = "difference"
"""Blue below zero, red above it."""


def table(name: str) -> NDArray[np.uint8]:
    """Give a map as (256, 3) red, green, blue; InputError for an unknown name."""
    if name not in NAMES:
        raise unknown("color map", name, NAMES)
    anchors = np.array(
        [tuple(bytes.fromhex(color)) for color in _anchors(name)], dtype=np.float64
    )
    places = np.linspace(0, len(anchors) - 1, COLORS)
    channels = [
        np.interp(places, np.arange(len(anchors)), anchors[:, channel])
        for channel in range(3)
    ]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def _anchors(name: str) -> list[str]:
    colors = _ANCHORS[name.removesuffix(INVERTED)].split()
    return colors[::-1] if name.endswith(INVERTED) else colors


def default_for(view: str) -> str:
    """Name the map a view starts with: cyclic for phase, gray for slices and frames."""
    if view.endswith("_phase"):
        return CYCLIC
    if view in {"probe", "diffraction"}:
        return "magma"
    if view == "coverage":
        return "viridis"
    return "gray"


def as_json() -> dict[str, Any]:
    """Give all tables for the browser: `maps` name to 256 [red, green, blue]."""
    return {
        "maps": {name: table(name).tolist() for name in NAMES},
        "missing": list(MISSING),
        "saturated": list(SATURATED),
        "cyclic": CYCLIC,
    }


def complex_colors(
    values: NDArray[np.complexfloating[Any, Any]], largest: float
) -> NDArray[np.uint8]:
    """Paint complex values: phase as hue (zero is red), amplitude as brightness.

    (row, column) complex to (row, column, 3). `largest` is the amplitude of full
    brightness; what is not finite is black.
    """
    amplitude = np.nan_to_num(np.abs(values), posinf=0.0)
    hue = np.nan_to_num(np.angle(values)) / (2 * np.pi)
    brightness = np.clip(amplitude / max(largest, np.finfo(np.float32).tiny), 0, 1)
    offsets = np.array([0.0, 2 / 3, 1 / 3])
    wave = np.abs((hue[..., np.newaxis] + offsets) % 1.0 * 6 - 3) - 1
    colors = brightness[..., np.newaxis] * np.clip(wave, 0, 1)
    return np.asarray(np.rint(colors * 255), dtype=np.uint8)
