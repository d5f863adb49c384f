"""Reconstructions that need all line integrals at once, at the end of the scan.

While the scan runs they are filtered backprojection, and show its views; beside it the
corrected line integrals stay in memory, which is stated in advance.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import SUMS, Method
from daiss_bluesky.algorithms.backends.sinograms import moved
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fbp_reconstruction import WORK_FRAMES, FbpReconstruction
from daiss_bluesky.algorithms.method_choice import MethodChoice
from daiss_bluesky.algorithms.offset_axis import widest_shape
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKey
from daiss_bluesky.core.reconstruction import Arrays, OnStep, Progress, Reread
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.half_acquisition import OffsetField, fold
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.kernels.stripes import work_bytes

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


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """How far a solver is."""

    number: int
    of: int
    volume: Callable[[], Array]
    """Gives the volume (z, y, x) as it is until the next step."""
    notes: Mapping[str, Any]
    """What is to stand beside the parameters in force."""


Solve = Callable[[LineIntegrals], Iterator[Step]]
"""Takes its steps one by one; the last one's volume is the result."""


class KeptReconstruction(FbpReconstruction):
    """Filtered backprojection until the end, then what `solve` makes of it all."""

    def __init__(
        self,
        scan: Scan,
        frame_shape: tuple[int, int],
        parameters: FbpParameters,
        choice: MethodChoice,
        solve: Solve,
    ) -> None:
        super().__init__(scan, frame_shape, parameters, choice)
        self._solve = solve
        self._kept: dict[FrameKey, Array] = {}
        self._step: Step | None = None
        self._shown: Arrays = {}

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        super().restart()
        self._kept.clear()

    def progress(self) -> Progress:
        """Tell how far it is, and in the end what the solver has to say."""
        progress, step = super().progress(), self._step
        if step is None:
            return progress
        parameters = {**progress.parameters, **step.notes}
        return replace(progress, parameters=parameters, step=step.number, steps=step.of)

    def slices(self, z: int, y: int, x: int) -> Arrays:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now; copies.

        Before a solver's first step those last shown: the sum is given up by then.
        """
        if self._present_volume() is None and self._shown:
            return {name: view.copy() for name, view in self._shown.items()}
        return super().slices(z, y, x)

    def set_center(self, center_px: float | None) -> None:
        """Set the rotation center in mid-scan, or (None) let it be found again."""
        if self._volume is None and self._shown:
            raise InputError("the volume is being made; its center stays")
        super().set_center(center_px)

    def set_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change some of the adjustable parameters; the projections are read again."""
        if self._volume is None and self._shown:
            raise InputError("the volume is being made; its parameters stay")
        super().set_parameters(changes)

    def _present_volume(self) -> Array | None:
        if self._volume is None and self._step is not None:
            return self._step.volume()
        return self._volume

    def _keep(self, keys: list[FrameKey], p: Array) -> None:
        self._kept.update(zip(keys, p, strict=True))

    def _finish(self, reread: Reread, on_step: OnStep) -> Array:
        self._read_stale(reread)
        self._shown = self.slices(*self._place)
        del self._sum
        _, axis = self._settled()
        lines = self._line_integrals(axis.center.center_px)
        self._remove_stripes(lines.p)
        if axis.offset is not None:
            lines = half_turn(lines)
        for step in self._solve(lines):
            self._step = step
            on_step()
        volume = step.volume()
        # What the solver needed goes with it.
        self._step = replace(step, volume=lambda: volume)
        return volume

    def _remove_stripes(self, p: Array) -> None:
        """Remove stripes in place, from whole sinograms or by their mean."""
        if self._parameters.needs_whole_sinograms:
            self._preprocessing.remove_stripes(p)
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

    def operators(self) -> list[Operators]:
        """Give none: frames are kept here."""
        return []

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
        return work_bytes(n_angles, *frame_shape)

    def _solver_bytes(self, n_angles: int, frame_shape: tuple[int, int]) -> int:
        """Tell what `solve` needs beside line integrals and volume."""
        raise NotImplementedError

    def solve(self, lines: LineIntegrals) -> Iterator[Step]:
        """Make the volume step by step, one step at least."""
        raise NotImplementedError

    def start(self, scan: Scan, frame_shape: tuple[int, int]) -> KeptReconstruction:
        """Begin one scan; refuses one that cannot fit, with the figures."""
        choice = self._choice_that_fits(scan, frame_shape)
        return KeptReconstruction(
            scan, frame_shape, self.parameters, choice, self.solve
        )
