"""What the moves of single frames cannot do for positions."""

import numpy as np

from daiss_bluesky.kernels.ptychography_solver import AnySolver
from daiss_bluesky.kernels.ptychography_step import Step

WORST = 0.06
"""Part of the frames that are tried elsewhere."""

RADII_PX = (1.5, 3.0)
DIRECTIONS = 8

_LIMIT_PX = Step().limit_px


def retry_worst(solver: AnySolver) -> int:
    """Put the frames that fit worst where they fit best nearby; give how many moved.

    One that begins several pixels off comes to rest at a wrong place, and stays there.
    """
    now = solver.misfits(np.arange(solver.count), solver.positions)
    worst = np.argsort(-now, kind="stable")[: max(1, int(WORST * solver.count))]
    began, least = solver.positions[worst].copy(), now[worst]
    best = began.copy()
    for angle in np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS:
        for radius in RADII_PX:
            there = began + radius * np.array([np.sin(angle), np.cos(angle)])
            away = there - solver.measured[worst]
            found = solver.misfits(worst, there)
            better = (found < least) & (np.abs(away) <= _LIMIT_PX).all(axis=1)
            least = np.where(better, found, least)
            best[better] = there[better]
    solver.positions[worst] = best
    return int(np.any(best != began, axis=1).sum())


def keep_scale(solver: AnySolver) -> None:
    """Take from all moves what shifts, stretches, shears or turns the whole scan.

    Frames hardly tell it: a magnified object under a probe that is curved more gives
    almost the same patterns, and positions would drift.
    """
    place = solver.measured - solver.measured.mean(axis=0)
    whole = np.column_stack([place, np.ones(len(place))])
    moves = solver.positions - solver.measured
    fit = np.linalg.lstsq(whole, moves, rcond=None)[0]
    solver.positions[:] -= whole @ fit
