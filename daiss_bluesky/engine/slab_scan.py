"""A stored scan that does not fit into memory: some rows of the detector at a time.

Rows of a parallel-beam scan are reconstructed independently, so each slab is a scan of
its own. A correction that mixes rows is given a margin of them, which is cut off again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Algorithm, Progress
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan

ROWS_TOGETHER = 32
"""Slabs are a multiple of this, which is what kernels take at once."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Some rows of frames that stay where they are."""

    frames: Any
    first: int
    last: int

    @property
    def shape(self) -> tuple[int, int, int]:
        count, _, columns = self.frames.shape
        return count, self.last - self.first, columns

    def __getitem__(self, which: Any) -> Any:
        return self.frames[which, self.first : self.last]


def rows_of(stored: StoredScan, first: int, last: int) -> StoredScan:
    """Give the same scan with some rows of every frame; nothing is read."""
    part = slice(first, last)
    middle_px = stored.scan.middle_row_px
    middle_px = stored.frame_shape[0] / 2 if middle_px is None else middle_px
    return replace(
        stored,
        scan=stored.scan.model_copy(update={"middle_row_px": middle_px - first}),
        projections=_Rows(stored.projections, first, last),
        flats=stored.flats[:, part],
        darks=stored.darks[:, part],
        pair=None if stored.pair is None else stored.pair[:, part],
    )


def slab_rows(
    algorithm: Algorithm, stored: StoredScan, limit_bytes: float, margin_rows: int = 0
) -> int:
    """Tell how many rows fit at once; InputError if not even the fewest do."""
    rows, columns = stored.frame_shape
    fits = 0
    for count in (*range(ROWS_TOGETHER, rows, ROWS_TOGETHER), rows):
        taken = min(rows, count + 2 * margin_rows)
        if algorithm.memory_bytes(stored.scan, (taken, columns)) > limit_bytes:
            break
        fits = count
    if not fits:
        fewest = min(rows, ROWS_TOGETHER + 2 * margin_rows)
        needed = algorithm.memory_bytes(stored.scan, (fewest, columns))
        raise InputError(
            f"even {fewest} rows of {columns} columns need {needed / 1e9:.2f} GB of"
            f" memory, but there are {limit_bytes / 1e9:.2f} GB"
        )
    return fits


def reconstruct_slabs(
    stored: StoredScan,
    algorithm: Algorithm,
    rows: int,
    margin_rows: int = 0,
    on_progress: Callable[[int, Progress], None] | None = None,
) -> Iterator[tuple[int, NDArray[np.float32], Final]]:
    """Give slabs of the volume in order: first row, slices (z, y, x), how it ended.

    The algorithm must be told center and tilt, or every slab would find its own. Let
    go of the slices before asking for the next, or both are in memory.
    """
    total = stored.frame_shape[0]
    for first in range(0, total, rows):
        last = min(first + rows, total)
        low, high = max(0, first - margin_rows), min(total, last + margin_rows)

        def told(progress: Progress, first: int = first) -> None:
            if on_progress is not None:
                on_progress(first, progress)

        final = reconstruct_scan(rows_of(stored, low, high), algorithm, told)
        found = [final.arrays["volume"][first - low : last - low]]
        final = replace(final, arrays={})
        yield first, found.pop(), final
