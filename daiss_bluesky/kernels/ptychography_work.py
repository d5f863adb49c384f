"""The launches of an update on a GPU, and the memory they work in.

Groups come in windows: the host sends what is to be done with some groups at once, one
recorded graph of launches does it, and what was found is fetched. Within a window the
host is not asked.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.cuda.module import parts
from daiss_bluesky.kernels.cuda.queue import Array, Queue
from daiss_bluesky.kernels.line_plan import plan_lines
from daiss_bluesky.kernels.ptychography_step import GROUP

WINDOWS = (32, 4, 1)
"""Groups of a recorded graph."""

PAGE_BYTES = 1 << 23
"""Of frames that are allocated together."""

STATE = np.dtype(
    [
        *((name, np.uint64) for name in (
            "canvas", "pages", "probe", "bright", "peaks", "good", "transfer",
        )),
        ("reach", np.float64), ("limit", np.float64), ("width", np.int32),
        ("tilt", np.int32),
        *((name, np.float32) for name in (
            "object_step", "probe_step", "position_step", "alpha", "beta",
        )),
    ],
    align=True,
)  # fmt: skip
"""As in `ptychography.cuh`."""

ROW_LINES = 8
COLUMN_LINES = 16
"""Of a block, at most."""

_THREADS = 256
"""Of a block that moves, as in `ptychography_move.cu`."""
_TILTS = 5

ORDER = np.dtype(
    [
        ("state", STATE),
        ("corners", np.float64, (WINDOWS[0], GROUP, 2)),
        ("measured", np.float64, (WINDOWS[0], GROUP, 2)),
        ("groups", np.int32, (WINDOWS[0], GROUP)),
    ],
    align=True,
)
"""What is sent for a window: frames (-1: none), and where they lie on the canvas."""

_FIELDS: Any = ORDER.fields

FOUND = 4
"""Of each frame: the two sums of its misfit, and where it lies now."""


def page_frames(shape: tuple[int, int]) -> int:
    """Tell how many frames are allocated together."""
    return max(1, PAGE_BYTES // (2 * shape[0] * shape[1]))


class Work:
    """Room for the groups of solvers of one shape and number of modes, and its graphs.

    Solvers share it, one after the other.
    """

    def __init__(
        self, queue: Queue, shape: tuple[int, int], modes: int, *, near: bool
    ) -> None:
        """Allocate; kernels are compiled when they are first needed."""
        rows, columns = shape
        self._queue, self._near, self._shape = queue, near, shape
        along, across = plan_lines(columns, ROW_LINES), plan_lines(rows, COLUMN_LINES)
        self._along, self._across = along, across
        self._constants: dict[str, int | str] = {
            "ROWS": rows,
            "COLUMNS": columns,
            "MODES": modes,
            "GROUP": GROUP,
            "PAGE": page_frames(shape),
            **along.constants("ROW", middle_first=True),
            **across.constants("COLUMN", middle_first=False),
        }
        self._row_strips = parts(rows, along.lines)
        self._column_strips = parts(columns, across.lines)
        self._graphs: dict[tuple[str, int], Callable[[], None]] = {}
        xp, strips = queue.xp, max(self._row_strips, self._column_strips)
        self._order = xp.zeros(ORDER.itemsize, np.uint8)
        self._found = xp.zeros((WINDOWS[0], GROUP, FOUND), np.float64)
        self._waves = xp.zeros((GROUP, modes, rows, columns), np.complex64)
        self._asked = xp.zeros((GROUP, rows, columns), np.complex64)
        self._lit = xp.zeros((GROUP, rows, columns), np.float32)
        self._parts = xp.zeros((GROUP, strips, 2), np.float64)
        self._tilts = xp.zeros((GROUP, strips, _TILTS), np.float64)
        self._row_turns = xp.asarray(_turns(columns))
        self._column_turns = xp.asarray(_turns(rows))

    def run(
        self, kind: str, count: int, order: NDArray[Any], found: NDArray[Any]
    ) -> None:
        """Do a window of `count` groups, one of WINDOWS; does not wait.

        `kind` is update, or look, which moves nothing. `order` (1,) of ORDER and
        `found` (count, GROUP, FOUND) are pinned.
        """
        self.prepare(kind, count)
        self._queue.send(self._order, order)
        self._graphs[kind, count]()
        self._queue.fetch(found, self._found[:count])

    def prepare(self, kind: str, count: int) -> None:
        """Compile and record a window, once."""
        if (kind, count) in self._graphs:
            return
        # What is launched for the first time is compiled, which a graph cannot record:
        # once with groups of no frames, and of no solver: the last one's memory may be
        # another's by now.
        self._order[: STATE.itemsize] = 0
        self._part("groups")[:] = -1
        self._groups(kind, 1)
        record = self._queue.record
        self._graphs[kind, count] = record(lambda: self._groups(kind, count))

    def _part(self, name: str) -> Array:
        """Give a field of the order, on the device."""
        dtype, start = _FIELDS[name]
        held = self._order[start : start + dtype.itemsize]
        return held.view(dtype.base).reshape(dtype.shape)

    def _groups(self, kind: str, count: int) -> None:
        state = self._order[: STATE.itemsize]
        lists, corners, measured = map(self._part, ("groups", "corners", "measured"))
        for number in range(count):
            given = state, lists[number], corners[number]
            strips = self._misfit(*given)
            if kind == "update":
                self._move(*given, measured[number], strips, self._found[number])
            else:
                told = lists[number], self._parts, np.int32(strips), self._found[number]
                self._launch("move", "tell", (1,), GROUP, told)

    def _misfit(self, state: Array, group: Array, corners: Array) -> int:
        """Make waves and compare them with the frames; give the parts of the sums."""
        waves, turns = self._waves, self._row_turns
        self._along_rows("leave", (state, group, corners, waves, turns))
        if not self._near:
            given = state, group, waves, self._column_turns, self._parts
            self._across_rows("constrain", given)
            return self._column_strips
        carried = state, group, waves, self._column_turns
        self._across_rows("carry", (*carried, np.int32(1)))
        self._along_rows("constrain_near", (state, group, waves, turns, self._parts))
        self._across_rows("carry", (*carried, np.int32(-1)))
        return self._row_strips

    def _move(
        self, state: Array, group: Array, corners: Array, measured: Array,
        strips: int, found: Array,
    ) -> None:  # fmt: skip
        asked = self._asked, self._lit, self._tilts
        given = state, group, corners, self._waves, self._row_turns, *asked
        self._along_rows("arrive", given)
        rows, columns = self._shape
        pixels = parts(rows * columns, _THREADS)
        blocks = GROUP * parts((rows + 1) * (columns + 1), _THREADS) + pixels + 1
        moved = (
            state, group, corners, measured, self._asked, self._waves, self._lit,
            self._parts, np.int32(strips), self._tilts, found,
        )  # fmt: skip
        self._launch("move", "move", (blocks,), _THREADS, moved)
        probe = state, group, self._waves, self._lit
        self._launch("move", "move_probe", (pixels,), _THREADS, probe)

    def _along_rows(self, function: str, given: tuple[Any, ...]) -> None:
        blocks, plan = (self._row_strips, GROUP), self._along
        self._launch("waves", function, blocks, plan.threads, given, plan.room_bytes)

    def _across_rows(self, function: str, given: tuple[Any, ...]) -> None:
        blocks, plan = (self._column_strips, GROUP), self._across
        self._launch("waves", function, blocks, plan.threads, given, plan.room_bytes)

    def _launch(self, file: str, *launched: Any) -> None:
        self._queue.launch(f"ptychography_{file}", self._constants, *launched)


def _turns(length: int) -> NDArray[np.complex64]:
    turns = np.exp(-2j * np.pi * np.arange(length) / length)
    return np.asarray(turns, np.complex64)
