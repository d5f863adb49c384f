"""A scan in the midst of its reconstruction, and a control server that serves it."""

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.frames import Batch, FrameRef
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.engine.inline import calibration_batches, projection_batches
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.services.control import Asked, ControlServer
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_requests import make_handlers
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.run_wishes import RunWishes
from daiss_bluesky.services.state import StateDirectory, write_json
from daiss_bluesky.services.status_board import StatusBoard
from daiss_bluesky.testing.ball_scan import make_ball_scan

N = 24
RESULT = "result-1"
KEY = "the-key-of-this-test"


def fresh_address(key: str = "") -> ControlAddress:
    """Give ports that are free."""
    requests, status = free_ports(2)
    return ControlAddress(requests, status, key)


@dataclass
class Source:
    """Frames of a stored scan, whose locations are batches."""

    def load(self, refs: Any) -> Batch:
        [ref] = refs
        assert isinstance(ref.location, Batch)
        return ref.location


class RunningScan:
    """A scan whose projections have all come and whose end has not."""

    result_uid = RESULT

    def __init__(
        self,
        board: StatusBoard,
        wishes: RunWishes | None = None,
        rows: int = 18,
        columns: int = 32,
    ) -> None:
        angles_deg = projection_angles_deg(N)
        self.stored = make_ball_scan(angles_deg, rows=rows, columns=columns)
        self.wishes = wishes or RunWishes()
        self.updated, self.ended = threading.Event(), threading.Event()
        self.whole = threading.Event()
        self.finals: list[Final] = []
        self._board = board
        board.began(RESULT, self.stored.scan, "fbp")
        self.engine = LocalEngine(
            FbpAlgorithm(),
            self.stored.scan,
            Source(),
            Listener(lambda *_: None, self._note_update, self._note_final),
            max_batch=1,
            prepare=self.wishes.apply,
        )
        self.ask, self.ask_reading = self.engine.ask, self.engine.ask_reading
        self.abort = self.engine.abort
        batches = [*calibration_batches(self.stored)]
        for i in range(N):
            batches += projection_batches(self.stored, np.array([i]))
        for batch in batches:
            self.engine.submit([FrameRef(batch.keys[0], batch.kind, batch)])
        assert self.whole.wait(60)

    def close(self) -> None:
        self.engine.stop()
        self.engine.join(60)

    def _note_update(self, update: Update) -> None:
        self._board.updated(RESULT, update)
        self.updated.set()
        if update.progress.frames_used == N:
            self.whole.set()

    def _note_final(self, final: Final) -> None:
        self.finals.append(final)
        self._board.ended(RESULT, final)
        self._board.settled(RESULT)
        self.ended.set()


class Served:
    """A control server about one running scan, of `rows` and `columns` if told."""

    def __init__(self, wishes: RunWishes | None = None, **shape: int) -> None:
        self.board = StatusBoard()
        self.scan = RunningScan(self.board, wishes, **shape)
        self.repeated: list[tuple[Asked, Mapping[str, Any]]] = []
        self.address = fresh_address(KEY)
        self.stuck: Future[Any] | None = None
        handlers = make_handlers(self._find, self._repeat)
        self.server = ControlServer(self.address, handlers, self.board)

    def tell(self, state_dir: Path) -> None:
        """Name its ports in a state directory, as `daiss up` does."""
        ports = {"control": self.address.requests}
        ports["control_status"] = self.address.status
        write_json(StateDirectory(state_dir).services, ports)

    def close(self) -> None:
        self.server.close()
        self.scan.close()

    def _find(self, of: str | None) -> Any:
        if of not in {None, RESULT, self.scan.stored.scan.run_uid}:
            raise UnavailableError(f"{of} is not being reconstructed")
        return self.scan

    def _repeat(self, asked: Asked, parameters: Mapping[str, Any]) -> str:
        self.repeated.append((asked, parameters))
        return "result-2"
