"""Darks and flats: averaged in groups, however many and in whatever order."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fields import MAX_FLAT_SUMS, FieldCollector
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKind


def make_batch(
    kind: FrameKind, values: list[float], times_s: list[float], first: int = 0
) -> Batch:
    pixels: NDArray[Any] = np.array(values)[:, None, None] * np.ones((1, 4, 6))
    n = len(values)
    indices = np.arange(first, first + n)
    nothing = np.full(n, np.nan)
    return Batch(kind, kind, indices, nothing, np.array(times_s), pixels)


def make_collector(dark_level: float | None = 0.0) -> FieldCollector:
    return FieldCollector(dark_level=dark_level, repair_dead=True)


def test_flats_before_and_after_make_two_groups() -> None:
    collector = make_collector()
    collector.add(make_batch("flat", [21.0, 19.0], [103.0, 102.0], first=3))
    collector.add(make_batch("flat", [9.0, 10.0, 11.0], [0.0, 1.0, 2.0]))
    fields = collector.fields()
    np.testing.assert_allclose(fields.gains[:, 0, 0], [10, 20])
    np.testing.assert_allclose(fields.times_s, [1.0, 102.5])
    at = np.array([-9.0, 1.0, 51.75, 102.5, 999.0, np.nan])
    np.testing.assert_allclose(fields.position(at), [0, 0, 0.5, 1, 1, 0])


@pytest.mark.parametrize(
    "times_s", [[5.0], [5.0, 6.0], [np.nan] * 3, [7.0] * 4, [0, 0.02, 0.04, 1.5, 1.52]]
)
def test_flats_in_a_row_make_one_group(times_s: list[float]) -> None:
    collector = make_collector()
    collector.add(make_batch("flat", [10.0] * len(times_s), times_s))
    assert collector.fields().gains.shape == (1, 4, 6)


def test_one_flat_before_and_one_after_make_two_groups() -> None:
    collector = make_collector()
    collector.add(make_batch("flat", [10.0, 20.0], [0.0, 300.0]))
    np.testing.assert_allclose(collector.fields().gains[:, 0, 0], [10, 20])


def test_many_flats_take_bounded_memory_and_keep_their_groups() -> None:
    rng = np.random.default_rng(0)
    n = 3 * MAX_FLAT_SUMS
    times_s = np.r_[np.arange(n) * 0.1, 500 + np.arange(n) * 0.1]
    values = np.r_[np.full(n, 10.0), np.full(n, 30.0)] + rng.normal(size=2 * n)
    collector = make_collector()
    for i in rng.permutation(2 * n):
        batch = make_batch("flat", [values[i]], [times_s[i]], first=int(i))
        collector.add(batch)
        collector.add(batch)
        assert len(collector._flats) <= MAX_FLAT_SUMS
    fields = collector.fields()
    expected = [values[:n].mean(), values[n:].mean()]
    np.testing.assert_allclose(fields.gains[:, 0, 0], expected, rtol=1e-6)
    assert collector.version == 2 * n


def test_darks_are_averaged_and_subtracted() -> None:
    collector = make_collector(dark_level=None)
    collector.add(make_batch("flat", [10.0], [0.0]))
    assert collector.missing() == "dark field"
    with pytest.raises(InputError, match=r"no dark field.*dark_level"):
        collector.fields()
    collector.add(make_batch("dark", [1.0, 3.0], [0.0, 1.0]))
    fields = collector.fields()
    np.testing.assert_allclose(fields.dark, 2.0)
    np.testing.assert_allclose(fields.gains, 8.0)


def test_flats_that_show_only_noise_are_refused() -> None:
    rng = np.random.default_rng(0)
    collector = make_collector(dark_level=100.0)
    pixels = rng.poisson(100.5, (1, 64, 64)).astype(np.uint16)
    one = np.zeros(1)
    collector.add(Batch("flat", "flat", np.zeros(1, np.int64), one, one, pixels))
    with pytest.raises(InputError, match="not brighter than the dark field"):
        collector.fields()


def test_half_covered_flats_are_good() -> None:
    collector = make_collector()
    pixels = np.zeros((1, 8, 20), np.uint16)
    pixels[:, :, 12:] = 1000
    one = np.zeros(1)
    collector.add(Batch("flat", "flat", np.zeros(1, np.int64), one, one, pixels))
    dead = collector.fields().dead
    assert len(dead) == 8 * 12


@pytest.mark.parametrize("full", [255, 4095, 65535])
def test_saturated_flats_are_refused_whatever_the_camera(full: int) -> None:
    pixels = np.full((1, 8, 8), full, np.uint16)
    pixels[0, 0] = 17
    one = np.zeros(1)
    batch = Batch("flat", "flat", np.array([4]), one, one, pixels)
    with pytest.raises(InputError, match=rf"flat 4 is saturated: 88%.*at {full}"):
        make_collector().add(batch)
    pixels[0, 0:5] = 17
    make_collector().add(batch)
