"""What a twin is started with, from the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daiss_bluesky.core.errors import InputError

FIELD_MM = 10.0
"""Width of the field of view where no pixel size is given."""

OFFSET_PX = 1.3
"""Default distance of the rotation center from the middle: finding it must matter."""

POROUS_GRAIN = "porous-grain"


@dataclass(frozen=True, slots=True)
class TwinSettings:
    """All that can be chosen about a twin."""

    prefix: str
    rows: int
    columns: int
    sample: str
    scan: Path | None
    center_px: float | None
    noise: float
    flat_counts: float
    dark_counts: float
    dead_pixels: int
    seed: int
    phase_contrast: bool
    distance_mm: float
    energy_kev: float
    delta: float
    beta: float
    pixel_size_um: float
    data_root: Path
    state_file: Path | None
    motor_speed: float
    disk_full_after: int
    primed: bool


def parse(arguments: Sequence[str] | None) -> TwinSettings:
    """Read the command line; a value out of range is an InputError."""
    a = _parser().parse_args(arguments)
    rows, columns = a.rows or a.size, a.columns or a.size
    for name, value, low in (
        ("rows", rows, 1), ("columns", columns, 8), ("dead-pixels", a.dead_pixels, 0)
    ):  # fmt: skip
        if not low <= value <= 8192:  # noqa: PLR2004
            raise InputError(f"--{name} must be {low} to 8192, not {value}")
    for name in ("noise", "flat_counts", "dark_counts", "distance_mm"):
        if not 0 <= getattr(a, name) < float("inf"):
            option = name.replace("_", "-")
            raise InputError(f"--{option} must be 0 or more, not {getattr(a, name)}")
    for name in ("energy_kev", "delta", "beta", "motor_speed"):
        if not 0 < getattr(a, name) < float("inf"):
            option = name.replace("_", "-")
            raise InputError(f"--{option} must be positive, not {getattr(a, name)}")
    pixel_um = a.pixel_size_um or FIELD_MM * 1000 / columns
    if not 0 < pixel_um < float("inf"):
        raise InputError(f"--pixel-size-um must be positive, not {pixel_um}")
    root = a.data_root.resolve()
    if not root.is_dir():
        raise InputError(f"--data-root {a.data_root} is not a directory")
    values = vars(a) | {
        "rows": rows, "columns": columns, "pixel_size_um": pixel_um,
        "data_root": root, "primed": not a.unprimed,
    }  # fmt: skip
    del values["size"], values["unprimed"]
    return TwinSettings(**values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daiss twin",
        description="A simulated EPICS beamline: stages, shutter and camera.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--prefix", default="DAISS:", help="prefix of all PVs")
    add("--size", type=int, default=512, help="rows and columns of the camera")
    add("--rows", type=int, help="rows, where they differ")
    add("--columns", type=int, help="columns, where they differ")
    add(
        "--sample",
        default=POROUS_GRAIN,
        help=f"{POROUS_GRAIN}, or a phantom file (JSON)",
    )
    add("--scan", type=Path, help="replay this measured scan instead of a sample")
    add(
        "--center-px", type=float, help="rotation center, in columns from the left edge"
    )
    add("--noise", type=float, default=1.0, help="0 none, 1 photon noise")
    add("--flat-counts", type=float, default=40000.0, help="counts of the flat field")
    add("--dark-counts", type=float, default=100.0, help="counts without light")
    add("--dead-pixels", type=int, default=10, help="pixels that read 0")
    add("--seed", type=int, default=1, help="of noise and dead pixels")
    add("--phase-contrast", action="store_true", help="propagate behind the sample")
    add("--distance-mm", type=float, default=100.0, help="sample to camera")
    add("--energy-kev", type=float, default=20.0, help="photon energy")
    add("--delta", type=float, default=1.4e-6, help="refractive decrement, density 1")
    add("--beta", type=float, default=6e-9, help="absorption index, density 1")
    add("--pixel-size-um", type=float, help=f"pixel size; default {FIELD_MM} mm / n")
    add("--data-root", type=Path, default=Path(), help="files are written inside")
    add("--state-file", type=Path, help="written when the twin is ready")
    add("--motor-speed", type=float, default=90.0, help="degrees (or mm/10) a second")
    add("--disk-full-after", type=int, default=-1, help="frames a file can hold")
    add("--unprimed", action="store_true", help="array sizes 0 until the first frame")
    return parser
