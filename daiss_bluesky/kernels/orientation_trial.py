"""A short reconstruction of few frames, under one orientation of the detector."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.kernels.orientation import apply_orientation

Waves = NDArray[np.complex64]

_GROUPS = 4
"""Updates of the object in one pass over the frames."""
_ALPHA = 0.1
_BETA = 0.5
_HELD = 2
"""Passes before the probe is updated too."""


@dataclass(frozen=True, slots=True, eq=False)
class TrialResult:
    """How well one orientation explains the frames."""

    residual: float
    """Σ (|model| - √I)² over Σ I, and the root of it."""
    by_frame: NDArray[np.float64]
    """The same for each frame."""
    waves: NDArray[np.complex128]
    """Mean of the object under the probe of each frame."""
    totals: NDArray[np.float64]
    """Counts of each frame."""
    positions_px: NDArray[np.float64]


class Trial:
    """Frames, positions and a probe, square and scaled to each other."""

    def __init__(
        self,
        frames: NDArray[Any],
        good: NDArray[np.bool_],
        positions_px: NDArray[np.float64],
        probe: NDArray[Any],
    ) -> None:
        """Take frames (frame, side, side) as they come, centered at side // 2."""
        self._amplitude = np.sqrt(np.maximum(frames, 0)).astype(np.float32)
        self._good = good
        corners = positions_px - positions_px.min(axis=0)
        self._corners = np.rint(corners).astype(np.int64)
        self._fractions = corners - self._corners
        self._positions_px = corners
        self._probe = np.asarray(probe, np.complex64)

    def run(self, name: str, passes: int) -> TrialResult:
        """Reconstruct from an empty object and measure what is left unexplained.

        rPIE (Maiden, Johnson & Li, Optica 4 (2017) 736) by groups; the probe follows
        after the first passes, too slowly to turn into its conjugate.
        """
        turned = apply_orientation(self._amplitude, name)
        amplitude = np.fft.ifftshift(turned, axes=(1, 2))
        good = np.fft.ifftshift(apply_orientation(self._good, name))
        side = amplitude.shape[-1]
        wave: Waves = np.ones(self._corners.max(axis=0) + side, np.complex64)
        probe = self._probe.copy()
        n = len(amplitude)
        groups = [np.arange(first, n, _GROUPS) for first in range(min(_GROUPS, n))]
        for i in range(passes):
            for group in groups:
                self._update(wave, probe, amplitude, good, group, i >= _HELD)
        return self._measure(wave, probe, amplitude, good)

    def _shift(
        self, waves: NDArray[Any], frames: NDArray[np.int64], sign: int
    ) -> Waves:
        """Move waves (frame or 1, mode, row, column) by the parts of a pixel."""
        f = np.fft.fftfreq(waves.shape[-1])
        down, across = -2j * np.pi * sign * self._fractions[frames].T[..., None] * f
        ramp = np.exp(down)[:, None, :, None] * np.exp(across)[:, None, None, :]
        spectrum = scipy.fft.fft2(waves) * ramp.astype(np.complex64)
        return np.asarray(scipy.fft.ifft2(spectrum), np.complex64)

    def _patches(self, wave: Waves, frames: NDArray[np.int64], side: int) -> Waves:
        corners = self._corners[frames]
        return np.stack([wave[y : y + side, x : x + side] for y, x in corners])

    def _update(
        self,
        wave: Waves,
        probe: Waves,
        amplitude: NDArray[np.float32],
        good: NDArray[np.bool_],
        group: NDArray[np.int64],
        move_probe: bool,
    ) -> None:
        side = amplitude.shape[-1]
        lights = self._shift(probe[None], group, 1)
        patches = self._patches(wave, group, side)
        change, _ = _lacking(lights * patches[:, None], amplitude[group], good)
        steps = np.sum(np.conj(lights) * change, axis=1)
        weights = np.sum(np.abs(lights) ** 2, axis=1)
        total = np.zeros_like(wave)
        seen = np.zeros(wave.shape, np.float32)
        for (y, x), step, weight in zip(
            self._corners[group], steps, weights, strict=True
        ):
            total[y : y + side, x : x + side] += step
            seen[y : y + side, x : x + side] += weight
        wave += total / ((1 - _ALPHA) * seen + _ALPHA * seen.max())
        if move_probe:
            back = self._shift(np.conj(patches)[:, None] * change, group, -1)
            lit = np.sum(np.abs(patches) ** 2, axis=0)
            probe += back.sum(axis=0) / ((1 - _BETA) * lit + _BETA * lit.max())

    def _measure(
        self,
        wave: Waves,
        probe: Waves,
        amplitude: NDArray[np.float32],
        good: NDArray[np.bool_],
    ) -> TrialResult:
        everything = np.arange(len(amplitude))
        side = amplitude.shape[-1]
        lights = self._shift(probe[None], everything, 1)
        patches = self._patches(wave, everything, side)
        _, misfit = _lacking(lights * patches[:, None], amplitude, good)
        power = np.sum(amplitude.astype(np.float64) ** 2 * good, axis=(1, 2))
        bright = np.sum(np.abs(lights.astype(np.complex128)) ** 2, axis=1)
        return TrialResult(
            residual=float(np.sqrt(misfit.sum() / power.sum())),
            by_frame=np.sqrt(misfit / np.maximum(power, 1e-30)),
            waves=np.sum(bright * patches, axis=(1, 2)) / bright.sum(axis=(1, 2)),
            totals=power,
            positions_px=self._positions_px,
        )


def _lacking(
    exits: Waves, amplitude: NDArray[np.float32], good: NDArray[np.bool_]
) -> tuple[Waves, NDArray[np.float64]]:
    """Give what exit waves (frame, mode, row, column) lack, and Σ (|model| - √I)²."""
    far = scipy.fft.fft2(exits, norm="ortho", overwrite_x=True)
    model = np.sqrt(np.sum(np.abs(far) ** 2, axis=1))
    lacking = (amplitude - model) * good
    far *= (lacking / np.maximum(model, 1e-12))[:, None]
    change = scipy.fft.ifft2(far, norm="ortho", overwrite_x=True)
    misfit = np.sum(lacking.astype(np.float64) ** 2, axis=(1, 2))
    return np.asarray(change, np.complex64), misfit
