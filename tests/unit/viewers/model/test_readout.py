"""Words under the cursor and lengths for people."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.viewers.model.contrast import Contrast, Levels
from daiss_bluesky.viewers.model.look import Look, default_look
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.readout import (
    length_text,
    point_text,
    scale_bar,
    value_text,
)


def picture(pixels: NDArray[Any], size_um: float | None = None) -> Picture:
    return Picture("result", "slice_xz", 1, 0.0, pixels, size_um, "z", "x")


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_the_value_is_the_element_with_all_its_digits(dtype: type) -> None:
    pixels: NDArray[Any] = (np.random.default_rng(0).random((5, 6)) * 60000).astype(
        dtype
    )
    text = value_text(picture(pixels), 3, 2)
    assert text is not None
    assert dtype(text) == pixels[3, 2]


def test_a_point_is_index_place_and_value() -> None:
    pixels = np.arange(12).reshape(3, 4)
    assert point_text(picture(pixels), 2.9, 1.0) == "z 2, x 1 · 9"
    assert point_text(picture(pixels, 0.5), 0, 3.2) == "z 0, x 3 · 0.25, 1.75 µm · 3"
    assert point_text(picture(pixels), -0.1, 1.0) == ""
    assert point_text(picture(pixels), 1, 4) == ""


def test_complex_values_are_amplitude_and_phase() -> None:
    assert value_text(picture(np.array([[2j]])), 0, 0) == "2 ∠ 1.5708 rad"


@pytest.mark.parametrize(
    ("length_px", "size_um", "text"),
    [
        (100, None, "100 px"),
        (100, 0.65, "65 µm"),
        (3000, 0.65, "1.95 mm"),
        (5, 0.01, "50 nm"),
    ],
)
def test_lengths(length_px: float, size_um: float | None, text: str) -> None:
    assert length_text(length_px, size_um) == text


@pytest.mark.parametrize("size_um", [None, 0.0123, 0.65, 13.0])
@pytest.mark.parametrize("visible_px", [3.0, 77.0, 2048.0, 12345.0])
def test_scale_bars_are_round_and_fit(visible_px: float, size_um: float | None) -> None:
    length_px, text = scale_bar(visible_px, size_um)
    assert visible_px / 15 < length_px <= visible_px / 5 * (1 + 1e-9)
    assert text.split()[0].strip("0.") in {"1", "2", "5"}


def test_looks_are_stored() -> None:
    look = Look("magma", "log", Contrast("sigma", sigmas=2), Levels(1, 2))
    assert Look.from_dict(look.to_dict()) == look
    assert look.inverted() == "magma_inverted"


def test_phase_starts_cyclic_between_minus_pi_and_pi() -> None:
    look = default_look("object_phase")
    levels = look.contrast.levels(np.array([[0.0, 99.0]]))
    assert (levels.low, levels.high) == (-np.pi, np.pi)
    assert look.colormap == "twilight"
    assert default_look("slice_xy") == Look()


def test_weak_phase_is_seen() -> None:
    phase = np.linspace(-0.4, 0.1, 400).reshape(20, 20)
    assert default_look("object_phase", phase) == Look()
    assert default_look("object_phase", 6 * phase) == default_look("object_phase")
