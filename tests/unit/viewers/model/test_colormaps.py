"""Tables of colors: complete, ordered, the same everywhere."""

import colorsys
import json

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model import colormaps


@pytest.mark.parametrize("name", colormaps.NAMES)
def test_a_map_has_a_color_for_every_step(name: str) -> None:
    colors = colormaps.table(name)
    assert colors.shape == (colormaps.COLORS, 3)
    steps = np.abs(np.diff(colors.astype(int), axis=0)).max()
    assert 0 < steps < 10
    assert len(np.unique(colors, axis=0)) > 150
    assert not (colors == colormaps.MISSING).all(axis=1).any()


def test_inverted_is_the_same_backwards() -> None:
    forward = colormaps.table("viridis").astype(int)
    backward = colormaps.table("viridis_inverted").astype(int)
    assert np.abs(forward - backward[::-1]).max() <= 1


@pytest.mark.parametrize("name", ["gray", "viridis", "magma"])
def test_sequential_maps_get_brighter(name: str) -> None:
    brightness = colormaps.table(name) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(brightness) >= -0.5).all()


def test_the_map_of_phase_has_no_seam() -> None:
    colors = colormaps.table(colormaps.default_for("object_phase")).astype(int)
    assert np.array_equal(colors[0], colors[-1])


def test_an_unknown_map_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown color map 'jet'.*viridis"):
        colormaps.table("jet")


def test_the_browser_gets_the_same_tables() -> None:
    sent = json.loads(json.dumps(colormaps.as_json()))
    assert np.array_equal(sent["maps"]["magma"], colormaps.table("magma"))


def test_complex_values_are_hue_and_brightness() -> None:
    values = np.array([[1, 1j, -0.5, np.nan]])
    painted = colormaps.complex_colors(values, 1.0)
    expected = [
        colorsys.hsv_to_rgb(hue, 1, bright)
        for hue, bright in ((0, 1), (0.25, 1), (0.5, 0.5), (0, 0))
    ]
    assert np.abs(painted[0] - np.array(expected) * 255).max() <= 0.5
