"""A first probe from nothing but diffraction patterns.

The mean pattern's amplitude is that of the probe's spectrum, nearly; its phase is taken
for that of a defocused lens, which spreads the spot to the size the sweep finds best.
"""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography import GROUP, Solver
from daiss_bluesky.kernels.ptychography_step import Step

Complex = NDArray[np.complex64]
Reals = NDArray[np.float64]

RADII = (1 / 32, 1 / 16, 0.1, 0.14, 0.18, 0.25)
"""Spots that are tried: root mean square radius along an axis, over the side."""

_TRIAL = Step(alpha=0.5, beta=1.0)
_HELD = 2
"""Passes of a trial that leave the probe as it is."""


def scaled(probe: Complex, power: float) -> Complex:
    """Give a probe (..., row, column) the power Σ|P|²: that of a frame, Σ I."""
    has = np.sum(np.abs(probe) ** 2, dtype=np.float64)
    return np.asarray(probe * np.sqrt(power / has), np.complex64)


def far_guess(mean_frame: Reals, radius: float) -> Complex:
    """Give the probe of a mean pattern (row, column), zero frequency in the corner.

    `radius` is the spot's over the array's side, negative on the focus's other side; 0
    is in focus. The power is the frame's.
    """
    weight = mean_frame / mean_frame.sum()
    turns = []
    for axis, length in enumerate(mean_frame.shape):
        f, along = np.fft.fftfreq(length), weight.sum(axis=1 - axis)
        middle = f @ along
        spread = np.sqrt((f - middle) ** 2 @ along)
        # A ray of frequency f comes to rest f · bend from the middle.
        bend = radius * length / max(spread, 1 / length)
        turns.append(np.pi * bend * (f - middle) ** 2)
    spectrum = np.sqrt(mean_frame) * np.exp(1j * (turns[0][:, None] + turns[1]))
    spot = np.fft.fftshift(np.fft.ifft2(spectrum, norm="ortho"))
    return spot.astype(np.complex64)


def near_guess(mean_frame: Reals, transfer: Complex) -> Complex:
    """Give the probe of a mean near-field frame: its amplitude carried back."""
    spectrum = np.fft.fft2(np.sqrt(mean_frame)) * np.conj(transfer)
    return np.asarray(np.fft.ifft2(spectrum), np.complex64)


def sweep(
    frames: NDArray[np.uint16],
    positions: Reals,
    bad: NDArray[np.bool_] | None = None,
    passes: int = 8,
) -> Complex:
    """Give the probe (row, column) that explains far-field frames best after a trial.

    Some 32 to 64 neighboring frames are enough; each of 12 spots is improved for some
    passes over them. Other arguments as for `Solver`.
    """
    mean_frame = np.asarray(np.mean(frames, axis=0, dtype=np.float64))
    if bad is not None:
        mean_frame[bad] = 0
    found = [
        _try(far_guess(mean_frame, sign * radius), frames, positions, bad, passes)
        for radius in RADII
        for sign in (1, -1)
    ]
    return min(found, key=lambda trial: trial[0])[1]


def _try(
    probe: Complex,
    frames: NDArray[np.uint16],
    positions: Reals,
    bad: NDArray[np.bool_] | None,
    passes: int,
) -> tuple[float, Complex]:
    """Give the squared misfit in the last pass, and the probe after it."""
    solver = Solver(probe, bad=bad)
    solver.add(frames, positions)
    squared = np.inf
    order = np.random.default_rng(0)
    for number in range(passes):
        step = _TRIAL if number >= _HELD else Step(probe_step=0.0, alpha=_TRIAL.alpha)
        shuffled = order.permutation(len(frames))
        groups = np.array_split(shuffled, -(-len(frames) // GROUP))
        squared = sum(solver.update(group, step).squared for group in groups)
    return squared, solver.probe[0]
