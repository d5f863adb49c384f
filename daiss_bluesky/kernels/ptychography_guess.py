"""A first probe from nothing but diffraction patterns.

The mean pattern's amplitude is that of the probe's spectrum, nearly; its phase is taken
for that of a defocused lens, which spreads the spot to the size the sweep finds best.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_solver import AnySolver, MakeSolver
from daiss_bluesky.kernels.ptychography_step import GROUP, Step

Complex = NDArray[np.complex64]
Reals = NDArray[np.float64]

RADII = (1 / 32, 1 / 16, 0.1, 0.14, 0.18, 0.25)
"""Spots that are tried: root mean square radius along an axis, over the side."""

SLOPES = (
    0.0,
    *(s * f for f in (0.015, 0.03, 0.045, 0.06, 0.08, 0.11) for s in (1, -1)),
)
"""Of waves on a near detector that are tried, see `near_guess`."""

_TRIAL = Step(alpha=0.5, beta=1.0)
_NEAR_TRIAL = Step(alpha=0.1, beta=1.0)
"""Near fields do not bear the longer steps that a larger alpha makes."""
_PASSES = 8
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


def near_guess(mean_frame: Reals, transfer: Complex, slope: float = 0.0) -> Complex:
    """Give the probe of a mean near-field frame: its amplitude carried back.

    `slope` (cycles a pixel) is that of the wave on the detector, root mean square along
    an axis: positive where it spreads, negative where it comes together.
    """
    weight = mean_frame / mean_frame.sum()
    turns = []
    for axis, length in enumerate(mean_frame.shape):
        at, along = np.arange(length), weight.sum(axis=1 - axis)
        middle = at @ along
        width = max(1.0, np.sqrt((at - middle) ** 2 @ along))
        turns.append(np.pi * slope / width * (at - middle) ** 2)
    wave = np.sqrt(mean_frame) * np.exp(1j * (turns[0][:, None] + turns[1]))
    spectrum = np.fft.fft2(wave) * np.conj(transfer)
    return np.asarray(np.fft.ifft2(spectrum), np.complex64)


def sweep(
    frames: NDArray[np.uint16],
    positions: Reals,
    bad: NDArray[np.bool_] | None = None,
    transfer: Complex | None = None,
    make: MakeSolver = Solver,
) -> Complex:
    """Give the probe (row, column) that explains frames best after a trial.

    Some 32 to 64 neighboring frames are enough; each of a dozen probes is improved for
    some passes over them. Other arguments as for `Solver`, and what makes one.
    """
    mean_frame = np.asarray(np.mean(frames, axis=0, dtype=np.float64))
    if bad is not None:
        mean_frame[bad] = 0
    if transfer is None:
        guesses = [far_guess(mean_frame, s * r) for r in RADII for s in (1, -1)]
    else:
        guesses = [near_guess(mean_frame, transfer, slope) for slope in SLOPES]
    first = make(guesses[0], bad=bad, transfer=transfer)
    first.add(frames, positions)
    step = _TRIAL if transfer is None else _NEAR_TRIAL
    found = [_try(first.anew(guess), step) for guess in guesses]
    return min(found, key=lambda trial: trial[0])[1]


def _try(solver: AnySolver, step: Step) -> tuple[float, Complex]:
    """Give the squared misfit in the last pass, and the probe after it."""
    squared = np.inf
    order = np.random.default_rng(0)
    for number in range(_PASSES):
        held = replace(step, probe_step=0.0) if number < _HELD else step
        shuffled = order.permutation(solver.count)
        groups = np.array_split(shuffled, -(-solver.count // GROUP))
        squared = sum(one.squared for one in solver.run(groups, held))
    return squared, np.asarray(solver.probe[0])
