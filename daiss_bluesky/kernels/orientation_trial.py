"""A short reconstruction of few frames, under some orientations of the detector."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.kernels.orientation import apply_orientation

Waves = Any
"""complex64, of some array namespace."""

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


class Arrays(Protocol):
    """Where arrays lie: a namespace like NumPy's, and transforms like scipy's."""

    xp: Any
    fft: Any
    together: bool
    """Orientations are tried all at once, which needs room for all."""

    def active(self) -> AbstractContextManager[None]:
        """Give a context in which these may be used."""

    def get(self, array: Any) -> NDArray[Any]:
        """Give an array of NumPy."""


class HostArrays:
    """NumPy and scipy."""

    xp: Any = np
    fft: Any = scipy.fft
    together = False

    def active(self) -> AbstractContextManager[None]:
        """See `Arrays`."""
        return nullcontext()

    def get(self, array: Any) -> NDArray[Any]:
        """See `Arrays`."""
        return np.asarray(array)


HOST = HostArrays()


class Trial:
    """Frames, positions and a probe, square and scaled to each other."""

    def __init__(
        self,
        frames: NDArray[Any],
        good: NDArray[np.bool_],
        positions_px: NDArray[np.float64],
        probe: NDArray[Any],
        arrays: Arrays = HOST,
    ) -> None:
        """Take frames (frame, side, side) as they come, centered at side // 2."""
        self._arrays = arrays
        self._amplitude = np.sqrt(np.maximum(frames, 0)).astype(np.float32)
        self._good = good
        corners = positions_px - positions_px.min(axis=0)
        self._corners = np.rint(corners).astype(np.int64)
        self._positions_px = corners
        self._probe = np.asarray(probe, np.complex64)
        self._side = frames.shape[-1]
        self._ramps = _ramps(corners - self._corners, self._side)
        n = len(frames)
        self._groups = [np.arange(i, n, _GROUPS) for i in range(min(_GROUPS, n))]

    def run(self, names: Sequence[str], passes: int) -> dict[str, TrialResult]:
        """Reconstruct from an empty object and measure what is left unexplained.

        rPIE (Maiden, Johnson & Li, Optica 4 (2017) 736) by groups; the probe follows
        after the first passes, too slowly to turn into its conjugate. Orientations do
        not know of each other.
        """
        found: dict[str, TrialResult] = {}
        with self._arrays.active():
            each = len(names) if self._arrays.together else 1
            for first in range(0, len(names), each):
                some = names[first : first + each]
                found |= zip(some, self._run_together(some, passes), strict=True)
        return found

    def _run_together(self, names: Sequence[str], passes: int) -> Iterator[TrialResult]:
        """Do it with a first axis (orientation) in all arrays."""
        xp = self._arrays.xp
        frames, masks = (
            np.stack([apply_orientation(one, name) for name in names])
            for one in (self._amplitude, self._good)
        )
        amplitude = xp.asarray(np.fft.ifftshift(frames, axes=(-2, -1)))
        good = xp.asarray(np.fft.ifftshift(masks, axes=(-2, -1)))
        shape = (len(names), *(self._corners.max(axis=0) + self._side).tolist())
        wave: Waves = xp.ones(shape, np.complex64)
        probe: Waves = xp.stack(len(names) * [xp.asarray(self._probe)])
        ramps = [xp.asarray(self._ramps[group]) for group in self._groups]
        for i in range(passes):
            for group, ramp in zip(self._groups, ramps, strict=True):
                measured = amplitude[:, group], good
                self._update(wave, probe, measured, group, ramp, i >= _HELD)
        for i in range(len(names)):
            one = slice(i, i + 1)
            yield self._measure(wave[one], probe[one], amplitude[one], good[one])

    def _shift(self, waves: Waves, ramp: Waves) -> Waves:
        """Move waves (orientation, frame, mode, row, column) by parts of a pixel."""
        fft = self._arrays.fft
        return fft.ifft2(fft.fft2(waves) * ramp, overwrite_x=True)

    def _patches(self, wave: Waves, frames: NDArray[np.int64]) -> Waves:
        side = self._side
        corners = self._corners[frames].tolist()
        cut = [wave[:, y : y + side, x : x + side] for y, x in corners]
        return self._arrays.xp.stack(cut, axis=1)

    def _update(
        self,
        wave: Waves,
        probe: Waves,
        measured: tuple[Any, Any],
        group: NDArray[np.int64],
        ramp: Waves,
        move_probe: bool,
    ) -> None:
        xp, side = self._arrays.xp, self._side
        lights = self._shift(probe[:, None], ramp)
        patches = self._patches(wave, group)
        change, _ = self._lacking(lights * patches[:, :, None], *measured)
        steps = xp.sum(xp.conj(lights) * change, axis=2)
        weights = xp.sum(_square(lights), axis=2)
        total = xp.zeros_like(wave)
        seen = xp.zeros(wave.shape, np.float32)
        for k, (y, x) in enumerate(self._corners[group].tolist()):
            total[:, y : y + side, x : x + side] += steps[:, k]
            seen[:, y : y + side, x : x + side] += weights[:, k]
        wave += total / _floor(seen, _ALPHA)
        if move_probe:
            asked = xp.conj(patches)[:, :, None] * change
            back = self._shift(asked, xp.conj(ramp)).sum(axis=1)
            probe += back / _floor(xp.sum(_square(patches), axis=1), _BETA)[:, None]

    def _measure(
        self, wave: Waves, probe: Waves, amplitude: Any, good: Any
    ) -> TrialResult:
        """Do it for one orientation."""
        xp, get = self._arrays.xp, self._arrays.get
        everything = np.arange(len(self._corners))
        lights = self._shift(probe[:, None], xp.asarray(self._ramps))
        patches = self._patches(wave, everything)
        _, misfit = self._lacking(lights * patches[:, :, None], amplitude, good)
        counts = amplitude[0].astype(np.float64) ** 2 * good[0]
        power, lacking = get(counts.sum(axis=(1, 2))), get(misfit[0])
        bright = _square(lights[0].astype(np.complex128)).sum(axis=1)
        means = (bright * patches[0]).sum(axis=(1, 2)) / bright.sum(axis=(1, 2))
        return TrialResult(
            residual=float(np.sqrt(lacking.sum() / power.sum())),
            by_frame=np.sqrt(lacking / np.maximum(power, 1e-30)),
            waves=get(means),
            totals=power,
            positions_px=self._positions_px,
        )

    def _lacking(self, exits: Waves, amplitude: Any, good: Any) -> tuple[Waves, Any]:
        """Give what exit waves lack, and Σ (|model| - √I)² of each frame.

        Waves are (orientation, frame, mode, row, column).
        """
        xp, fft = self._arrays.xp, self._arrays.fft
        far = fft.fft2(exits, norm="ortho", overwrite_x=True)
        model = xp.sqrt(xp.sum(_square(far), axis=2))
        lacking = (amplitude - model) * good[:, None]
        far *= (lacking / xp.maximum(model, np.float32(1e-12)))[:, :, None]
        change = fft.ifft2(far, norm="ortho", overwrite_x=True)
        misfit = xp.sum(lacking.astype(np.float64) ** 2, axis=(-2, -1))
        return change, misfit


def warm_up(arrays: Arrays) -> None:
    """Let a device compile what trials need."""
    rng = np.random.default_rng(0)
    frames = rng.integers(1, 9, (8, 16, 16))
    trial = Trial(
        frames, np.ones((16, 16), np.bool_), rng.uniform(0, 4, (8, 2)),
        np.ones((1, 16, 16)), arrays,
    )  # fmt: skip
    trial.run(["none", "transpose"], _HELD + 1)


def _ramps(fractions: NDArray[np.float64], side: int) -> NDArray[np.complex64]:
    """Give what moves the spectrum of a wave by parts of a pixel (frame, 1, ...)."""
    f = np.fft.fftfreq(side)
    down, across = -2j * np.pi * fractions.T[..., None] * f
    ramp = np.exp(down)[:, None, :, None] * np.exp(across)[:, None, None, :]
    return np.asarray(ramp, np.complex64)


def _square(waves: Waves) -> Any:
    return waves.real**2 + waves.imag**2


def _floor(seen: Any, share: float) -> Any:
    """Give what a step is divided by (orientation, row, column)."""
    most = seen.max(axis=(1, 2), keepdims=True)
    return np.float32(1 - share) * seen + np.float32(share) * most
