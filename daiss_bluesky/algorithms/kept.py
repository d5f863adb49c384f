"""Reconstructions that need all line integrals at once, at the end of the scan.

While the scan runs they are filtered backprojection, and show its views; beside it the
corrected line integrals stay in memory, which is stated in advance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import SUMS, Method
from daiss_bluesky.algorithms.backends.sinograms import moved
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fbp_reconstruction import WORK_FRAMES, FbpReconstruction
from daiss_bluesky.algorithms.offset_axis import widest_shape
from daiss_bluesky.core.frames import FrameKey
from daiss_bluesky.core.reconstruction import Arrays, Progress, Reread
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.half_acquisition import OffsetField, fold

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class LineIntegrals:
    """A whole scan after correction, in the order of its angles."""

    p: Array
    """Attenuation (angle, row, column)."""
    angles_rad: NDArray[np.float64]
    center_px: float


def half_turn(lines: LineIntegrals) -> LineIntegrals:
    """Join the opposite projections of a half-acquisition; uses up the first.

    They are moved by up to half a column, so that mirrored ones meet.
    """
    p, n = lines.p, lines.p.shape[2]
    near_px = n - OffsetField(n, lines.center_px).wide_columns / 2
    center_px = near_px if lines.center_px < n / 2 else n - near_px
    for first in range(0, len(p), WORK_FRAMES):
        part = p[first : first + WORK_FRAMES]
        part[:] = moved(part, np.full(len(part), center_px - lines.center_px))
    field = OffsetField(n, center_px)
    joined, angles = fold(p, lines.angles_rad, field)
    return LineIntegrals(joined, angles, field.wide_center_px)


STRIPE_ROWS = 16
"""Sinograms corrected at once; bounds the memory."""

STRIPE_BYTES = 16
"""For each of their samples, that the correction takes beside them, a core each."""

Solve = Callable[[LineIntegrals], tuple[Array, dict[str, Any]]]
"""Gives the volume (z, y, x), and what is to stand beside the parameters in force."""


class KeptReconstruction(FbpReconstruction):
    """Filtered backprojection until the end, then what `solve` makes of it all."""

    def __init__(
        self,
        scan: Scan,
        frame_shape: tuple[int, int],
        parameters: FbpParameters,
        method: Method,
        solve: Solve,
    ) -> None:
        super().__init__(scan, frame_shape, parameters, method)
        self._solve = solve
        self._kept: dict[FrameKey, Array] = {}
        self._found: dict[str, Any] = {}
        self._shown: Arrays = {}

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        super().restart()
        self._kept.clear()

    def progress(self) -> Progress:
        """Tell how far it is, and in the end what the solver has to say."""
        progress = super().progress()
        parameters = {**progress.parameters, **self._found}
        return replace(progress, parameters=parameters)

    def slices(self, z: int, y: int, x: int) -> Arrays:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now; copies.

        Where a solver failed, those last shown: the sum is given up before it begins.
        """
        if self._volume is None and self._shown:
            return {name: view.copy() for name, view in self._shown.items()}
        return super().slices(z, y, x)

    def _keep(self, keys: list[FrameKey], p: Array) -> None:
        self._kept.update(zip(keys, p, strict=True))

    def _finish(self, reread: Reread) -> Array:
        self._read_stale(reread)
        self._shown = self.slices(*self._place)
        del self._sum
        _, axis = self._settled()
        lines = self._line_integrals(axis.center.center_px)
        self._remove_stripes(lines.p)
        if axis.offset is not None:
            lines = half_turn(lines)
        volume, self._found = self._solve(lines)
        return volume

    def _remove_stripes(self, p: Array) -> None:
        """Remove stripes in place, from whole sinograms or by their mean."""
        if self._parameters.needs_whole_sinograms:
            for first in range(0, p.shape[1], STRIPE_ROWS):
                part = slice(first, first + STRIPE_ROWS)
                some = np.ascontiguousarray(p[:, part])
                self._preprocessing.remove_stripes(some)
                p[:, part] = some
            self._stripes_in_views = self._parameters.stripes
        elif self._mean is not None:
            p -= self._mean.stripes(self._parameters.mean_window_px(p.shape[2]))

    def _line_integrals(self, center_px: float) -> LineIntegrals:
        """Put the frames in order of angle; each is let go once it is copied."""
        entries = self._ledger.entries
        keys = sorted(self._kept, key=lambda key: (entries[key].angle_rad, key))
        p = np.empty((len(keys), *self._shape), np.float32)
        angles = [entries[key].angle_rad for key in keys]
        for i, key in enumerate(keys):
            p[i] = self._kept.pop(key)
        return LineIntegrals(p, np.array(angles), center_px)


class KeptAlgorithm(FbpAlgorithm):
    """Starts reconstructions that solve for the volume at the end."""

    def _memory_bytes(
        self, scan: Scan, frame_shape: tuple[int, int], method: Method
    ) -> int:
        """Tell how much memory a reconstruction will hold at most.

        What filtered backprojection needs and the line integrals; or, at the end,
        these, the volume and the solver's own in place of the sum. A scan that does not
        say how many projections it has counts as fully sampled, with π / 2 a column.
        """
        rows, columns = frame_shape
        shape = widest_shape(self.parameters, scan, frame_shape)
        width = shape[1]
        n = scan.n_projections or int(np.ceil(np.pi / 2 * columns))
        streaming = super()._memory_bytes(scan, frame_shape, method)
        memory = SUMS[method].memory(shape, WORK_FRAMES)
        solving = 4 * rows * width**2 + self._solver_bytes(n, shape)
        more = max(0, solving - memory.held - memory.ending)
        joined = 2 * n * rows * width if self.parameters.half_acquisition else 0
        return streaming + 4 * n * rows * columns + joined + more

    def _sinogram_bytes(
        self,
        method: Method,  # noqa: ARG002 - no sum is formed of them
        n_angles: int,
        frame_shape: tuple[int, int],
        width: int,  # noqa: ARG002
    ) -> int:
        """Tell what correcting some whole sinograms takes; all are there anyway."""
        return STRIPE_ROWS * n_angles * frame_shape[1] * (4 + STRIPE_BYTES)

    def _solver_bytes(self, n_angles: int, frame_shape: tuple[int, int]) -> int:
        """Tell what `solve` needs beside line integrals and volume."""
        raise NotImplementedError

    def solve(self, lines: LineIntegrals) -> tuple[Array, dict[str, Any]]:
        """Make the volume (z, y, x), and what to note beside the parameters."""
        raise NotImplementedError

    def start(self, scan: Scan, frame_shape: tuple[int, int]) -> KeptReconstruction:
        """Begin one scan; refuses one that cannot fit, with the figures."""
        method = self._method_that_fits(scan, frame_shape)
        return KeptReconstruction(
            scan, frame_shape, self.parameters, method, self.solve
        )
