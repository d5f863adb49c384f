"""A ptychography scan that lies complete in a file, to be reconstructed or replayed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PtychographyScan


@dataclass(frozen=True, slots=True, eq=False)
class StoredDiffraction:
    """Frames of a finished scan; `frames` may be an open HDF5 dataset.

    The zero frequency lies in the middle of a frame (row and column n // 2), as on a
    detector. Times are seconds; where the file has none they follow acquisition order.
    """

    scan: PtychographyScan
    frames: Any
    """Indexable as (frame, row, column) by slices; read in batches, never whole."""
    frame_indices: NDArray[np.int64]
    """Which entries of `frames` have a position, in acquisition order."""
    positions_um: NDArray[np.float64]
    """(n, 2) for frame_indices: row and column of the probe on the sample."""
    times_s: NDArray[np.float64]
    darks: NDArray[Any]
    """(frame, row, column), perhaps none."""
    mask: NDArray[np.bool_] | None = None
    """(row, column), True where a pixel is bad."""
    probe: NDArray[np.complex64] | None = None
    """First guess (mode, row, column), its middle where that of the frames is."""

    def __post_init__(self) -> None:
        """Refuse what does not belong together, naming it."""
        n = len(self.frame_indices)
        if self.positions_um.shape != (n, 2):
            raise InputError(f"{n} frames but {len(self.positions_um)} positions")
        if self.times_s.shape != (n,):
            raise InputError(f"{n} frames but {len(self.times_s)} times")
        if not np.isfinite(self.positions_um).all():
            raise InputError("the positions of the scan contain NaN or infinity")
        self._check_shapes()

    def _check_shapes(self) -> None:
        parts = {"mask": self.mask, "probe": self.probe, "darks": self.darks}
        for name, part in parts.items():
            if part is not None and part.shape[-2:] != self.frame_shape:
                raise InputError(
                    f"the {name} of the scan has shape {part.shape[-2:]} but its frames"
                    f" have {self.frame_shape}"
                )

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.frames.shape[-2:]
        return int(rows), int(columns)

    @property
    def positions_px(self) -> NDArray[np.float64]:
        """Positions in pixels of the object; raises InputError where unknown."""
        found: NDArray[np.float64] = self.positions_um / np.array(
            self.scan.object_pixel_um(self.frame_shape)
        )
        return found
