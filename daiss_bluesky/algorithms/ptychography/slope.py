"""The mean slope of an object's phase, which no frame can tell from the probe's."""

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography_solver import AnySolver

Complex = NDArray[np.complex64]


def mean_slope_rad_px(image: Complex) -> tuple[float, float]:
    """Give it along rows and columns; `image` (row, column) is 0 where unknown."""
    down = np.angle(np.vdot(image[:-1], image[1:]))
    across = np.angle(np.vdot(image[:, :-1], image[:, 1:]))
    return float(down), float(across)


def plane(shape: tuple[int, ...], down: float, across: float) -> Complex:
    """Give a wave of these slopes (rad/px)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.exp(1j * (down * rows + across * columns)), np.complex64)


def leveled(image: Complex) -> Complex:
    """Give an image without mean phase and mean slope; 0 where it is unknown."""
    down, across = mean_slope_rad_px(image)
    flat = image * plane(image.shape, -down, -across)
    return np.asarray(flat * np.exp(-1j * np.angle(flat.sum())), np.complex64)


def level(solver: AnySolver, seen: NDArray[np.bool_]) -> None:
    """Move slope and mean of the phase over the pixels seen from object to probe.

    The slope is there wherever the middle of the beam does not meet that of the
    detector; the mean would depend on where the canvas begins.
    """
    image = np.where(seen, solver.canvas.pixels, 0)
    down, across = mean_slope_rad_px(image)
    flat = plane(seen.shape, -down, -across)
    turn = np.exp(1j * np.angle(np.sum(flat * image, dtype=np.complex128)))
    solver.canvas.pixels *= flat * np.complex64(turn.conj())
    solver.probe = solver.probe * plane(solver.shape, down, across)
