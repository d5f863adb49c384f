"""Levels against numpy, and the histogram beside them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.colormaps import table
from daiss_bluesky.viewers.model.contrast import (
    SAMPLES,
    SCALES,
    Contrast,
    Levels,
    curve,
    finite_range,
    histogram,
    lookup,
    painted,
    strided,
)

RNG = np.random.default_rng(5)


def test_percentiles_are_those_of_numpy_on_the_strided_view() -> None:
    pixels = RNG.poisson(400, (2048, 1536)).astype(np.uint16)
    view = pixels[::7, ::7]
    assert view.size <= SAMPLES
    levels = Contrast().levels(pixels)
    expected = np.percentile(view, [0.5, 99.5])
    assert [levels.low, levels.high] == list(expected)


def test_small_pictures_are_looked_at_whole() -> None:
    pixels = RNG.normal(size=(200, 300))
    assert strided(pixels).shape == pixels.shape


def test_what_is_not_finite_is_left_out() -> None:
    pixels = RNG.normal(size=(50, 60)).astype(np.float32)
    clean = pixels.copy()
    pixels = np.concatenate([pixels, np.full((2, 60), np.nan, np.float32)])
    pixels[-1, 0] = np.inf
    for mode in ("percentile", "sigma", "range"):
        assert Contrast(mode).levels(pixels) == Contrast(mode).levels(clean)


def test_sigma_is_around_the_mean() -> None:
    pixels = RNG.normal(10, 2, (256, 256))
    levels = Contrast("sigma", sigmas=2).levels(pixels)
    assert levels.low == pytest.approx(pixels.mean() - 2 * pixels.std())
    assert levels.high == pytest.approx(pixels.mean() + 2 * pixels.std())


def test_range_sees_a_single_hot_pixel() -> None:
    pixels = np.zeros((2048, 2048), np.uint16)
    pixels[1001, 77] = 65535
    assert Contrast("range").levels(pixels) == Levels(0, 65535)


@pytest.mark.parametrize("value", [0, 7, -3.5, np.nan])
@pytest.mark.parametrize("mode", ["percentile", "symmetric", "sigma", "range"])
def test_flat_pictures_still_have_two_levels(mode: str, value: float) -> None:
    levels = Contrast(mode).levels(np.full((9, 9), value, np.float64))
    assert np.isfinite([levels.low, levels.high]).all()
    assert levels.low < levels.high


def test_symmetric_levels_have_zero_in_the_middle() -> None:
    pixels = RNG.normal(1, 2, (100, 100))
    levels = Contrast("symmetric").levels(pixels)
    assert levels.low == -levels.high
    assert levels.high == pytest.approx(np.percentile(np.abs(pixels), 99.5))


def test_fixed_levels_do_not_follow() -> None:
    fixed = Levels(-np.pi, np.pi)
    assert Contrast("fixed", fixed=fixed).levels(RNG.normal(size=(4, 4))) == fixed


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"mode": "otsu"}, "unknown contrast mode 'otsu'"),
        ({"low_percent": 60.0, "high_percent": 40.0}, "60.0 and 40.0"),
        ({"sigmas": 0.0}, "more than 0"),
    ],
)
def test_senseless_contrast_is_refused(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Contrast(**bad)


def test_the_histogram_counts_every_pixel_of_the_sample() -> None:
    pixels = RNG.normal(size=(300, 200))
    pixels[0, 0] = np.nan
    counts, edges = histogram(pixels)
    assert counts.sum() == pixels.size - 1
    assert (edges[0], edges[-1]) == finite_range(pixels)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint16, np.int32, np.float32])
def test_all_kinds_of_pixels_are_counted(dtype: type) -> None:
    pixels: NDArray[Any] = (RNG.random((20, 30)) > 0.5).astype(dtype)
    assert histogram(pixels)[0].sum() == pixels.size
    assert Contrast("range").levels(pixels) == Levels(0, 1)


@pytest.mark.parametrize("scale", SCALES)
def test_scales_keep_ends_and_order(scale: str) -> None:
    along = curve(scale, np.linspace(0, 1, 100))
    assert along[0] == 0
    assert along[-1] == pytest.approx(1)
    assert (np.diff(along) > 0).all()


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(InputError, match="unknown intensity scale 'cubic'"):
        curve("cubic", np.zeros(1))


def test_painting_clips_at_the_levels() -> None:
    pixels = np.array([[-5.0, 0.0, 10.0, 99.0, np.nan]])
    colors = painted(pixels, Levels(0, 10), lookup(table("gray"), "linear"))
    assert colors[0, :, 0].tolist() == [0, 0, 255, 255, 0]
