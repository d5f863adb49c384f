from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.correction import (
    NO_DEAD,
    ZINGER_SPREAD,
    Fields,
    attenuation,
    find_dead,
    rows_around,
)


def make_fields(gains: NDArray[Any], dark: float = 100.0) -> Fields:
    gains = gains.astype(np.float32)
    times_s = 10.0 * np.arange(len(gains), dtype=np.float64)
    shape = gains.shape[1:]
    return Fields(np.full(shape, dark, np.float32), gains, times_s, NO_DEAD)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    dtype=st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]),
    threshold=st.sampled_from([None, 0.02, 0.3]),
    seed=st.integers(0, 99),
)
def test_compiled_form_equals_the_reference(
    dtype: type, threshold: float | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gains = rng.uniform(100, 300, (3, 9, 11))
    raw: NDArray[Any] = rng.uniform(0, 250, (4, 9, 11)).astype(dtype)
    times_s = np.array([-5.0, 0.0, 12.5, 99.0])
    found = attenuation(raw, times_s, make_fields(gains, 20.0), threshold)
    beams = [gains[0], gains[0], 0.75 * gains[1] + 0.25 * gains[2], gains[2]]
    for p, frame, beam in zip(found, raw, beams, strict=True):
        t = reference.transmission(frame, 20.0, beam)
        if threshold is not None:
            t = reference.repair_zingers(t, threshold, ZINGER_SPREAD)
        np.testing.assert_allclose(p, -np.log(t), atol=2e-4)
    assert found.dtype == np.float32


def test_no_light_and_nan_stay_finite() -> None:
    raw = np.full((1, 4, 6), 50_000, np.float32)
    raw[0, 1, 1:4] = 0.0, np.nan, -np.inf
    p = attenuation(raw, np.zeros(1), make_fields(np.full((1, 4, 6), 5e4)), 0.05)
    np.testing.assert_allclose(p[0, 1, 1:4], -np.log(reference.MIN_TRANSMISSION))
    assert np.isfinite(p).all()


def test_a_frame_without_time_takes_the_first_flats() -> None:
    gains = np.stack([np.full((4, 6), 1000.0), np.full((4, 6), 2000.0)])
    raw = np.full((1, 4, 6), 600, np.uint16)
    p = attenuation(raw, np.array([np.nan]), make_fields(gains), None)
    np.testing.assert_allclose(p, -np.log(0.5), rtol=1e-6)


def test_zinger_is_repaired_and_an_edge_is_not() -> None:
    gains = np.full((1, 20, 20), 40_000.0)
    t = np.full((20, 20), 0.3)
    t[:, 10:] = 0.9
    t[5:, 10:] = 0.2
    clean = np.round(t * 40_000 + 100).astype(np.uint16)
    hit = clean.copy()
    hit[12, 4] += 6000
    fields = make_fields(gains)
    expected = attenuation(clean[None], np.zeros(1), fields, None)
    found = attenuation(np.stack([hit, clean]), np.zeros(2), fields, 0.05)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    np.testing.assert_array_equal(found[1], expected[0])


@pytest.mark.parametrize("counts", [400, 40_000])
@pytest.mark.parametrize("transmission", [0.02, 0.3, 1.0])
def test_photon_noise_is_no_zinger(counts: int, transmission: float) -> None:
    rng = np.random.default_rng(5)
    frames = rng.poisson(counts * transmission, (4, 256, 256)).astype(np.uint16)
    gains = np.full((1, 256, 256), float(counts))
    fields = make_fields(gains, dark=0.0)
    plain = attenuation(frames, np.zeros(4), fields, None)
    repaired = attenuation(frames, np.zeros(4), fields, 0.05)
    assert np.mean(plain != repaired) < 1e-4


def test_dead_and_hot_pixels_take_their_neighbors_mean() -> None:
    gains = np.full((2, 12, 12), 1000.0, np.float32)
    gains[0, 0, 0] = 0.0
    gains[1, 6, 6:8] = -5.0
    gains[0, 9, 2] = 9000.0
    dead = find_dead(gains)
    assert sorted(dead[:, 0]) == [0, 6 * 12 + 6, 6 * 12 + 7, 9 * 12 + 2]
    raw = np.full((1, 12, 12), 500.0, np.float32)
    raw[0, 0, 0], raw[0, 6, 6:8], raw[0, 9, 2] = 65535, 0, 9
    fields = Fields(np.zeros((12, 12), np.float32), gains, np.arange(2.0), dead)
    p = attenuation(raw, np.zeros(1), fields, 0.05)
    np.testing.assert_allclose(p, -np.log(0.5), rtol=1e-6)


def test_a_wide_dead_region_is_empty_beam_inside() -> None:
    gains = np.full((1, 20, 30), 1000.0, np.float32)
    gains[0, :, :12] = 0.0
    fields = Fields(
        np.zeros((20, 30), np.float32), gains, np.zeros(1), find_dead(gains)
    )
    p = attenuation(np.full((1, 20, 30), 500, np.uint16), np.zeros(1), fields, 0.05)
    np.testing.assert_array_equal(p[0, :, :9], 0.0)
    np.testing.assert_allclose(p[0, :, 9:], -np.log(0.5), rtol=1e-6)


@pytest.mark.parametrize("rows", [slice(0, 7), slice(9, 21), slice(33, 40)])
def test_some_rows_alone_are_corrected_as_in_the_whole_frame(rows: slice) -> None:
    rng = np.random.default_rng(11)
    gains = rng.uniform(900, 1100, (2, 40, 30)).astype(np.float32)
    gains[:, rng.random((40, 30)) < 0.15] = 0.0
    gains[:, 6:11, 3:9] = 0.0
    fields = replace(make_fields(gains), dead=find_dead(gains))
    raw = rng.poisson(600, (3, 40, 30)).astype(np.uint16)
    raw[rng.random(raw.shape) < 0.05] = 9000
    times_s = np.array([0.0, 4.0, 10.0])
    around = rows_around(rows, 40)
    part = attenuation(raw[:, around], times_s, fields.part(around), 0.1)
    whole = attenuation(raw, times_s, fields, 0.1)
    unrepaired = attenuation(raw, times_s, fields, None)
    assert (whole[:, rows] != unrepaired[:, rows]).any()
    inside = slice(rows.start - around.start, rows.stop - around.start)
    np.testing.assert_allclose(part[:, inside], whole[:, rows], atol=1e-6)
