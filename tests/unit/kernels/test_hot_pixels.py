"""Hot is a lone pixel that counts in every frame, whatever light there is."""

import numpy as np
import pytest

from daiss_bluesky.kernels.hot_pixels import find_hot
from tests.unit.kernels.test_blind_pixels import pattern


@pytest.mark.parametrize("counts", [0.0, 40.0])
def test_lone_pixels_that_count_always_are_found_and_nothing_else(
    counts: float,
) -> None:
    rng = np.random.default_rng(0)
    frames = rng.poisson(np.stack(32 * [pattern(counts)])).astype(np.uint16)
    planted = np.zeros(frames.shape[1:], bool)
    planted[0, 0] = planted[24, 26] = planted[40, 7] = True
    frames[:, planted] = 600
    np.testing.assert_array_equal(find_hot(frames), planted)


def test_a_peak_of_light_is_not_hot() -> None:
    """The narrowest one that a probe of half the window has, wherever it lies."""
    x = np.arange(48) - 24
    for shift in (0.0, 0.3, 0.5):
        line = np.sinc((x - shift) / 2) ** 2
        peak = np.rint(60_000 * np.outer(line, line)).astype(np.uint16)
        assert not find_hot(np.stack(8 * [peak])).any()


def test_what_counts_now_and_then_is_not_hot() -> None:
    frames = np.zeros((32, 16, 16), np.uint16)
    frames[3, 5, 5] = 50_000
    assert not find_hot(frames).any()
    assert not find_hot(frames[:0]).any()
