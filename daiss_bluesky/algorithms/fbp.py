"""Filtered backprojection of parallel-beam tomography, while the scan runs."""

from typing import Any

import psutil

from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fbp_reconstruction import WORK_FRAMES, FbpReconstruction
from daiss_bluesky.algorithms.fields import MAX_FLAT_SUMS
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.backprojection import Blocks

BASE_BYTES = 300_000_000
"""Interpreter, libraries and compiled kernels."""


class FbpAlgorithm:
    """Starts reconstructions by filtered backprojection; holds the parameters."""

    name = "fbp"

    def __init__(
        self, *, memory_limit_gb: float | None = None, **parameters: Any
    ) -> None:
        """Check the parameters; without a limit, what the machine has free counts."""
        self.parameters = FbpParameters.parse(parameters, "the parameters of fbp")
        self._memory_limit_gb = memory_limit_gb

    def memory_bytes(self, scan: Scan, frame_shape: tuple[int, int]) -> int:
        """Tell how much memory a reconstruction will hold at most.

        The volume, one block of it twice while it is turned around at the end, the
        sums of flats and darks, and what is needed for the frames in work.
        """
        blocks = Blocks(*frame_shape)
        frame = 4 * frame_shape[0] * frame_shape[1]
        flats = min(MAX_FLAT_SUMS, scan.counts.get("flat", 0) + 4)
        volume = blocks.volume_bytes + blocks.volume_bytes // blocks.count
        work = 3 * frame * WORK_FRAMES + blocks.filtered_bytes(WORK_FRAMES)
        return BASE_BYTES + volume + frame * (2 * flats + 12) + work

    def view_shapes(self, frame_shape: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """Name the views: three slices through the middle, the newest projection."""
        rows, n = frame_shape
        upright = dict.fromkeys(("slice_xz", "slice_yz", "projection"), (rows, n))
        return {"slice_xy": (n, n), **upright}

    def start(self, scan: Scan, frame_shape: tuple[int, int]) -> FbpReconstruction:
        """Begin one scan; refuses one that cannot fit, with the figures."""
        self._refuse_too_large(scan, frame_shape)
        return FbpReconstruction(scan, frame_shape, self.parameters)

    def _refuse_too_large(self, scan: Scan, frame_shape: tuple[int, int]) -> None:
        needed_gb = self.memory_bytes(scan, frame_shape) / 1e9
        if self._memory_limit_gb is not None:
            limit_gb, which = self._memory_limit_gb, "the limit is"
        else:
            limit_gb, which = psutil.virtual_memory().available / 1e9, "free are"
        if needed_gb > limit_gb:
            rows, columns = frame_shape
            raise InputError(
                f"reconstructing {rows} slices of {columns} x {columns} needs"
                f" {needed_gb:.2f} GB of memory, but {which} {limit_gb:.2f} GB"
            )
