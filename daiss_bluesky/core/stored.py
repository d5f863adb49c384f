"""A scan that lies complete in a file, ready to be reconstructed or replayed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import check_angles
from daiss_bluesky.core.scan import Scan

PAIR_TOLERANCE_RAD = np.deg2rad(0.5)


@dataclass(frozen=True, slots=True, eq=False)
class StoredScan:
    """Frames of a finished scan; `projections` may be an open HDF5 dataset.

    Darks and flats are (frame, row, column) too. Times are seconds on one clock for
    all kinds; where the file has none they follow acquisition order.
    """

    scan: Scan
    projections: Any
    """Indexable as (frame, row, column) by slices; read in batches, never whole."""
    projection_indices: NDArray[np.int64]
    """Which entries of `projections` are projections, in acquisition order."""
    angles_rad: NDArray[np.float64]
    """One for each of projection_indices."""
    times_s: NDArray[np.float64]
    flats: NDArray[Any]
    flat_times_s: NDArray[np.float64]
    darks: NDArray[Any]
    dark_times_s: NDArray[np.float64]
    pair: NDArray[Any] | None = None
    """Two frames half a turn apart that are not projections, if the file has them."""
    pair_angles_rad: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Refuse angles that do not fit the frames, are NaN, all equal, or degrees."""
        n = len(self.projection_indices)
        if self.angles_rad.shape != (n,):
            raise InputError(f"{n} projections but {len(self.angles_rad)} angles")
        if not np.isfinite(self.angles_rad).all():
            raise InputError("the angles of the scan contain NaN or infinity")
        if n:
            check_angles(self.angles_rad)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.projections.shape[-2:]
        return int(rows), int(columns)
