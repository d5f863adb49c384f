"""A view model and a reconstructor that do what a test says."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QApplication

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.connection import Connection
from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.model.entries import ResultEntry, RunEntry
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.query import Query

LIMIT_S = 20.0
SHAPES = {"slice_xy": (30, 40), "slice_xz": (20, 40), "slice_yz": (20, 30)}
PLACES = {"slice_xy": 10, "slice_xz": 15, "slice_yz": 20}


def pump(condition: Callable[[], object]) -> None:
    """Let Qt work until something holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        QApplication.processEvents()
        if time.monotonic() > deadline:
            raise TimeoutError("the window did not come to it")


def entry(n: int, technique: str = "tomography", status: str = "success") -> RunEntry:
    """Give a row of the run browser, the newer the larger n."""
    result = ResultEntry(
        f"result{n}", f"run{n}", technique, "fbp", "complete", 1e9 + 60 * n
    )
    return RunEntry(
        f"run{n}", n, 1e9 + 60 * n, "tomo_scan", f"rock{n}", status, 181, (result,)
    )


def done(answer: Any) -> "Future[Any]":
    """Give an answer that is there already."""
    future: Future[Any] = Future()
    future.set_result(answer)
    return future


class FakeFeed:
    """Holds what a window shows."""

    def __init__(self, technique: str = "tomography") -> None:
        self.mailbox = Mailbox()
        self.history = History()
        self.catalog_changes = 0
        self.entries: tuple[RunEntry, ...] = tuple(
            entry(n, technique) for n in range(5, 0, -1)
        )
        self.now = Followed(
            result_uid="result5",
            raw_uid="run5",
            technique=technique,
            scan_id=5,
            sample="rock5",
            metadata={"status": "running", "geometry": {"frame_shape": [20, 40]}},
        )
        self.line = Connection("connected", 1e9, "push", time.time())
        self.told = Honesty(
            frames_expected=181,
            frames_received=91,
            frames_used=90,
            coverage=0.4,
            parameters={"center_px": 20.5, "center_source": "pair"},
        )
        self.drawn = Curves()
        self.asked: list[Any] = []

    def connection(self) -> Connection:
        return self.line

    def runs(self, query: Query | None = None) -> tuple[RunEntry, ...]:
        takes = (query or Query()).takes
        return tuple(one for one in self.entries if takes(one, {}))

    def follow(self, result_uid: str | None) -> None:
        self.asked.append(result_uid)

    def followed(self) -> Followed:
        return self.now

    def honesty(self) -> Honesty:
        return self.told

    def curves(self) -> Curves:
        return self.drawn

    def slices(self, z: int, y: int, x: int) -> "Future[dict[str, Picture]]":
        places = dict(zip(SHAPES, (z, y, x), strict=True))
        return done(
            {view: self.picture(view, place=place) for view, place in places.items()}
        )

    def sinogram(self, z: int) -> "Future[Picture]":
        return done(self.picture("sinogram", np.full((181, 40), z, np.float32)))

    def opposite(self) -> "Future[tuple[Picture, Picture]]":
        first = np.zeros((20, 40), np.float32)
        first[:, 5] = 1.0
        # Column 5 lies 15 to the left of a center at 20.5, so its mirror at column 35.
        second = np.zeros((20, 40), np.float32)
        second[:, 35] = 1.0
        return done(
            (self.picture("projection", first), self.picture("projection", second))
        )

    def array(self, name: str) -> "Future[NDArray[Any]]":
        return done(np.array([[0.1, 1.0], [0.2, 2.0]]))

    def start_document(self) -> "Future[Mapping[str, Any]]":
        planned = [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]
        return done({"ptychography": {"positions_um": planned}})

    def picture(
        self,
        view: str,
        pixels: NDArray[Any] | None = None,
        number: int = 1,
        place: int | None = None,
    ) -> Picture:
        """Make a picture of the followed result."""
        shape = SHAPES.get(view, (20, 40))
        made = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        return Picture(
            self.now.result_uid,
            view,
            number,
            time.time(),
            made if pixels is None else pixels,
            pixel_size_um=0.65,
            place=PLACES.get(view) if place is None else place,
            facts=(("scan", "5"),),
        )

    def put(self, *views: str, number: int = 1) -> None:
        """Leave pictures for the window."""
        for view in views:
            picture = self.picture(view, number=number)
            self.history.keep(picture)
            self.mailbox.put(picture)


class FakeReconstructor:
    """Notes what it is asked; refuses what a test wants refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refuses: set[str] = set()

    def look(self, z: int, y: int, x: int, *, of: str | None = None) -> None:
        self._take("look", z, y, x)

    def center(self, center_px: float | None, *, of: str | None = None) -> None:
        self._take("center", center_px, of)

    def update(self, *, of: str | None = None, **switches: bool | None) -> None:
        self._take("update", switches)

    def sinogram(
        self, z: int, *, exact: bool = False, of: str | None = None
    ) -> Mapping[str, Any]:
        self._take("sinogram", z)
        angles = np.array([0.2, 0.0, 0.1])
        rows = np.repeat(angles[:, None], 40, axis=1)
        return {"z": z, "angles_rad": angles, "sinogram": rows}

    def fan(
        self,
        *,
        around_px: float | None = None,
        step_px: float = 1.0,
        count: int = 9,
        z: int | None = None,
        of: str | None = None,
    ) -> Mapping[str, Any]:
        self._take("fan", around_px, step_px, count, z)
        steps = np.arange(count) - count // 2
        assert around_px is not None
        slices = np.random.default_rng(0).random((count, 30, 40), np.float32)
        return {
            "centers_px": around_px + step_px * steps,
            "scores": 1 + np.abs(steps - 1),
            "slices": slices,
        }

    def rerun(self, of: str | None = None, **parameters: Any) -> str:
        self._take("rerun", of, parameters)
        return "result6"

    def abort(self, of: str | None = None, *, reason: str = "") -> None:
        self._take("abort", of, reason)

    def _take(self, *request: Any) -> None:
        self.asked.append(request)
        if request[0] in self.refuses:
            raise InputError(f"{request[0]} is refused")
