import os
import tracemalloc
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates, median_filter

from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels import reference_stripes as definition
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.kernels.stripes import (
    add_weighted,
    remove_stripes,
    stripe_image,
    work_bytes,
)
from daiss_bluesky.testing.ball_scan import BALLS

DATA = Path(os.environ.get("DAISS_DATA", "../shared/data"))
NEUTRON = DATA / "tomo_stripes_sinogram_neutron.tif"


def random_stack(
    seed: int, shape: tuple[int, int, int], *, equal: bool
) -> NDArray[np.float32]:
    """Noise with one wide stripe and a dead column; equal values if asked."""
    rng = np.random.default_rng(seed)
    p = rng.normal(0.5, 0.1, shape).astype(np.float32)
    n = shape[2]
    p[:, :, n // 3 : n // 3 + 2] += 0.8
    p[:, :, 2 * n // 3] = 0.25
    if equal:
        p[::3] = np.round(p[::3], 1)
    return p


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    angles=st.sampled_from([1, 7, 64, 131, 200]),
    columns=st.sampled_from([11, 40, 65]),
    windows=st.sampled_from([(3, None), (5, None), (3, 9), (7, 41)]),
    seed=st.integers(0, 99),
)
def test_compiled_form_equals_the_reference(
    angles: int, columns: int, windows: tuple[int, int | None], seed: int
) -> None:
    p = random_stack(seed, (angles, 3, columns), equal=windows[1] is None)
    found = p.copy()
    remove_stripes(found, *windows)
    for row in range(3):
        sinogram = p[:, row].astype(np.float64)
        small, large = windows
        expected = (
            definition.remove_by_sorting(sinogram, small)
            if large is None
            else definition.remove_combined(sinogram, small, large, 3.0)
        )
        np.testing.assert_allclose(found[:, row], expected, atol=1e-6)


@pytest.mark.parametrize(("angles", "columns"), [(16, 64), (47, 130), (130, 81)])
@pytest.mark.parametrize("large", [None, 9])
def test_more_columns_than_are_turned_around_together(
    angles: int, columns: int, large: int | None
) -> None:
    p = random_stack(7, (angles, 5, columns), equal=False) - 0.6
    p[:, :, 62:67] += 0.5
    p[:, :, columns // 2] = -0.0
    p[:, 4] = 0.25
    found = p.copy()
    remove_stripes(found, 5, large)
    for row in range(5):
        sinogram = p[:, row].astype(np.float64)
        expected = (
            definition.remove_by_sorting(sinogram, 5)
            if large is None
            else definition.remove_combined(sinogram, 5, large, 3.0)
        )
        np.testing.assert_allclose(found[:, row], expected, atol=1e-6)


def test_some_rows_of_a_larger_stack_are_corrected_where_they_are() -> None:
    whole = random_stack(8, (40, 6, 33), equal=False)
    expected = np.ascontiguousarray(whole[:, 2:4])
    remove_stripes(expected, 5, 9)
    found = whole.copy()
    remove_stripes(found[:, 2:4], 5, 9)
    np.testing.assert_array_equal(found[:, 2:4], expected)
    np.testing.assert_array_equal(found[:, :2], whole[:, :2])
    np.testing.assert_array_equal(found[:, 4:], whole[:, 4:])


@pytest.mark.parametrize("shape", [(300, 1, 200), (800, 1, 64)])
def test_the_stated_room_is_enough(shape: tuple[int, int, int]) -> None:
    p = random_stack(9, shape, equal=False)
    remove_stripes(p, 5, 21)
    tracemalloc.start()
    try:
        remove_stripes(p, 5, 21)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 * work_bytes(*shape) < peak < work_bytes(*shape)


@pytest.mark.parametrize("shape", [(1, 9), (70, 33), (3, 4)])
@pytest.mark.parametrize("window_px", [1, 5, 21])
def test_stripe_image_equals_the_reference(
    shape: tuple[int, int], window_px: int
) -> None:
    mean = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    expected = definition.stripe_image(mean.astype(np.float64), window_px)
    np.testing.assert_allclose(stripe_image(mean, window_px), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3, 7), (33, 20, 5)])
def test_weighted_sum_equals_the_reference(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    p = rng.normal(size=shape).astype(np.float32)
    weights = rng.normal(size=shape[0])
    total = np.ones(shape[1:])
    add_weighted(total, p, weights)
    np.testing.assert_allclose(total, 1 + np.tensordot(weights, p, 1), atol=1e-5)


@pytest.fixture(scope="module")
def clean() -> NDArray[np.float64]:
    """Line integrals (angle, row, column) of balls, with photon noise."""
    geometry = FieldGeometry(3, 128, 64.0)
    p = [project(BALLS, a, geometry) for a in np.arange(180) * np.pi / 180]
    light = np.random.default_rng(4).poisson(40_000 * np.exp(-np.stack(p)))
    return -np.log(light / 40_000)


def striped(clean: NDArray[np.float64], *, wide: bool) -> NDArray[np.float64]:
    """Wrong gains of single columns, a wide one, and one that does not respond."""
    p = clean.copy()
    offsets = np.random.default_rng(5).normal(0, 0.05, 128)
    p += np.where(np.arange(128) % 9 == 4, offsets, 0.0)
    p[:, :, 41] = 0.3
    if wide:
        p[:, :, 90:93] += 0.15
    return p


def away(p: NDArray[Any], clean: NDArray[np.float64]) -> float:
    """RMS of what a sinogram is off by, inside."""
    return float(np.sqrt(np.mean((p - clean)[:, :, 8:-8] ** 2)))


@pytest.mark.parametrize("wide", [False, True])
def test_known_stripes_go(clean: NDArray[np.float64], wide: bool) -> None:
    given = striped(clean, wide=wide)
    sorted_only = given.astype(np.float32)
    remove_stripes(sorted_only, 7)
    combined = given.astype(np.float32)
    remove_stripes(combined, 7, 21)
    assert away(sorted_only, clean) < away(given, clean) / 2.3
    # Twice the noise that the sinogram has without stripes.
    assert away(combined, clean) < (0.017 if wide else 0.01)


@pytest.mark.parametrize("large", [None, 21], ids=["sorting", "combined"])
def test_nothing_is_damaged_where_there_are_no_stripes(
    clean: NDArray[np.float64], large: int | None
) -> None:
    found = clean.astype(np.float32)
    remove_stripes(found, 5, large)
    # Noise at 40,000 counts is 0.005 to 0.008: the change is no larger.
    assert away(found, clean) < 0.006
    slices = [
        reference.reconstruct(p[:, :1], np.arange(180) * np.pi / 180, weights, 64.0)
        for weights in [np.full(180, np.pi / 180)]
        for p in (clean, found.astype(np.float64))
    ]
    change = np.sqrt(np.mean((slices[0] - slices[1]) ** 2) / np.mean(slices[0] ** 2))
    assert change < 0.06


@pytest.mark.parametrize("n", [64, 128])
def test_edges_without_noise_are_not_taken_for_stripes(n: int) -> None:
    geometry = FieldGeometry(2, n, n / 2 + 1.25)
    p = [project(BALLS, a, geometry) for a in np.arange(90) * np.pi / 90]
    by_sorting = np.stack(p).astype(np.float32)
    combined = by_sorting.copy()
    remove_stripes(by_sorting, 5)
    remove_stripes(combined, 5, 5)
    np.testing.assert_array_equal(combined, by_sorting)


def test_mean_finds_constant_offsets_and_spares_slopes_and_steps() -> None:
    x = np.arange(128)
    mean = np.tile(np.where(x < 50, 0.01 * x, 1.0 + 0.005 * x), (4, 1))
    offsets = np.zeros((4, 128))
    offsets[:, 30], offsets[:, 80:82] = 0.1, -0.05
    found = stripe_image((mean + offsets).astype(np.float32), 15)[:, 7:-7]
    np.testing.assert_allclose(found, offsets[:, 7:-7], atol=0.011)
    clean = stripe_image(mean.astype(np.float32), 15)[:, 7:-7]
    np.testing.assert_allclose(clean, 0.0, atol=1e-6)


@pytest.mark.skipif(find_spec("algotom") is None, reason="algotom is not installed")
def test_algotom_agrees(clean: NDArray[np.float64]) -> None:
    removal = import_module("algotom.prep.removal")
    # Counts repeat; among equal values the order is anybody's.
    unequal = np.random.default_rng(6).normal(0, 1e-3, clean.shape)
    given = (striped(clean, wide=True) + unequal).astype(np.float32)
    for large in (None, 21):
        found = given.copy()
        remove_stripes(found, 5, large)
        sinogram = given[:, 1].copy()
        if large is None:
            peer = removal.remove_stripe_based_sorting(sinogram, 5)
            np.testing.assert_allclose(found[:, 1], peer, atol=1e-5)
        else:
            peer = removal.remove_all_stripe(sinogram, 3.0, large, 5)
            ours = away(found[:, 1:2], clean[:, 1:2])
            assert ours < 1.15 * away(peer[:, None], clean[:, 1:2])


@pytest.mark.data
@pytest.mark.skipif(not NEUTRON.exists(), reason=f"{NEUTRON} is not there")
def test_rings_of_a_measured_sinogram_go_and_the_sample_stays() -> None:
    with Image.open(NEUTRON) as image:
        counts = np.asarray(image, dtype=np.float64)[::3]
    p = -np.log(np.clip(counts / 47_000, 1e-2, None))[:, None]
    found = p.astype(np.float32)
    remove_stripes(found, 7, 21)
    before, after = slice_of(p), slice_of(found.astype(np.float64))
    assert ring_energy(after) < 0.02 * ring_energy(before)
    rod = np.s_[345:365, 240:260]
    assert abs(after[rod].mean() / before[rod].mean() - 1) < 0.02
    assert after[rod].std() < 1.1 * before[rod].std()


def slice_of(p: NDArray[np.float64]) -> NDArray[np.float64]:
    n = len(p)
    angles_rad = np.arange(n) * 2 * np.pi / n
    weights = np.full(n, np.pi / n)
    return np.asarray(reference.reconstruct(p, angles_rad, weights, 245.5)[0])


def ring_energy(found: NDArray[np.float64]) -> float:
    """Mean square of what is narrow in radius and alike over a quarter turn."""
    n = len(found)
    r = np.arange(3, n / 2 - 3)[:, None]
    phi = np.arange(720) * np.pi / 360
    points = [(n - 1) / 2 + r * np.sin(phi), (n - 1) / 2 + r * np.cos(phi)]
    polar = map_coordinates(found, points, order=1)
    narrow = polar - median_filter(polar, (15, 1), mode="nearest")
    alike = np.median(narrow.reshape(len(r), 4, 180), axis=2)
    return float(np.mean(alike**2))
