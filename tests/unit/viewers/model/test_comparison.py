"""Differences and full wells."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.comparison import difference, full_scale, saturated
from daiss_bluesky.viewers.model.picture import Picture


def picture(pixels: NDArray[Any], view: str = "slice_xy") -> Picture:
    return Picture("result", view, 1, 0.0, pixels)


def test_unsigned_counts_may_become_fewer() -> None:
    now: NDArray[np.uint16] = np.array([[1, 65535]], np.uint16)
    before: NDArray[np.uint16] = np.array([[3, 0]], np.uint16)
    apart = difference(picture(now), picture(before))
    assert apart.dtype == np.float32
    assert apart.tolist() == [[-2.0, 65535.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_precision_is_kept(dtype: type) -> None:
    pixels: NDArray[Any] = np.full((2, 2), 1.5, dtype)
    assert difference(picture(pixels), picture(pixels)).dtype == dtype


def test_phases_are_subtracted_on_the_circle() -> None:
    now = picture(np.array([[3.1, 0.5]]), "object_phase")
    before = picture(np.array([[-3.1, 0.2]]), "object_phase")
    assert np.allclose(difference(now, before), [[6.2 - 2 * np.pi, 0.3]])


def test_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="2 x 3 and 3 x 2 px"):
        difference(picture(np.zeros((2, 3))), picture(np.zeros((3, 2))))


def test_saturation() -> None:
    counts: NDArray[np.uint16] = np.array([[0, 4094, 4095, 65535]], np.uint16)
    assert full_scale(counts) == 65535
    assert full_scale(counts.astype(np.float32)) is None
    assert saturated(counts, 4095).tolist() == [[False, False, True, True]]
    assert saturated(counts, 4094.5).tolist() == [[False, False, True, True]]
    assert not saturated(counts, 1e6).any()
    assert saturated(np.array([[1.0, np.nan]]), 0.5).tolist() == [[True, False]]
