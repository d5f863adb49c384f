"""Ptychography on a GPU while frames arrive: the same as `ptychography`, launched.

Defined by `reference_ptychography`. Frames stay on the device as they came; groups are
worked on one after the other without asking the host.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.kernels.cuda.module import parts
from daiss_bluesky.kernels.cuda.queue import Array, Queue
from daiss_bluesky.kernels.overlap import lit_pixels
from daiss_bluesky.kernels.ptychography import check_group, check_new, check_shape
from daiss_bluesky.kernels.ptychography_canvas import Canvas
from daiss_bluesky.kernels.ptychography_pages import Pages
from daiss_bluesky.kernels.ptychography_step import GROUP, Misfit, Step
from daiss_bluesky.kernels.ptychography_work import (
    FOUND,
    ORDER,
    STATE,
    WINDOWS,
    Work,
)

AHEAD = 64
"""Windows that are sent before the host waits for what the first found."""

_THREADS = 256
_MOST_FRAMES = 65535
"""Of one launch."""

Complex = NDArray[np.complex64]
Reals = NDArray[np.float64]


class DeviceCanvas(Canvas):
    """The object on a device; its pixels are copies, to be set as a whole."""

    def __init__(self, shape: tuple[int, int], queue: Queue) -> None:
        """Start empty, for patches of a shape."""
        self._queue = queue
        with queue.active():
            super().__init__(shape, queue.xp)

    @property
    def pixels(self) -> Complex:
        """A copy on the host."""
        with self._queue.active():
            return self._queue.get(self.array)

    @pixels.setter
    def pixels(self, pixels: Complex) -> None:
        with self._queue.active():
            self.array = self._queue.xp.array(pixels, np.complex64)

    def _cover(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        with self._queue.active():
            super()._cover(first, last)


class Bench:
    """What solvers on one device share, as they work one after the other."""

    def __init__(self, queue: Queue) -> None:
        """Nothing is allocated until a solver asks."""
        self.queue = queue
        self._works: dict[tuple[Any, ...], Work] = {}
        with queue.active():
            self.orders = queue.pinned((AHEAD,), ORDER)
            self.found = queue.pinned((AHEAD, WINDOWS[0], GROUP, FOUND), np.float64)

    def prepare(self, shape: tuple[int, int], modes: int, *, near: bool) -> None:
        """Compile and record what solvers like this will launch."""
        with self.queue.active():
            work = self.work(shape, modes, near=near)
            for kind, count in product(("update", "look"), WINDOWS):
                work.prepare(kind, count)

    def work(self, shape: tuple[int, int], modes: int, *, near: bool) -> Work:
        """Give the room for solvers like this."""
        key = (shape, modes, near)
        if key not in self._works:
            self._works[key] = Work(self.queue, shape, modes, near=near)
        return self._works[key]


class DeviceSolver:
    """Frames, their corners, and what they say so far of object and probe.

    As `ptychography.Solver`, in every respect; results agree to float32 rounding.
    """

    def __init__(
        self,
        probe: Complex,
        *,
        bench: Bench,
        transfer: Complex | None = None,
        bad: NDArray[np.bool_] | None = None,
        frame_bytes: int | None = None,
    ) -> None:
        """Start from probe modes (mode, row, column) or one (row, column).

        `frame_bytes`: of the device's memory for frames, at most; None: as many as it
        has to spare. What is beyond lies in the host's memory.
        """
        probe = np.asarray(probe)
        shape = probe.shape[-2:]
        check_shape(shape)
        self.shape: tuple[int, int] = (shape[0], shape[1])
        self._bench, self._queue = bench, bench.queue
        self._near = transfer is not None
        self.canvas: Canvas = DeviceCanvas(self.shape, self._queue)
        self._positions = self._measured = np.empty((0, 2))
        good = np.ones(shape) if bad is None else ~np.asarray(bad, np.bool_)
        with self._queue.active():
            xp = self._queue.xp
            self._pages = Pages(self._queue, self.shape, frame_bytes)
            self._good = xp.asarray(good.astype(np.float32))
            self._transfer = xp.zeros(1, np.complex64)
            if transfer is not None:
                scaled = np.asarray(transfer, np.complex64) / np.float32(good.size)
                self._transfer = xp.asarray(np.ascontiguousarray(scaled))
        self.probe = probe

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self._pages.count

    @property
    def host_bytes(self) -> int:
        """Of the frames, those that lie in the host's memory."""
        return self._pages.host_bytes

    @property
    def probe(self) -> Complex:
        """The modes (mode, row, column), a copy."""
        with self._queue.active():
            return self._queue.get(self._probe)

    @probe.setter
    def probe(self, probe: Complex) -> None:
        probe = np.asarray(probe, np.complex64).reshape(-1, *self.shape)
        with self._queue.active():
            xp = self._queue.xp
            self._probe: Array = xp.array(probe, order="C")
            bright = np.sum(probe.real**2 + probe.imag**2, axis=0)
            self._bright = xp.asarray(bright)
            self._peaks = xp.asarray(np.array([0, bright.max(), 0], np.float32))
            self._work = self._bench.work(self.shape, len(probe), near=self._near)

    @property
    def positions(self) -> Reals:
        """Where the frames lie (frame, 2), a view: refined, and free to be set."""
        return self._positions[: self.count]

    @property
    def measured(self) -> Reals:
        """Where the frames were said to lie (frame, 2), a view."""
        return self._measured[: self.count]

    def add(self, frames: NDArray[np.uint16], positions: ArrayLike) -> range:
        """Keep frames (frame, row, column) at positions (frame, 2); number them."""
        check_new(frames, positions, self.shape)
        first, last = self.count, self.count + len(frames)
        if last > len(self._positions):
            room = max(last, 2 * len(self._positions), 64)
            self._positions = _grown(self._positions, room)
            self._measured = _grown(self._measured, room)
        with self._queue.active():
            self._pages.add(np.ascontiguousarray(frames))
        self._positions[first:last] = self._measured[first:last] = positions
        return range(first, last)

    def anew(self, probe: Complex) -> Self:
        """Begin again from a probe, with the same frames, which are shared."""
        other = copy(self)
        other.canvas = DeviceCanvas(self.shape, self._queue)
        other._positions = self._positions.copy()  # noqa: SLF001 - of its own kind
        other.probe = probe
        return other

    def frames_of(self, group: ArrayLike) -> NDArray[np.uint16]:
        """Give frames of these indices as they came; a copy."""
        with self._queue.active():
            return self._pages.take(np.asarray(group, np.int64))

    def update(self, group: ArrayLike, step: Step) -> Misfit:
        """Improve all by one parallel step from 1 to 16 frames with these indices."""
        return self.run([np.asarray(group, np.int64)], step)[0]

    def run(self, groups: Sequence[NDArray[np.int64]], step: Step) -> list[Misfit]:
        """Improve all by a step from each group in turn."""
        if not groups:
            return []
        lists = _listed(groups)
        if not step.position_step:
            places = self._positions[np.maximum(lists, 0)]
            sums = self._run("update", lists, places, places, step)
        else:
            sums = np.concatenate(
                [self._run_moving(lists[part], step) for part in _apart(lists)]
            )
        there = lists[..., None] >= 0
        totals = np.where(there, sums[..., :2], 0).sum(axis=1)
        return [Misfit(squared, power) for squared, power in totals.tolist()]

    def _run_moving(self, lists: NDArray[np.int64], step: Step) -> Reals:
        """Do groups that have no frame in common, and note where frames lie then."""
        chosen = np.maximum(lists, 0)
        places, measured = self._positions[chosen], self._measured[chosen]
        sums = self._run("update", lists, places, measured, step)
        there = lists >= 0
        self._positions[lists[there]] = sums[there][:, 2:] + self.canvas.origin
        return sums

    def misfits(self, group: ArrayLike, positions: Reals) -> Reals:
        """Give Σ (model - √I)² of each of these frames, as if it lay at `positions`.

        Any number of frames; nothing is moved, but the canvas grows where it has to.
        """
        chosen = np.asarray(group, np.int64)
        n = len(chosen)
        if not n:
            return np.zeros(0)
        lists = np.full((-(-n // GROUP), GROUP), -1)
        lists.flat[:n] = chosen
        places = np.zeros((*lists.shape, 2))
        places.reshape(-1, 2)[:n] = positions
        look = Step(object_step=0, probe_step=0)
        sums = self._run("look", lists, places, places, look)
        return np.asarray(sums[..., 0].ravel()[:n].copy())

    def illumination(self) -> NDArray[np.int32]:
        """Count the frames that lit each pixel of the canvas."""
        lit = lit_pixels(self.probe)
        corners = np.rint(self.canvas.corners(self.positions)).astype(np.int32)
        with self._queue.active():
            xp = self._queue.xp
            counts = xp.zeros(self.canvas.shape, np.int32)
            given = xp.asarray(lit.astype(np.uint8)), *map(np.int32, self.shape)
            placed, size = xp.asarray(corners), map(np.int32, counts.shape)
            where = counts, *size
            blocks = parts(lit.size, _THREADS)
            for first in range(0, len(corners), _MOST_FRAMES):
                some = min(len(corners) - first, _MOST_FRAMES)
                self._queue.launch(
                    "illumination", {}, "count_light", (blocks, some), _THREADS,
                    (*given, placed, np.int32(first), *where),
                )  # fmt: skip
            return self._queue.get(counts)

    def _run(
        self, kind: str, lists: NDArray[np.int64], places: Reals, measured: Reals,
        step: Step,
    ) -> Reals:  # fmt: skip
        """Do groups (group, frame of it); give what `Work` finds (..., FOUND)."""
        with self._queue.active():
            self._cover(lists, places, measured, step)
            origin = np.array(self.canvas.origin)
            given = lists, places - origin, measured - origin
            found = np.empty((*lists.shape, FOUND))
            windows = list(_windows(len(lists)))
            for first in range(0, len(windows), AHEAD):
                self._run_some(kind, windows[first : first + AHEAD], given, step, found)
        return found

    def _run_some(
        self, kind: str, windows: list[slice], given: tuple[NDArray[Any], ...],
        step: Step, found: Reals,
    ) -> None:  # fmt: skip
        lists, corners, measured = given
        self._state(self._bench.orders["state"], step)
        for number, window in enumerate(windows):
            n = window.stop - window.start
            order = self._bench.orders[number : number + 1]
            order["groups"][0, :n] = lists[window]
            order["corners"][0, :n] = corners[window]
            order["measured"][0, :n] = measured[window]
            self._work.run(kind, n, order, self._bench.found[number, :n])
        self._queue.wait()
        for number, window in enumerate(windows):
            n = window.stop - window.start
            found[window] = self._bench.found[number, :n]

    def _cover(
        self, lists: NDArray[np.int64], places: Reals, measured: Reals, step: Step
    ) -> None:
        """Let the canvas hold where frames lie, and wherever they may move."""
        there = lists >= 0
        held = [places[there]]
        if step.position_step:
            held += [measured[there] - step.limit_px, measured[there] + step.limit_px]
        low = np.min([one.min(axis=0) for one in held], axis=0)
        high = np.max([one.max(axis=0) for one in held], axis=0)
        self.canvas.corners(np.stack([low, high]))

    def _state(self, state: NDArray[Any], step: Step) -> None:
        address = self._queue.address
        made = np.zeros(1, STATE)
        made["canvas"] = address(self.canvas.array)
        made["pages"] = address(self._pages.table)
        made["probe"], made["bright"] = address(self._probe), address(self._bright)
        made["peaks"], made["good"] = address(self._peaks), address(self._good)
        made["transfer"] = address(self._transfer)
        made["width"] = self.canvas.width
        made["tilt"] = step.position_step != 0
        for name in ("object_step", "probe_step", "position_step", "alpha", "beta"):
            made[name] = getattr(step, name)
        made["reach"], made["limit"] = step.reach_px, step.limit_px
        state[:] = made


def _windows(count: int) -> Iterator[slice]:
    """Cut groups into windows that have a graph, large ones first."""
    first = 0
    for size in WINDOWS:
        while count - first >= size:
            yield slice(first, first + size)
            first += size


def _listed(groups: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Fill groups up to (group, GROUP) with -1."""
    for group in groups:
        check_group(group)
    sizes = np.array([len(group) for group in groups])
    found = np.full((len(groups), GROUP), -1)
    found[np.arange(GROUP) < sizes[:, None]] = np.concatenate(groups)
    return found


def _apart(lists: NDArray[np.int64]) -> Iterator[slice]:
    """Cut groups where a frame comes again: its new position must be known by then."""
    known = lists[lists >= 0]
    if np.bincount(known).max() == 1:
        yield slice(0, len(lists))
        return
    seen: set[int] = set()
    first = 0
    for number, group in enumerate(lists):
        frames = set(group[group >= 0].tolist())
        if seen & frames:
            yield slice(first, number)
            first, seen = number, set()
        seen |= frames
    yield slice(first, len(lists))


def _grown(array: Reals, room: int) -> Reals:
    larger = np.zeros((room, 2))
    larger[: len(array)] = array
    return larger
