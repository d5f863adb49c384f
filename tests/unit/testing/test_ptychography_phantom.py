"""The phantom's patterns are those of its object and probe, by definition."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.ptychography import KEV_UM
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    PtychographyPhantom,
    ptychography_phantom,
)

SETTINGS = PhantomSettings(24, 32, 75.0, 500.0, 8.8)
NEAR = replace(SETTINGS, field="near", detector_pixel_um=0.1, distance_mm=1.5)


@pytest.fixture(scope="module")
def phantom() -> PtychographyPhantom:
    return ptychography_phantom(SETTINGS)


def at_pixels(phantom: PtychographyPhantom, row: int, column: int) -> Any:
    height_um, width_um = phantom.settings.pixel_um
    return row * height_um, column * width_um


def window(phantom: PtychographyPhantom, row: int, column: int) -> NDArray[Any]:
    rows, columns = phantom.settings.shape
    top = phantom.origin_px[0] + row - rows // 2
    left = phantom.origin_px[1] + column - columns // 2
    return phantom.truth[top : top + rows, left : left + columns]


def test_the_object_is_what_it_says(phantom: PtychographyPhantom) -> None:
    amplitude, phase = np.abs(phantom.truth), np.angle(phantom.truth)
    assert 0.69 < amplitude.min() < 0.75
    assert amplitude.max() == pytest.approx(1)
    assert -1.0 <= phase.min() < -0.9
    assert phase.max() <= 1e-12
    border = np.concatenate([phantom.truth[0], phantom.truth[-1], phantom.truth[:, 0]])
    np.testing.assert_allclose(border, 1, atol=1e-6)


def test_no_flip_or_transposition_is_the_object_again() -> None:
    settings = replace(SETTINGS, rows=32, columns=32)
    square = np.angle(ptychography_phantom(settings).truth)
    turned = [np.rot90(square, k) for k in range(1, 4)]
    turned += [np.rot90(square.T, k) for k in range(4)]
    for other in turned:
        assert np.corrcoef(square.ravel(), other.ravel())[0, 1] < 0.7


def test_the_same_settings_give_the_same_and_another_seed_another() -> None:
    first, again = (ptychography_phantom(SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(first.fine, again.fine)
    other = ptychography_phantom(replace(SETTINGS, seed=2))
    assert np.abs(other.fine - first.fine).max() > 0.3


@pytest.mark.parametrize("modes", [1, 3, 6])
def test_modes_of_the_probe_are_orthogonal_and_have_a_power_of_1(modes: int) -> None:
    probe = ptychography_phantom(replace(SETTINGS, modes=modes)).probe
    flat = probe.reshape(modes, -1)
    products = flat.conj() @ flat.T
    powers = np.diag(products).real
    np.testing.assert_allclose(products - np.diag(powers), 0, atol=1e-12)
    assert powers.sum() == pytest.approx(1)
    assert np.all(np.diff(powers) < 0)


def test_the_probe_is_in_the_middle_and_covers_its_part_of_the_frame() -> None:
    settings = replace(SETTINGS, rows=128, columns=128)
    intensity = np.abs(ptychography_phantom(settings).probe[0]) ** 2
    bright = intensity > 0.1 * intensity.max()
    diameter = np.sqrt(4 / np.pi * bright.sum()) / 128
    assert 0.4 < diameter < 0.5
    middle = [float((intensity.sum(axis=1 - i) * np.arange(128)).sum()) for i in (0, 1)]
    np.testing.assert_allclose(middle, 64, atol=4)
    assert intensity[16:-16, 16:-16].sum() > 0.99


@pytest.mark.parametrize(("row", "column"), [(0, 0), (7, -12), (-100, 60)])
def test_a_larger_position_is_further_down_and_right(
    phantom: PtychographyPhantom, row: int, column: int
) -> None:
    patch = phantom.patch(at_pixels(phantom, row, column))
    np.testing.assert_allclose(patch, window(phantom, row, column), atol=1e-9)


def test_between_pixels_the_object_is_interpolated(
    phantom: PtychographyPhantom,
) -> None:
    height_um, width_um = phantom.settings.pixel_um
    fine = phantom.fine
    top = 2 * (phantom.origin_px[0] - 12)
    left = 2 * (phantom.origin_px[1] - 16)
    half = fine[top + 1 : top + 49 : 2, left : left + 64 : 2]
    np.testing.assert_allclose(phantom.patch((height_um / 2, 0.0)), half, atol=1e-9)
    there, next_to_it = (
        fine[top : top + 48 : 2, left + i : left + i + 64 : 2] for i in (0, 1)
    )
    quarter = phantom.patch((0.0, width_um / 4))
    np.testing.assert_allclose(quarter, (there + next_to_it) / 2, atol=1e-9)


def test_far_away_there_is_nothing(phantom: PtychographyPhantom) -> None:
    empty = phantom.pattern(None)
    np.testing.assert_allclose(phantom.pattern((900.0, -900.0)), empty, atol=1e-9)
    partly = phantom.patch(at_pixels(phantom, -210, 0))
    assert partly.shape == SETTINGS.shape
    np.testing.assert_allclose(partly[:10], 1, atol=1e-6)


@pytest.mark.parametrize("modes", [1, 2])
def test_far_field_is_the_fourier_transform_with_zero_in_the_middle(modes: int) -> None:
    phantom = ptychography_phantom(replace(SETTINGS, modes=modes))
    rows, columns = SETTINGS.shape
    dft_y, dft_x = (
        np.exp(-2j * np.pi * np.outer(np.arange(n) - n // 2, np.arange(n)) / n)
        for n in (rows, columns)
    )
    waves = dft_y @ (phantom.probe * window(phantom, 3, 5)) @ dft_x.T
    expected = (np.abs(waves) ** 2).sum(axis=0) / (rows * columns)
    np.testing.assert_allclose(
        phantom.pattern(at_pixels(phantom, 3, 5)), expected, atol=1e-9
    )


def test_the_empty_beam_is_a_disk_about_the_middle(
    phantom: PtychographyPhantom,
) -> None:
    empty = phantom.pattern(None)
    assert empty.sum() == pytest.approx(1)
    y, x = np.indices(empty.shape)
    assert (empty * y).sum() == pytest.approx(12, abs=0.05)
    assert (empty * x).sum() == pytest.approx(16, abs=0.05)


def test_near_field_is_fresnels_propagation() -> None:
    phantom = ptychography_phantom(NEAR)
    assert phantom.settings.pixel_um == (0.1, 0.1)
    exit_wave = phantom.probe[0] * window(phantom, -4, 9)
    fy, fx = (np.fft.fftfreq(n, 0.1) for n in NEAR.shape)
    wavelength_um = KEV_UM / NEAR.energy_kev
    reach = np.pi * wavelength_um * NEAR.distance_mm * 1e3
    transfer = np.exp(-1j * reach * (fy[:, None] ** 2 + fx**2))
    behind = np.fft.ifft2(np.fft.fft2(exit_wave) * transfer)
    np.testing.assert_allclose(
        phantom.pattern(at_pixels(phantom, -4, 9)), np.abs(behind) ** 2, atol=1e-7
    )
    assert phantom.pattern(None).sum() == pytest.approx(1, rel=1e-6)


def test_single_precision_is_good_enough_for_photons() -> None:
    place = (0.37, -0.22)
    exact = ptychography_phantom(SETTINGS).pattern(place)
    single = ptychography_phantom(SETTINGS, np.complex64).pattern(place)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, atol=1e-6 * exact.max())
