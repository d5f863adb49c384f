"""Ptychography as it is defined: plain NumPy complex128, one frame at a time.

The canvas is the object (row, column); a corner is where the probe's first pixel lies
on it, in pixels, with a fraction. Probe modes are (mode, row, column), frames
intensities. The wave of mode m at frame j is ψ_jm = P_m times the object at the corner,
bilinear; the model of the frame is Σ_m |F ψ_jm|², F unitary (Thibault & Menzel, Nature
494 (2013) 68).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography_step import Step

Waves = NDArray[np.complexfloating[Any, Any]]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """How waves reach the detector, and which of its pixels count."""

    transfer: Waves | None = None
    """Near field: what multiplies the spectrum. None: far field."""
    good: NDArray[np.bool_] | None = None

    def detect(self, waves: Waves) -> Waves:
        """Carry waves (..., row, column) to the detector."""
        spectrum = np.fft.fft2(waves, norm="ortho")
        if self.transfer is None:
            return np.asarray(spectrum)
        return np.asarray(np.fft.ifft2(self.transfer * spectrum, norm="ortho"))

    def undetect(self, waves: Waves) -> Waves:
        """Carry waves back: the adjoint."""
        if self.transfer is None:
            return np.asarray(np.fft.ifft2(waves, norm="ortho"))
        spectrum = np.conj(self.transfer) * np.fft.fft2(waves, norm="ortho")
        return np.asarray(np.fft.ifft2(spectrum, norm="ortho"))

    def change(self, waves: Waves, frame: Reals) -> tuple[Waves, float, float]:
        """Give χ, what the exit waves (mode, row, column) lack, and two sums.

        χ replaces the amplitude at good pixels. The sums are Σ (model - √I)², of which
        -2 Re χ* is the slope, and Σ I, both over good pixels.
        """
        far = self.detect(waves)
        amplitude = np.sqrt(np.sum(np.abs(far) ** 2, axis=0))
        good = np.ones(frame.shape) if self.good is None else self.good.astype(float)
        lacking = good * (np.sqrt(frame) - amplitude)
        ratio = lacking / np.maximum(amplitude, 1e-18)
        sums = float(np.sum(lacking**2)), float(np.sum(good * frame))
        return self.undetect(ratio * far), *sums


@dataclass(slots=True)
class Solution:
    """What is known so far."""

    canvas: Waves
    probe: Waves
    corners: Reals
    """(frame, 2)."""
    measured: Reals
    """The corners as they were measured."""


@dataclass(slots=True)
class _Sums:
    object: Waves
    seen: Reals
    probe: Waves
    lit: Reals
    corners: Reals
    misfit: float = 0.0
    power: float = 0.0


def gather(canvas: Waves, corner: Reals, shape: tuple[int, ...]) -> Waves:
    """Take a patch of the canvas, bilinear between its pixels."""
    (y, x), (fy, fx) = _split(corner)
    rows, columns = shape
    part = canvas[y : y + rows + 1, x : x + columns + 1]
    part = (1 - fy) * part[:-1] + fy * part[1:]
    return np.asarray((1 - fx) * part[:, :-1] + fx * part[:, 1:])


def scatter(canvas: NDArray[Any], corner: Reals, patch: NDArray[Any]) -> None:
    """Add a patch to the canvas: the adjoint of `gather`."""
    (y, x), (fy, fx) = _split(corner)
    rows, columns = patch.shape
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            where = np.s_[y + dy : y + dy + rows, x + dx : x + dx + columns]
            canvas[where] += wy * wx * patch


def slopes(canvas: Waves, corner: Reals, shape: tuple[int, ...]) -> tuple[Waves, Waves]:
    """Give the derivatives of `gather` by the corner's row and column."""
    (y, x), (fy, fx) = _split(corner)
    rows, columns = shape
    part = canvas[y : y + rows + 1, x : x + columns + 1]
    down, right = np.diff(part, axis=0), np.diff(part, axis=1)
    down = (1 - fx) * down[:, :-1] + fx * down[:, 1:]
    return np.asarray(down), np.asarray((1 - fy) * right[:-1] + fy * right[1:])


def _split(corner: Reals) -> tuple[NDArray[np.int64], Reals]:
    whole = np.floor(corner)
    return whole.astype(np.int64), corner - whole


def update(
    now: Solution, frames: NDArray[Any], group: list[int], model: Model, step: Step
) -> tuple[float, float]:
    """Improve all by one parallel step from a group; give the two sums before it.

    Object and probe: rPIE (Maiden, Johnson & Li, Optica 4 (2017) 736) with numerators
    and denominators summed over the group. Corners: the least-squares solution of
    χ = dψ/dcorner · move, for each frame alone.
    """
    shape = now.probe.shape[1:]
    sums = _Sums(
        np.zeros_like(now.canvas), np.zeros(now.canvas.shape),
        np.zeros_like(now.probe), np.zeros(shape), now.corners.copy(),
    )  # fmt: skip
    for j in group:
        _add_frame(sums, now, np.asarray(frames[j], np.float64), j, model, step)
    bright = np.sum(np.abs(now.probe) ** 2, axis=0).max()
    floor = (1 - step.alpha) * sums.seen + step.alpha * bright
    dim = (1 - step.beta) * sums.lit + step.beta * sums.lit.max()
    now.canvas += step.object_step * sums.object / floor
    now.probe += step.probe_step * sums.probe / dim
    now.corners[:] = sums.corners
    return sums.misfit, sums.power


def _add_frame(
    sums: _Sums, now: Solution, frame: Reals, j: int, model: Model, step: Step
) -> None:
    shape, corner = frame.shape, now.corners[j]
    patch = gather(now.canvas, corner, shape)
    change, misfit, power = model.change(now.probe * patch, frame)
    scatter(sums.object, corner, np.sum(np.conj(now.probe) * change, axis=0))
    scatter(sums.seen, corner, np.sum(np.abs(now.probe) ** 2, axis=0))
    sums.probe += np.conj(patch) * change
    sums.lit += np.abs(patch) ** 2
    sums.misfit += misfit
    sums.power += power
    if step.position_step:
        move = step.position_step * corner_move(now, corner, change)
        move = np.clip(move, -step.reach_px, step.reach_px)
        away = np.clip(corner + move - now.measured[j], -step.limit_px, step.limit_px)
        sums.corners[j] = now.measured[j] + away


def corner_move(now: Solution, corner: Reals, change: Waves) -> Reals:
    """Give the move of a corner (2,) that best explains what the waves lack."""
    return np.asarray(np.linalg.solve(*corner_equations(now, corner, change)))


def corner_equations(
    now: Solution, corner: Reals, change: Waves
) -> tuple[Reals, Reals]:
    """Give matrix and right side of a move's normal equations.

    The right side is -1/2 of the slope of Σ (model - √I)² by the corner.
    """
    down, right = slopes(now.canvas, corner, change.shape[1:])
    tilts = [(now.probe * d).ravel() for d in (down, right)]
    normal = [[np.vdot(a, b).real for b in tilts] for a in tilts]
    lacking = [np.vdot(a, change.ravel()).real for a in tilts]
    return np.array(normal), np.array(lacking)
