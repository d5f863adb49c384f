"""How fast this machine forms the sum over projections, by either method.

Measured once, on a slab of a few slices, and kept in the user's cache directory: a
live run, its restart and the offline run then choose alike. What is measured while
the machine has more work than processors is used, but not kept.
"""

import json
import logging
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from daiss_bluesky.kernels import backprojection, gridding, gridding_inverse
from daiss_bluesky.kernels.backprojection import Blocks
from daiss_bluesky.kernels.gridding import BLOCK, Grid

logger = logging.getLogger(__name__)

GRID_COLUMNS = 384
"""So that the grids are larger than the caches, as they are in earnest."""

VOLUME_SHAPE = (128, 256)
"""Slices and their width: a volume large enough for new pages each time."""

_FRAMES = 8
_REPEATS, _ENOUGH_S = 3, 0.05
"""Runs at least, and how long to go on: other work on the machine only ever adds."""

_MOST_BLOCKS = 8
"""Of gridding, since each takes 30 MB; more threads count as so many."""


@dataclass(frozen=True, slots=True)
class MethodSpeeds:
    """Seconds for each unit of work, all threads at it."""

    threads: int
    spread_s: float
    """Gridding: a sample of a projection's padded rows, a block for each thread."""
    invert_s: float
    """Gridding: a point of one block's grid, at the end."""
    backproject_s: float
    """Backprojection: a projection and a pixel of a slice."""
    turn_s: float
    """Backprojection: a pixel of a slice, at the end."""

    @classmethod
    def read(cls, path: Path) -> "MethodSpeeds | None":
        """Read what was kept; None where there is none, or none that makes sense."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            found = cls(**values)
        except (OSError, ValueError, TypeError):
            return None
        numbers = [getattr(found, field.name) for field in fields(cls)]
        sound = all(isinstance(n, int | float) and 0 < n < math.inf for n in numbers)
        return found if sound else None

    def keep(self, path: Path) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(".part", f".{path.name}.", path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        Path(part).replace(path)


def speeds_path() -> Path:
    """Name the file for this version and this number of processors and threads."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    machine = f"{os.cpu_count()}-processors-{get_num_threads()}-threads"
    name = f"method-speeds-{version('daiss-bluesky')}-{machine}.json"
    return Path(root).expanduser() / "daiss_bluesky" / name


def method_speeds() -> MethodSpeeds:
    """Give what was measured, or measure now: 0.2 s once kernels are compiled."""
    return _kept(speeds_path())


@cache
def _kept(path: Path) -> MethodSpeeds:
    if found := MethodSpeeds.read(path):
        return found
    measured = measure_speeds()
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        logger.info("the speed of this machine is not kept: it has other work")
        return measured
    try:
        measured.keep(path)
    except OSError as error:
        logger.warning("the speed of this machine is not kept: %s", error)
    # What another process may have kept meanwhile is what later ones will read.
    return MethodSpeeds.read(path) or measured


def measure_speeds() -> MethodSpeeds:
    """Add some made-up projections and end, by either method; the best of several."""
    threads = min(get_num_threads(), _MOST_BLOCKS)
    spread_s, invert_s = _gridding(Grid(BLOCK * threads, GRID_COLUMNS))
    backproject_s, turn_s = _backprojection(Blocks(*VOLUME_SHAPE))
    return MethodSpeeds(threads, spread_s, invert_s, backproject_s, turn_s)


def _angles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # As close together as those of a scan: neighbors share what the caches hold.
    return 0.7 + np.arange(_FRAMES, dtype=np.float64) / 200, np.ones(_FRAMES)


def _gridding(grid: Grid) -> tuple[float, float]:
    frames = np.ones((_FRAMES, grid.rows, grid.columns), np.float32)
    angles, weights = _angles()
    grids, kept, half = grid.zeros(), grid.remainders(), grid.columns / 2
    add_s = _best_s(
        lambda: gridding.add_projections(
            grids, kept, grid, frames, angles, weights, half
        )
    )
    # What is zero stays zero, however often. The volume's pages are there by then.
    gridding.clear(grids)
    slab = np.zeros((BLOCK, grid.columns, grid.columns), np.float32)
    end_s = _best_s(lambda: gridding_inverse.invert(grids[0], grid, 1.0, slab))
    samples = _FRAMES * grid.row_plan.length
    return add_s / samples, end_s / grid.size**2


def _backprojection(blocks: Blocks) -> tuple[float, float]:
    frames = np.ones((_FRAMES, blocks.rows, blocks.columns), np.float32)
    angles, weights = _angles()
    volume, half = blocks.zeros(), blocks.columns / 2

    def add() -> None:
        q = backprojection.filter_projections(frames, weights, blocks)
        backprojection.backproject(q, angles, half, volume)

    add_s = _best_s(add)
    # It empties the list it is given, not the arrays.
    end_s = _best_s(lambda: backprojection.to_volume(list(volume), blocks.rows, 1.0))
    pixels = blocks.rows * blocks.columns**2
    return add_s / (_FRAMES * pixels), end_s / pixels


def _best_s(work: Callable[[], object]) -> float:
    work()
    times_s: list[float] = []
    while len(times_s) < _REPEATS or sum(times_s) < _ENOUGH_S:
        began_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)
