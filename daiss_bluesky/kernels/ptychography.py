"""Ptychography while frames arrive: object, probe and corners, improved group by group.

Defined by `reference_ptychography`. Frames are kept as they came, two bytes a pixel; no
exit wave is kept.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.lane_fft import CELL, LanePlan, plan
from daiss_bluesky.kernels.lanes import LANES, zeros
from daiss_bluesky.kernels.overlap import add_illumination
from daiss_bluesky.kernels.ptychography_canvas import Canvas
from daiss_bluesky.kernels.ptychography_detector import blocks_of, tall_of
from daiss_bluesky.kernels.ptychography_group import (
    brightness,
    move_group,
    sum_group,
)
from daiss_bluesky.kernels.ptychography_step import GROUP, Misfit, Step
from daiss_bluesky.kernels.threads import Pace, threads_for

_SHARES = 4
"""Parts of a group that are summed apart, so threads that can help there."""

_PIXEL_WORK = 200
"""Operations of an update, for each pixel of each mode and frame."""

Complex = NDArray[np.complex64]


class Solver:
    """Frames, their corners, and what they say so far of object and probe.

    Positions are (row, column) of the probe array's first pixel, in object pixels, of
    any origin. Frames are uint16 (frame, row, column) with the zero frequency in the
    corner in the far field.
    """

    def __init__(
        self,
        probe: Complex,
        *,
        transfer: Complex | None = None,
        bad: NDArray[np.bool_] | None = None,
    ) -> None:
        """Start from probe modes (mode, row, column) or one (row, column).

        `transfer` (row, column) multiplies the spectrum, in the order of fft2, and
        makes it near field. `bad` pixels (row, column) keep the model's amplitude.
        """
        probe = np.asarray(probe)
        shape = probe.shape[-2:]
        check_shape(shape)
        self.shape: tuple[int, int] = (shape[0], shape[1])
        self.canvas = Canvas(self.shape)
        self._near = transfer is not None
        self._ffts = _parts(plan(shape[1])), _parts(plan(shape[0]))
        self._across, self._tall = blocks_of(shape[1]), tall_of(shape[0])
        good = np.ones(shape) if bad is None else ~np.asarray(bad, np.bool_)
        laid = self._detector_order(good.astype(np.float32)[None]).ravel()
        self._good = zeros(laid.shape)
        self._good[:] = laid
        self._inside = np.zeros(self._across * LANES, np.float32)
        self._inside[: shape[1]] = 1
        self._transfer = np.empty(0, np.float32)
        if transfer is not None:
            scaled = np.asarray(transfer, np.complex64).T / np.float32(
                shape[0] * shape[1]
            )
            self._transfer = _cells(scaled, blocks_of(shape[0])).ravel()
        self._frames = zeros((0, self._good.size), np.uint16)
        self._positions = self._measured = np.empty((0, 2))
        self._waves = zeros((0, 0))
        self._pace = Pace()
        self.count = 0
        self.probe = probe

    @property
    def probe(self) -> Complex:
        """The modes (mode, row, column), a copy."""
        rows, columns = self.shape
        cells = self._probe.reshape(-1, self._across, self._tall, 2, LANES)
        parts = cells.transpose(3, 0, 2, 1, 4).reshape(2, len(cells), self._tall, -1)
        both = parts[0] + np.complex64(1j) * parts[1]
        return np.ascontiguousarray(both[:, :rows, :columns], np.complex64)

    @probe.setter
    def probe(self, probe: Complex) -> None:
        probe = np.asarray(probe, np.complex64).reshape(-1, *self.shape)
        fill = [(0, 0), (0, self._tall - self.shape[0]), (0, 0)]
        cells = _cells(np.pad(probe, fill), self._across)
        self._probe = zeros((cells.size,))
        self._probe[:] = cells.swapaxes(1, 2).ravel()
        self._bright = zeros((self._tall * self._across * LANES,))
        self._brightest = brightness(self._probe, self._bright)
        if self._waves.shape[1] != self._probe.size:
            self._make_room(len(probe))

    def _make_room(self, modes: int) -> None:
        cells = self._tall * self._across
        longest = max(self._tall, self._across * LANES)
        self._waves = zeros((_SHARES, modes * cells * CELL))
        self._strips = zeros((_SHARES, max(3, 2 * modes), longest * CELL))
        self._asked = zeros((GROUP, cells * CELL))
        self._probe_sum = zeros(self._waves.shape)
        self._lit = zeros((_SHARES, cells * LANES))

    @property
    def positions(self) -> NDArray[np.float64]:
        """Where the frames lie (frame, 2), a view: refined, and free to be set."""
        return self._positions[: self.count]

    @property
    def measured(self) -> NDArray[np.float64]:
        """Where the frames were said to lie (frame, 2), a view."""
        return self._measured[: self.count]

    def add(self, frames: NDArray[np.uint16], positions: ArrayLike) -> range:
        """Keep frames (frame, row, column) at positions (frame, 2); number them."""
        check_new(frames, positions, self.shape)
        first, last = self.count, self.count + len(frames)
        if last > len(self._frames):
            room = max(last, 2 * len(self._frames), 64)
            self._frames = _grown(self._frames, room)
            self._positions = _grown(self._positions, room)
            self._measured = _grown(self._measured, room)
        self._frames[first:last] = self._detector_order(frames).reshape(len(frames), -1)
        self._positions[first:last] = self._measured[first:last] = positions
        self.count = last
        return range(first, last)

    def anew(self, probe: Complex) -> Self:
        """Begin again from a probe, with the same frames, which are shared."""
        other = copy(self)
        other.canvas = Canvas(self.shape)
        other._positions = self._positions.copy()  # noqa: SLF001 - of its own kind
        other.probe = probe
        return other

    def frames_of(self, group: ArrayLike) -> NDArray[np.uint16]:
        """Give frames of these indices as they came; a copy."""
        rows, columns = self.shape if self._near else self.shape[::-1]
        kept = self._frames[np.asarray(group)].reshape(
            -1, rows, columns + -columns % LANES
        )
        frames = kept[..., :columns]
        upright = frames if self._near else frames.transpose(0, 2, 1)
        return np.array(upright, np.uint16)

    def _detector_order(self, frames: NDArray[Any]) -> NDArray[Any]:
        if not self._near:
            frames = frames.transpose(0, 2, 1)
        extra = -frames.shape[2] % LANES
        return np.pad(frames, [(0, 0), (0, 0), (0, extra)])

    def update(self, group: ArrayLike, step: Step) -> Misfit:
        """Improve all by one parallel step from 1 to 16 frames with these indices."""
        chosen = np.asarray(group, np.int64)
        check_group(chosen)
        corners = self.canvas.corners(self._positions[chosen])
        order = np.argsort(corners[:, 1], kind="stable")
        chosen, corners = chosen[order], corners[order]
        work = _PIXEL_WORK * self._probe.size // 2 * len(chosen)
        with threads_for(work) as most, self._pace.threads(most, work):
            sums = self._improve(chosen, corners, step)
        if step.position_step:
            measured = self._measured[chosen]
            moved = self._positions[chosen] + _moves(sums, step) - measured
            moved = np.clip(moved, -step.limit_px, step.limit_px)
            self._positions[chosen] = measured + moved
        return Misfit(*map(float, sums[:, :2].sum(axis=0)))

    def run(self, groups: Sequence[NDArray[np.int64]], step: Step) -> list[Misfit]:
        """Improve all by a step from each group in turn."""
        return [self.update(group, step) for group in groups]

    def misfits(
        self, group: ArrayLike, positions: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give Σ (model - √I)² of each of these frames, as if it lay at `positions`.

        Any number of frames; nothing is moved, but the canvas grows where it has to.
        """
        chosen, found = np.asarray(group, np.int64), np.empty(len(positions))
        corners = self.canvas.corners(np.asarray(positions, np.float64))
        look = Step(object_step=0, probe_step=0)
        for first in range(0, len(chosen), GROUP):
            part = np.s_[first : first + GROUP]
            work = _PIXEL_WORK * self._probe.size // 2 * len(chosen[part])
            with threads_for(work):
                found[part] = self._improve(chosen[part], corners[part], look)[:, 0]
        return found

    def illumination(self) -> NDArray[np.int32]:
        """Count the frames that lit each pixel of the canvas."""
        corners = self.canvas.corners(self.positions)
        counts = np.zeros(self.canvas.shape, np.int32)
        add_illumination(counts, corners, self.probe)
        return counts

    def _improve(
        self, chosen: NDArray[np.int64], corners: NDArray[np.float64], step: Step
    ) -> NDArray[np.float64]:
        """Improve object and probe; give each frame's sums, see `add_frame`."""
        canvas, width = self.canvas.pixels.view(np.float32).ravel(), self.canvas.width
        sums = np.zeros((len(chosen), 7))
        sum_group(
            canvas, width, corners, chosen, self._probe, self._bright, self.shape,
            self._inside, self._frames, self._good, self._transfer, *self._ffts,
            self._waves, self._strips, self._asked, self._probe_sum, self._lit,
            step.position_step != 0, sums,
        )  # fmt: skip
        if step.object_step or step.probe_step:
            first, last = np.floor([corners[:, 0].min(), corners[:, 0].max()])
            move_group(
                canvas, width, corners, int(first), int(last) + self.shape[0],
                self._asked, self._bright, self.shape, float(step.object_step),
                float(step.alpha), self._brightest, self._probe, self._probe_sum,
                self._lit, float(step.probe_step), float(step.beta),
            )  # fmt: skip
        if step.probe_step:
            self._brightest = brightness(self._probe, self._bright)
        return sums


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse frames whose sides cannot be transformed."""
    for side in shape:
        rest = side
        for factor in (2, 3, 5):
            while rest and rest % factor == 0:
                rest //= factor
        if rest != 1 or side < 2:  # noqa: PLR2004
            raise InputError(
                f"frames of {shape[0]} x {shape[1]} pixels cannot be transformed: sides"
                f" must have factors 2, 3 and 5 only, and {side} has others"
            )


def check_new(
    frames: NDArray[Any], positions: ArrayLike, shape: tuple[int, int]
) -> None:
    """Refuse frames of another type or shape, and positions that are no numbers."""
    if frames.dtype != np.uint16 or frames.shape[1:] != shape:
        raise InputError(
            f"frames must be uint16 of {shape} pixels like the probe,"
            f" not {frames.dtype} of {frames.shape[1:]}"
        )
    if not np.isfinite(positions).all():
        raise InputError("positions must be numbers: some are NaN or infinite")


def check_group(group: NDArray[np.int64]) -> None:
    """Refuse groups of no frame or too many."""
    if not 1 <= len(group) <= GROUP:
        raise InputError(f"a group has 1 to {GROUP} frames, not {len(group)}")


def _parts(made: LanePlan) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return made.radices, made.twiddles


def _cells(waves: Complex, blocks: int) -> NDArray[np.float32]:
    """Lay waves (..., column) as cells (..., block, part, lane)."""
    extra = [(0, 0)] * (waves.ndim - 1) + [(0, blocks * LANES - waves.shape[-1])]
    filled = np.pad(waves, extra).reshape(*waves.shape[:-1], blocks, LANES)
    return np.stack([filled.real, filled.imag], axis=-2).astype(np.float32)


def _moves(sums: NDArray[np.float64], step: Step) -> NDArray[np.float64]:
    ask_y, ask_x, yy, yx, xx = sums[:, 2:].T
    scale = yy * xx - yx**2
    scale = np.where(scale > 0, scale, np.inf)
    moves = np.stack([xx * ask_y - yx * ask_x, yy * ask_x - yx * ask_y], axis=1)
    moves *= step.position_step / scale[:, None]
    return np.asarray(np.clip(moves, -step.reach_px, step.reach_px))


def _grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    larger = zeros((room, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
