"""Probe modes: made from one probe, and put in order of their power."""

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex64]


def orthogonalize(probe: Complex) -> Complex:
    """Mix modes (mode, row, column) to orthogonal ones, the brightest first.

    By the eigenvectors of their Gram matrix, which leaves the sum of their intensities,
    in any plane, as it was. Modes that were orthogonal stay as they were.
    """
    flat = probe.reshape(len(probe), -1).astype(np.complex128)
    _, mix = np.linalg.eigh(flat @ flat.conj().T)
    largest = np.take_along_axis(mix, np.abs(mix).argmax(axis=0)[None], axis=0)
    mix *= np.abs(largest) / largest
    mixed = mix[:, ::-1].conj().T @ flat
    return np.asarray(mixed.reshape(probe.shape), np.complex64)


def powers(probe: Complex) -> NDArray[np.float64]:
    """Give each mode's share of the power; they sum to 1."""
    power = np.sum(np.abs(probe) ** 2, axis=(1, 2), dtype=np.float64)
    return np.asarray(power / power.sum())


def widen(probe: Complex, modes: int, share: float = 0.05) -> Complex:
    """Give a probe (row, column) or (mode, row, column) more modes to start from.

    The new ones are the first one times Hermite's polynomials of the distance from its
    middle, made orthogonal to those before; each has `share` of the power, and the sum
    is what it was. With fewer modes than there are, the brightest are kept.
    """
    found = list(np.atleast_3d(probe.T).T.astype(np.complex128))
    power = sum(np.sum(np.abs(mode) ** 2) for mode in found)
    for factor in _polynomials(found[0], modes)[len(found) : modes]:
        new = factor * found[0]
        for mode in found:
            new = new - mode * np.vdot(mode, new) / np.vdot(mode, mode)
        found.append(new * np.sqrt(share * power / np.sum(np.abs(new) ** 2)))
    kept = np.stack(found[:modes])
    kept *= np.sqrt(power / np.sum(np.abs(kept) ** 2))
    return kept.astype(np.complex64)


def _polynomials(mode: NDArray[np.complex128], count: int) -> list[NDArray[np.float64]]:
    """Give 1, y, x, y² - 1, yx, x² - 1, ... in units of the mode's width."""
    weight = np.abs(mode) ** 2 / np.sum(np.abs(mode) ** 2)
    axes = []
    for axis, length in enumerate(mode.shape):
        at, along = np.arange(length), weight.sum(axis=1 - axis)
        middle = at @ along
        axes.append((at - middle) / np.sqrt((at - middle) ** 2 @ along))
    y, x = axes
    found: list[NDArray[np.float64]] = []
    order = 0
    while len(found) < count:
        for of_x in range(order + 1):
            hermite = np.polynomial.hermite_e.HermiteE
            in_y = hermite.basis(order - of_x)(y)
            found.append(np.outer(in_y, hermite.basis(of_x)(x)))
        order += 1
    return found
