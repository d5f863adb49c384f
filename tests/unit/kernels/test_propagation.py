"""Fresnel propagation against waves whose propagation is known exactly."""

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.propagation import (
    FresnelPropagator,
    absorption_per_m,
    exit_wave,
    wavelength_m,
)

PIXEL_M = 1e-6
ENERGY_KEV = 20.0


def test_wavelength() -> None:
    assert wavelength_m(12.398) == pytest.approx(1e-10, rel=1e-4)
    with pytest.raises(InputError, match="energy"):
        wavelength_m(0)


def test_absorption() -> None:
    assert absorption_per_m(1e-9, 12.398) == pytest.approx(40 * np.pi, rel=1e-4)


def test_gaussian_beam_spreads_as_theory_says() -> None:
    """exp(-r²/w²) becomes exp(-r²/(w² + iλz/π)) / (1 + iλz/(πw²))."""
    n, waist, distance = 256, 12e-6, 2.0
    x = (np.arange(n) - (n - 1) / 2) * PIXEL_M
    squared = x[None] ** 2 + x[:, None] ** 2
    wave = np.exp(-squared / waist**2).astype(np.complex64)
    got = FresnelPropagator(distance, ENERGY_KEV, PIXEL_M).propagate(wave)
    q = waist**2 + 1j * wavelength_m(ENERGY_KEV) * distance / np.pi
    expected = waist**2 / q * np.exp(-squared / q)
    assert np.abs(expected).max() < 0.97  # it does spread
    np.testing.assert_allclose(got, expected, atol=2e-4)


def test_weak_phase_grating_follows_its_transfer_function() -> None:
    """1 + iε cos(2πfx) has the intensity 1 + 2ε sin(πλzf²) cos(2πfx)."""
    n, periods, strength = 256, 16, 1e-3
    frequency = periods / (n * PIXEL_M)
    x = (np.arange(n) + 0.5) * PIXEL_M  # symmetric about the edges, as the padding is
    grating = np.cos(2 * np.pi * frequency * x)
    wave = np.tile((1 + 1j * strength * grating).astype(np.complex64), (32, 1))
    distance = 0.3
    behind = FresnelPropagator(distance, ENERGY_KEV, PIXEL_M).propagate(wave)
    intensity = np.abs(behind[16]) ** 2
    phase = np.pi * wavelength_m(ENERGY_KEV) * distance * frequency**2
    middle = slice(n // 4, -n // 4)
    expected = 1 + 2 * strength * np.sin(phase) * grating
    np.testing.assert_allclose(intensity[middle], expected[middle], atol=5e-5)
    assert np.ptp(expected) > 4e-4


def test_energy_is_kept() -> None:
    rng = np.random.default_rng(1)
    wave = np.ones((64, 96), np.complex64)
    wave[16:48, 24:72] *= np.exp(1j * rng.normal(size=(32, 48))).astype(np.complex64)
    behind = FresnelPropagator(0.05, ENERGY_KEV, PIXEL_M).propagate(wave)
    assert np.mean(np.abs(behind) ** 2) == pytest.approx(1, abs=0.02)


def test_no_distance_changes_nothing() -> None:
    wave = exit_wave(np.full((8, 8), -0.5, np.float32), 200.0)
    behind = FresnelPropagator(0.0, ENERGY_KEV, PIXEL_M).propagate(wave)
    np.testing.assert_allclose(np.abs(behind) ** 2, np.exp(-0.5), rtol=1e-6)


def test_exit_wave_has_the_phase_of_delta() -> None:
    delta, beta, thickness_m = 1.4e-6, 6e-9, 1e-6
    log_transmission = -absorption_per_m(beta, ENERGY_KEV) * thickness_m
    wave = exit_wave(np.full((1, 1), log_transmission, np.float32), delta / beta)
    phase = -2 * np.pi * delta * thickness_m / wavelength_m(ENERGY_KEV)
    assert np.angle(wave[0, 0]) == pytest.approx(phase, rel=1e-4)
