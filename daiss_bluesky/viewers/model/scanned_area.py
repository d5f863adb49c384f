"""Which part of an object was scanned."""

import numpy as np
from numpy.typing import ArrayLike


def scanned_area(coverage: ArrayLike) -> tuple[int, int, int, int] | None:
    """Give first row, first column, rows and columns that any frame lit.

    `coverage` counts frames for each pixel (row, column). None where none was lit.
    """
    lit = np.asarray(coverage) > 0
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
