"""Requests to a reconstruction under way: answered, or refused in one sentence."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import zmq

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey, FrameRef
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.wire import pack, unpack
from daiss_bluesky.engine.inline import calibration_batches, projection_batches
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.services.control import ControlServer, ask
from daiss_bluesky.services.control_requests import make_handlers
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.testing.ball_scan import make_ball_scan

N = 24


@dataclass
class Source:
    """Frames of a stored scan, whose locations are batches."""

    def load(self, refs: Any) -> Batch:
        [ref] = refs
        assert isinstance(ref.location, Batch)
        return ref.location


class Running:
    """A scan whose projections have all come and whose end has not."""

    def __init__(self) -> None:
        stored = make_ball_scan(projection_angles_deg(N))
        self.updated, self.ended = threading.Event(), threading.Event()
        self.finals: list[Final] = []
        self.engine = LocalEngine(
            FbpAlgorithm(),
            stored.scan,
            Source(),
            Listener(lambda *_: None, lambda _: self.updated.set(), self._note),
            max_batch=1,
        )
        batches = [*calibration_batches(stored)]
        batches += projection_batches(stored, np.arange(N))
        for number, batch in enumerate(batches):
            key = FrameKey(batch.kind, number)
            self.engine.submit([FrameRef(key, batch.kind, batch)])
        assert self.updated.wait(60)

    def _note(self, final: Final) -> None:
        self.finals.append(final)
        self.ended.set()


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.engine.stop()
    running.engine.join(60)


@pytest.fixture
def port(running: Running) -> Iterator[int]:
    [port] = free_ports(1)
    server = ControlServer(port, make_handlers(lambda: running.engine))
    yield port
    server.close()


def test_slices_and_planes_come_from_the_running_scan(port: int) -> None:
    slices = ask(port, "slices", z=5, y=10, x=12)
    assert slices["slice_xy"].shape == (32, 32)
    assert slices["slice_xz"].shape == (18, 32)
    plane = ask(
        port, "plane", middle=(5, 15.5, 15.5), down=(0, 1, 0), across=(0, 0, 1),
        shape=(32, 32),
    )  # fmt: skip
    np.testing.assert_allclose(plane, slices["slice_xy"], atol=1e-6)
    assert np.abs(plane).max() > 0.01


def test_the_views_go_where_they_are_wanted(port: int, running: Running) -> None:
    running.updated.clear()
    ask(port, "look", z=3, y=4, x=5)
    assert running.updated.wait(60)
    assert list(ask(port, "status")["parameters"]["slices_zyx"]) == [3, 4, 5]


def test_a_center_starts_over_and_loses_nothing(port: int, running: Running) -> None:
    ask(port, "center", center_px=14.5)
    running.engine.end()
    assert running.ended.wait(60)
    [final] = running.finals
    assert final.status == "complete"
    assert final.progress.frames_used == N
    assert final.progress.parameters["center_px"] == 14.5
    with pytest.raises(InputError, match="has ended"):
        ask(port, "status")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "slices", "z": 99, "y": 0, "x": 0}, "slice z = 99"),
        ({"do": "slices", "z": 1}, "missing a required argument"),
        ({"do": "status", "more": 1}, "unexpected keyword"),
        ({"do": "fly"}, "unknown request 'fly'"),
        ({"do": "update", "update_probe": False}, "no probe and no positions"),
        ({"do": "update", "update_probe": 3}, "true, false or null, not 3"),
        ({"do": "center", "center_px": 1e6}, "outside of the detector"),
        (
            {"do": "plane", "middle": 1, "down": 2, "across": 3, "shape": (4, 4)},
            "three numbers",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    port: int, request_: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        ask(port, **request_)
    assert ask(port, "status")["frames_used"] > 0


@pytest.mark.parametrize("message", [b"no msgpack \xc1", pack({"version": 2}), pack(3)])
def test_other_messages_are_answered_with_an_error(port: int, message: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect(f"tcp://127.0.0.1:{port}")
        socket.send(message)
        assert "error" in unpack(socket.recv())


def test_a_taken_port_is_refused(port: int) -> None:
    with pytest.raises(UnavailableError, match=f"port {port} for control is in use"):
        ControlServer(port, {})
