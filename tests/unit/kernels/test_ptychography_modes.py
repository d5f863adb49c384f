"""Modes are orthogonal, and what a detector sees of them stays the same."""

import numpy as np
import pytest

from daiss_bluesky.kernels.ptychography_modes import orthogonalize, powers, widen
from tests.unit.kernels.solver_case import waves


def gram(
    probe: np.ndarray[tuple[int, ...], np.dtype[np.complex64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.complex64]]:
    flat = probe.reshape(len(probe), -1)
    return np.asarray(flat @ flat.conj().T)


def test_orthogonal_modes_show_the_same_intensity() -> None:
    probe = waves(np.random.default_rng(0), (4, 12, 10))
    found = orthogonalize(probe)
    square = gram(found)
    np.testing.assert_allclose(square - np.diag(np.diag(square)), 0, atol=1e-3)
    assert (np.diff(np.diag(square).real) < 0).all()
    for view in (lambda p: p, np.fft.fft2):
        before, after = (np.sum(np.abs(view(p)) ** 2, axis=0) for p in (probe, found))
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-3)


def test_orthogonal_modes_stay_as_they_are() -> None:
    probe = orthogonalize(waves(np.random.default_rng(1), (3, 9, 10)))
    np.testing.assert_allclose(orthogonalize(probe), probe, atol=1e-4)


@pytest.mark.parametrize("modes", [1, 2, 3, 6])
def test_new_modes_are_orthogonal_and_keep_the_power(modes: int) -> None:
    y, x = np.mgrid[-8:8, -9:9]
    probe = np.exp(-(y**2 + x**2) / 20 + 0.1j * x * y).astype(np.complex64)
    found = widen(probe, modes, share=0.06)
    square = gram(found)
    np.testing.assert_allclose(square - np.diag(np.diag(square)), 0, atol=1e-3)
    assert np.trace(square).real == pytest.approx(np.sum(np.abs(probe) ** 2), rel=1e-5)
    shares = powers(found)
    np.testing.assert_allclose(shares[1:], 0.06 / (1 + 0.06 * (modes - 1)), rtol=1e-4)
    match = np.vdot(found[0], probe) / np.linalg.norm(found[0])
    assert abs(match) == pytest.approx(np.linalg.norm(probe), rel=1e-5)


def test_fewer_modes_are_the_first_ones() -> None:
    probe = waves(np.random.default_rng(0), (3, 8, 8))
    found = widen(probe, 2)
    ratio = found / probe[:2]
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
    assert powers(found).sum() == pytest.approx(1.0)
