"""Some rows of the detector on one device, and what is made of them there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.axis import Axis
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.phase_parameters import phase_filter
from daiss_bluesky.algorithms.resident_frames import RawBlock, ResidentFrames
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.axis_tilt import margin_rows
from daiss_bluesky.kernels.correction import Fields, rows_around
from daiss_bluesky.kernels.operators import Array, Operators
from daiss_bluesky.kernels.phase import PhaseFilter

WORK_BYTES = 1 << 28
"""Of line integrals made at once from frames that came."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What is known of all frames, in the order they came."""

    angles_rad: NDArray[np.float64]
    times_s: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """What line integrals are made with, for as long as it holds."""

    fields: Fields
    axis: Axis
    slices_shape: tuple[int, int]
    """Number of slices and their width."""

    def same(self, other: "Settled") -> bool:
        """Tell whether pictures of one are those of the other."""
        return self.fields is other.fields and not self.axis.differs(other.axis)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """What makes line integrals of raw frames: a scan's own part of it."""

    parameters: FbpParameters
    phase: PhaseFilter | None
    middle_row_px: float
    """Of the detector, about which frames are straightened."""
    frame_shape: tuple[int, int]

    @classmethod
    def of(
        cls, parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
    ) -> "Chain":
        """Make it; refuses what phase retrieval lacks, by name."""
        phase = None
        if parameters.phase is not None:
            phase = phase_filter(parameters.phase, scan, frame_shape)
        middle = scan.middle_row_px
        middle = frame_shape[0] / 2 if middle is None else middle
        return cls(parameters, phase, middle, frame_shape)

    @property
    def zinger_threshold(self) -> float | None:
        """Threshold in force; None leaves zingers."""
        return self.parameters.zinger_threshold if self.parameters.zingers else None

    def held(self, rows: slice) -> slice:
        """Give the rows a device must have to make these, whatever the tilt."""
        if self.parameters.straightens:
            return slice(0, self.frame_shape[0])
        return self.needed(rows, 0.0)

    def needed(self, rows: slice, tilt_rad: float) -> slice:
        """Give the rows without which these would be made otherwise."""
        wide = self.turned(rows, tilt_rad)
        return rows_around(wide, self.frame_shape[0])

    def turned(self, rows: slice, tilt_rad: float) -> slice:
        """Give the corrected rows that phase retrieval and straightening need."""
        margin = margin_rows(tilt_rad, self.frame_shape)
        if self.phase is not None:
            margin += self.phase.margin_px
        count = self.frame_shape[0]
        return slice(max(rows.start - margin, 0), min(rows.stop + margin, count))


class DevicePart:
    """The frames' rows that one device holds, as line integrals whenever asked for."""

    def __init__(
        self, operators: Operators, chain: Chain, rows: slice, frames: ResidentFrames
    ) -> None:
        self.operators = operators
        self.rows = rows
        """The slices it makes."""
        self.held = chain.held(rows)
        """Of the detector: the rows of its frames."""
        self.columns = chain.frame_shape[1]
        self.frames = frames
        self._chain = chain

    def work_frames(self, rows: slice, axis: Axis) -> int:
        """Tell how many frames are worked on at once."""
        wide = self._chain.turned(rows, axis.tilt.tilt_rad)
        row = axis.slices_shape(self._chain.frame_shape)[1]
        one: int = 4 * (wide.stop - wide.start) * row
        return max(1, WORK_BYTES // one)

    def line_integrals(
        self, lines: Lines, fields: Fields, axis: Axis, rows: slice, first: int
    ) -> Iterator[tuple[slice, Array]]:
        """Make those of some rows of the detector, from frame number `first` on.

        Gives numbers of frames, and (frame, row, column), a few frames at a time; each
        is valid until the next is asked for.
        """
        columns = self._chain.frame_shape[1]
        work = self.work_frames(rows, axis)
        room = self.operators.empty((work, rows.stop - rows.start, columns), np.float32)
        needed = self._chain.needed(rows, axis.tilt.tilt_rad)
        for block in self.frames.blocks(needed, first, work):
            p = room[: block.numbers.stop - block.numbers.start]
            self._make(block, lines.times_s[block.numbers], fields, axis, rows, p)
            yield block.numbers, p

    def whole(
        self, lines: Lines, fields: Fields, axis: Axis, rows: slice, p: Array
    ) -> None:
        """Make all frames' line integrals of some rows: p (frame, row, column)."""
        needed = self._chain.needed(rows, axis.tilt.tilt_rad)
        work = self.work_frames(rows, axis)
        plain = self._chain.phase is None and not axis.tilt.tilt_rad
        for block in self.frames.blocks(
            needed, 0, len(lines.times_s) if plain else work
        ):
            times_s = lines.times_s[block.numbers]
            self._make(block, times_s, fields, axis, rows, p[block.numbers])

    def _make(
        self,
        block: RawBlock,
        times_s: NDArray[np.float64],
        fields: Fields,
        axis: Axis,
        rows: slice,
        p: Array,
    ) -> None:
        ops, chain, tilt_rad = self.operators, self._chain, axis.tilt.tilt_rad
        threshold = chain.zinger_threshold
        if chain.phase is None and not tilt_rad:
            ops.correct(
                block.raw, times_s, fields, threshold, p,
                first_row=block.first_row, rows=rows, logarithm=True,
            )  # fmt: skip
            return
        wide = chain.turned(rows, tilt_rad)
        shape = len(p), wide.stop - wide.start, p.shape[2]
        t = ops.empty(shape, np.float32)
        ops.correct(
            block.raw, times_s, fields, threshold, t,
            first_row=block.first_row, rows=wide, logarithm=False,
        )  # fmt: skip
        if tilt_rad:
            middle = chain.middle_row_px - wide.start
            log = chain.phase is None
            t = ops.straighten(t, tilt_rad, middle, logarithm=log)
        if chain.phase is not None:
            ops.retrieve(t, chain.phase)
        ops.put(t[:, rows.start - wide.start : rows.stop - wide.start], p)

    def place(self, p: Array, axis: Axis) -> Array:
        """Widen projections of a half-acquisition; see `Axis.place`."""
        if axis.offset is None:
            return p
        weights = axis.offset.weights().astype(np.float32)
        wide = axis.offset.wide_columns
        return self.operators.widen(p, weights, axis.offset.added_left, wide)
