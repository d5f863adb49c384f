"""Blind is what never counts where its neighbors do."""

import numpy as np
import pytest

from daiss_bluesky.kernels.blind_pixels import find_blind


def pattern(
    counts: float, n: int = 48
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    y, x = (np.arange(n) - n / 2)[:, None], np.arange(n) - n / 2
    return np.asarray(counts * np.exp(-(y**2 + x**2) / (2 * 6.0**2)))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_dead_in_the_light_is_found_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.poisson(np.stack(32 * [pattern(40.0)])).astype(np.uint16)
    planted = np.zeros(frames.shape[1:], bool)
    planted[20, 25] = planted[30, 18] = True
    frames[:, planted] = 0
    np.testing.assert_array_equal(find_blind(frames), planted)


def test_a_beam_stop_is_blind_as_a_whole() -> None:
    frames = np.stack(8 * [pattern(400.0)]).astype(np.uint16)
    y, x = np.ogrid[:48, :48]
    stop = np.hypot(y - 24, x - 24) < 4
    frames[:, stop] = 0
    np.testing.assert_array_equal(find_blind(frames) & (pattern(400.0) > 100), stop)


def test_darkness_is_not_blindness() -> None:
    rng = np.random.default_rng(0)
    faint = rng.poisson(np.full((32, 24, 24), 0.02)).astype(np.uint16)
    for frames in (faint, 0 * faint, 1 + faint):
        assert not find_blind(frames).any()


def test_beside_a_hot_pixel_nothing_is_blind() -> None:
    frames = np.zeros((8, 24, 24), np.uint16)
    frames[:, 10, 12] = 600
    hot = frames[0] > 0
    assert find_blind(frames).any()
    assert not find_blind(frames, hot).any()
