"""Two objects compared: what does not count is removed, what counts is told."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.object_alignment import align, fit_ramp
from daiss_bluesky.kernels.phase_error import phase_error_rad
from daiss_bluesky.kernels.ring_correlation import (
    fourier_ring_correlation,
    half_bit,
    soft_window,
)

Complex = NDArray[np.complex128]


def blobs(
    shape: tuple[int, int], moved: tuple[float, float] = (0.0, 0.0), sign: float = 1.0
) -> Complex:
    """Gaussian spots of phase and absorption, exact wherever they lie."""
    rng = np.random.default_rng(5)
    y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in shape), indexing="ij")
    phase = np.zeros(shape)
    for _ in range(40):
        cy, cx = rng.uniform(0, 1, 2) * shape
        width = rng.uniform(2.0, 6.0)
        far = (y - cy - moved[0]) ** 2 + (x - cx - moved[1]) ** 2
        phase += rng.uniform(-0.6, 0.6) * np.exp(-far / (2 * width**2))
    return np.asarray(np.exp(sign * 1j * phase - 0.1 * phase))


def ramp(shape: tuple[int, int], phase: float, down: float, across: float) -> Complex:
    y, x = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    return np.asarray(np.exp(1j * (phase + down * y + across * x)))


def noise(shape: tuple[int, int], seed: int) -> Complex:
    parts = np.random.default_rng(seed).normal(size=(2, *shape))
    return np.asarray((parts[0] + 1j * parts[1]) / np.sqrt(2))


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.013, -0.4), (-1.21, 0.72)])
def test_a_ramp_is_found_however_often_it_wraps(slope: tuple[float, float]) -> None:
    shape = (57, 64)
    b = blobs(shape)
    phase, found = fit_ramp(b * ramp(shape, 2.5, *slope), b, np.ones(shape))
    np.testing.assert_allclose(found, slope, atol=1e-9)
    assert phase == pytest.approx(2.5, abs=1e-9)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.37, -1.62), (-5.25, 3.5)])
def test_a_shift_is_taken_away_under_a_ramp(shift: tuple[float, float]) -> None:
    shape = (96, 90)
    b = blobs(shape, shift) * ramp(shape, -1.0, 0.02, 0.05)
    weight = soft_window(np.ones(shape, bool))
    aligned = align(blobs(shape), b, weight)
    inside = np.s_[12:-12, 12:-12]
    assert np.abs(aligned - blobs(shape))[inside].max() < 0.02


def test_the_error_of_a_phase_is_what_was_planted() -> None:
    shape = (80, 72)
    truth = blobs(shape)
    y = np.arange(80)[:, None] + np.zeros(shape)
    # Waves of whole periods: no ramp and no constant is in them.
    wrong = 0.1 * np.cos(2 * np.pi * 6 * (y + 0.5) / 80)
    found = truth * np.exp(1j * wrong) * ramp(shape, 3.0, 0.1, -0.2)
    covered = np.ones(shape, bool)
    error = phase_error_rad(found, truth, covered)
    assert error == pytest.approx(0.1 / np.sqrt(2), rel=1e-3)
    assert phase_error_rad(truth, truth, covered) < 1e-12
    # A conjugate object is no small error, though its amplitude is right.
    assert phase_error_rad(np.conj(truth), truth, covered) > 0.3
    moved = blobs(shape, (0.0, 1.5))
    assert phase_error_rad(moved, truth, covered, register=True) < 0.02
    assert phase_error_rad(moved, truth, covered) > 0.05


def test_outside_the_area_nothing_counts() -> None:
    shape = (80, 72)
    truth = blobs(shape)
    covered = np.zeros(shape, bool)
    covered[10:60, 20:70] = True
    found = np.where(covered, truth * ramp(shape, 1.0, 0.03, 0.02), noise(shape, 2))
    assert phase_error_rad(found, truth, covered) < 1e-9
    same = fourier_ring_correlation(found, truth, covered)
    assert same.verdict == "never below"
    assert same.correlation.min() > 0.999


def test_known_signal_and_noise_give_the_known_correlation() -> None:
    shape = (128, 128)
    signal = noise(shape, 1)
    halves = [signal + 0.7 * noise(shape, seed) for seed in (2, 3)]
    found = fourier_ring_correlation(
        halves[0], halves[1], np.ones(shape, bool), register=False
    )
    expected = 1 / (1 + 0.7**2)
    assert found.correlation[10:].mean() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("cutoff", [0.1, 0.2, 0.35])
def test_the_crossing_is_where_the_signal_ends(cutoff: float) -> None:
    shape = (160, 144)
    radius = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij"))
    signal = np.fft.ifft2(np.fft.fft2(noise(shape, 4)) * (radius < cutoff))
    halves = [3 * signal + noise(shape, seed) for seed in (5, 6)]
    second = halves[1] * ramp(shape, 0.4, 0.02, -0.01)
    found = fourier_ring_correlation(halves[0], second, np.ones(shape, bool))
    assert found.verdict == "crossed"
    assert found.crossing == pytest.approx(cutoff, abs=0.02)
    assert found.half_period_px == pytest.approx(0.5 / cutoff, rel=0.1)


def test_what_never_agrees_and_what_always_does_is_said() -> None:
    shape = (96, 96)
    covered = np.ones(shape, bool)
    never = fourier_ring_correlation(noise(shape, 1), noise(shape, 2), covered)
    assert never.verdict == "never above"
    assert never.half_period_px is None
    always = fourier_ring_correlation(blobs(shape), blobs(shape), covered)
    assert always.verdict == "never below"
    assert always.half_period_px == 1.0
    assert always.frequency[-1] <= 0.5


def test_a_ramp_and_a_shift_are_no_disagreement() -> None:
    shape = (128, 120)
    truth = blobs(shape) + 0.05 * noise(shape, 9)
    second = blobs(shape, (3.0, -2.25)) + 0.05 * noise(shape, 10)
    second *= ramp(shape, 1.0, 0.3, -0.05)
    covered = np.ones(shape, bool)
    found = fourier_ring_correlation(truth, second, covered)
    apart = fourier_ring_correlation(truth, second, covered, register=False)
    assert found.crossing is not None
    assert apart.crossing is not None
    assert found.crossing > 1.3 * apart.crossing


def test_a_ragged_area_feigns_no_agreement() -> None:
    shape = (160, 160)
    halves = [blobs(shape) + 0.2 * noise(shape, seed) for seed in (11, 12)]
    whole = fourier_ring_correlation(halves[0], halves[1], np.ones(shape, bool))
    holes = np.random.default_rng(13).uniform(size=shape) < 0.75
    ragged = fourier_ring_correlation(halves[0], halves[1], holes)
    assert whole.crossing is not None
    assert ragged.crossing == pytest.approx(whole.crossing, rel=0.1)


def test_the_threshold_is_half_a_bit() -> None:
    # Many pixels: 0.2071 / 1.2071, the correlation at a signal-to-noise of 0.2071.
    assert half_bit(np.array([1e12]))[0] == pytest.approx(0.1716, abs=1e-4)
    np.testing.assert_allclose(half_bit(np.array([0.0, 1.0])), 1.0)
    assert (np.diff(half_bit(np.arange(2, 500))) < 0).all()


def test_objects_that_cannot_be_compared_are_refused() -> None:
    a = blobs((40, 40))
    with pytest.raises(InputError, match="must have one shape"):
        fourier_ring_correlation(a, a[1:], np.ones((40, 40), bool))
    few = np.zeros((40, 40), bool)
    few[:5, :5] = True
    with pytest.raises(InputError, match="over 25 pixels, at least 64"):
        fourier_ring_correlation(a, a, few)
