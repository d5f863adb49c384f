"""Requests to a reconstruction under way: answered, or refused in one sentence."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.wire import pack, unpack
from daiss_bluesky.services.control import ControlServer, Handler
from daiss_bluesky.services.control_address import (
    ControlAddress,
    read_or_make_control_key,
)
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.control_messages import MAX_REQUEST_BYTES
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.run_wishes import RunWishes
from tests.conftest import wait_until
from tests.unit.services.running_scan import (
    KEY,
    RESULT,
    N,
    Served,
    fresh_address,
)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


@pytest.fixture(scope="module")
def untouched() -> Iterator[Served]:
    """One for all those who change nothing."""
    served = Served()
    yield served
    served.close()


@pytest.fixture
def reader(untouched: Served) -> Iterator[ControlClient]:
    with ControlClient(untouched.address) as client:
        yield client


@pytest.fixture
def client(served: Served) -> Iterator[ControlClient]:
    with ControlClient(served.address, by="jane@hutch") as client:
        yield client


def test_slices_and_planes_come_from_the_running_scan(reader: ControlClient) -> None:
    slices = reader.slices(5, 10, 12)
    assert slices["slice_xy"].shape == (32, 32)
    assert slices["slice_xz"].shape == (18, 32)
    plane = reader.plane((5, 15.5, 15.5), (0, 1, 0), (0, 0, 1), (32, 32))
    np.testing.assert_allclose(plane, slices["slice_xy"], atol=1e-6)
    assert np.abs(plane).max() > 0.01


def test_the_views_go_where_they_are_wanted(
    client: ControlClient, served: Served
) -> None:
    served.scan.updated.clear()
    client.look(3, 4, 5)
    assert served.scan.updated.wait(60)
    assert list(client.status().parameters["slices_zyx"]) == [3, 4, 5]


def test_a_center_starts_over_and_loses_nothing(
    client: ControlClient, served: Served
) -> None:
    client.center(14.5, of=RESULT)
    served.scan.engine.end()
    assert served.scan.ended.wait(60)
    [final] = served.scan.finals
    assert final.status == "complete"
    assert final.progress.frames_used == N
    in_force = final.progress.parameters
    assert (in_force["center_px"], in_force["center_source"]) == (14.5, "set")
    assert client.status(RESULT).status == "complete"
    with pytest.raises(UnavailableError, match="has ended"):
        client.slices(1, 1, 1)


def test_what_was_set_comes_back_with_the_reconstructor(tmp_path: Path) -> None:
    path = tmp_path / "wishes.json"
    first = Served(RunWishes(path))
    with ControlClient(first.address, by="jane@hutch") as client:
        client.center(14.25)
        client.look(3, 4, 5)
        client.parameters(filter="hann")
    first.close()
    second = Served(RunWishes(path))
    with ControlClient(second.address) as client:
        in_force = client.status().parameters
        assert (in_force["center_px"], in_force["center_source"]) == (14.25, "set")
        assert (list(in_force["slices_zyx"]), in_force["filter"]) == ([3, 4, 5], "hann")
        said = second.scan.wishes.notes()["set_by"]
        assert said["center_px"]["by"] == said["filter"]["by"] == "jane@hutch"
        client.center(None)
    assert second.scan.wishes.notes()["set_by"]["center_px"] is None
    second.close()


def test_parameters_that_can_change_do(client: ControlClient, served: Served) -> None:
    before = client.slices(5, 10, 12)["slice_xy"]
    client.parameters(filter="hann", zingers=False)
    served.scan.engine.end()
    assert served.scan.ended.wait(60)
    [final] = served.scan.finals
    assert final.progress.parameters["filter"] == "hann"
    smooth = final.views["slice_xy"]
    assert final.progress.frames_used == N
    middle = served.scan.finals[0].arrays["volume"][5]
    roughness = [float(np.abs(np.diff(one)).sum()) for one in (before, middle)]
    assert smooth.shape == before.shape
    assert roughness[1] < 0.9 * roughness[0]


def test_a_sinogram_of_a_kept_row_and_of_any_other(reader: ControlClient) -> None:
    kept = reader.sinogram(8)
    exact = reader.sinogram(int(kept["z"]), exact=True)
    assert kept["sinogram"].shape == exact["sinogram"].shape == (N, 32)
    assert (np.diff(kept["angles_rad"]) > 0).all()
    # The kept row knows the first flats only: the light is another, the sample not.
    assert np.ptp(kept["sinogram"] - exact["sinogram"], axis=1).max() < 1e-3
    assert reader.sinogram(5, exact=True)["z"] == 5


def test_a_fan_shows_centers_about_the_present_one(reader: ControlClient) -> None:
    fan = reader.fan(count=7, step_px=0.5)
    present_px = reader.status().parameters["center_px"]
    assert fan["slices"].shape == (7, 32, 32)
    assert fan["centers_px"][3] == pytest.approx(present_px)
    assert fan["scores"].min() == 1
    off = reader.fan(count=9, step_px=1.0, around_px=1.0)
    assert off["centers_px"][0] == 0


def test_an_abort_says_who(client: ControlClient, served: Served) -> None:
    client.abort(reason="wrong sample")
    assert served.scan.ended.wait(60)
    [final] = served.scan.finals
    assert final.status == "incomplete"
    assert final.message == "aborted by jane@hutch: wrong sample"
    assert final.views.keys() >= {"slice_xy"}
    assert served.scan.wishes.aborted
    served.scan.engine.join(60)
    with pytest.raises(UnavailableError, match="has ended"):
        client.abort()


def test_a_run_is_asked_for_once_more(client: ControlClient, served: Served) -> None:
    assert client.rerun(RESULT, filter="hann") == "result-2"
    [(asked, parameters)] = served.repeated
    assert (asked.of, asked.by) == (RESULT, "jane@hutch")
    assert parameters == {"filter": "hann"}


@pytest.mark.parametrize(
    ("do", "arguments", "said"),
    [
        ("slices", {"z": 99, "y": 0, "x": 0}, "slice z = 99"),
        ("slices", {"z": 1}, "missing a required argument"),
        ("status", {"more": 1}, "unexpected keyword"),
        ("fly", {}, "unknown request 'fly'"),
        ("update", {"update_probe": False}, "no probe and no positions"),
        ("center", {"center_px": 1e6}, "outside of the detector"),
        ("center", {"center_px": "left"}, "a number or null, not 'left'"),
        (
            "plane",
            {"middle": 1, "down": 2, "across": 3, "shape": (4, 4)},
            "three numbers",
        ),
        ("parameters", {"changes": {"stripes": "mean"}}, "cannot change in mid-scan"),
        ("parameters", {"changes": {"filtre": 1}}, "unknown key 'filtre'"),
        ("parameters", {"changes": {"filter": "x"}}, "filter = 'x'"),
        ("parameters", {"changes": 3}, "a map from names"),
        ("sinogram", {"z": 99}, "row z = 99"),
        ("sinogram", {"z": 1.5}, "a whole number"),
        ("fan", {"count": 4}, "5 to 41"),
        ("fan", {"step_px": 40.0}, "9 centers of 32 columns"),
        ("fan", {"around_px": -3}, "outside of the detector"),
        ("abort", {"reason": 5}, "reason is a text"),
        ("rerun", {"parameters": None}, "a map from names"),
    ],
)
def test_what_cannot_be_is_refused(
    reader: ControlClient, do: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        reader.ask(do, **arguments)
    assert reader.status().frames_used > 0


CHANGES = ["look", "center", "update", "parameters", "rerun", "abort"]


@pytest.mark.parametrize("key", ["", "guessed"])
@pytest.mark.parametrize("do", CHANGES)
def test_nothing_changes_without_the_key(
    untouched: Served, do: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = ControlAddress(untouched.address.requests, untouched.address.status, key)
    with ControlClient(address) as reader:
        assert reader.slices(1, 1, 1).keys()
        what = "a wrong key" if key else "no key"
        with pytest.raises(InputError, match=f"{do} came with {what}"):
            reader.ask(do, center_px=3.0)
    assert KEY not in caplog.text
    assert KEY not in repr(untouched.address)


def test_a_server_without_a_key_changes_nothing() -> None:
    address = fresh_address()
    server = ControlServer(address, {"go": Handler(lambda asked: 1, changes=True)})
    with ControlClient(address) as client, pytest.raises(InputError, match="no key"):
        client.ask("go")
    server.close()


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = read_or_make_control_key(tmp_path / "state")
    assert len(key) == 64
    assert read_or_make_control_key(tmp_path / "state") == key
    assert (tmp_path / "state" / "control_key").stat().st_mode & 0o777 == 0o600


def test_status_is_answered_while_others_wait() -> None:
    go, waiting = threading.Event(), threading.Semaphore(0)

    def slow(_asked: object) -> int:
        waiting.release()
        assert go.wait(60)
        return 7

    address = fresh_address()
    server = ControlServer(address, {"slow": Handler(slow)})
    sockets = []
    with zmq.Context() as context:
        for _ in range(40):
            socket = context.socket(zmq.REQ)
            socket.connect(f"tcp://127.0.0.1:{address.requests}")
            socket.send(pack({"version": 2, "do": "slow"}))
            sockets.append(socket)
        for _ in range(4):
            assert waiting.acquire(timeout=60)
        wait_until(lambda: len(answered(sockets)) == 8, "eight to be refused")
        refused = {unpack(socket.recv())["error"] for socket in answered(sockets)}
        with ControlClient(address) as client:
            assert client.results() == []
        assert not answered(sockets)
        go.set()
        wait_until(lambda: len(answered(sockets)) == 32, "the others to be answered")
        results = [unpack(socket.recv())["result"] for socket in answered(sockets)]
        for socket in sockets:
            socket.close()
    server.close()
    assert refused == {"32 requests are waiting already; try again"}
    assert results == [7] * 32


def answered(sockets: list[Any]) -> list[Any]:
    """Those with an answer that has not been read."""
    return [socket for socket in sockets if socket.poll(0)]


def exchange(address: ControlAddress, *parts: bytes) -> Any:
    """Send any message as it is; gives the answer."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"tcp://127.0.0.1:{address.requests}")
        socket.send_multipart(parts)
        assert socket.poll(60_000), "no answer"
        return unpack(socket.recv_multipart()[-1])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"no msgpack \xc1", "not a message of ours"),
        (pack({"version": 1, "do": "status"}), "version 2 is expected"),
        (pack(3), "version 2 is expected"),
        (pack({"version": 2, "do": 5}), "do is a text"),
        (pack({"version": 2, "do": "status", "of": "x" * 300}), "of is a text"),
        (pack({"version": 2, "do": "status", "arguments": [1]}), "arguments is a map"),
        (pack({"version": 2, "do": "status", "z": 4}), "unknown key 'z'"),
        (b"x" * (MAX_REQUEST_BYTES + 1), "are the most"),
        (pack({"version": np.zeros(2), "do": "status"}), "version 2 is expected"),
        (pack({"version": 2, "do": "status", "arguments": np.zeros(2)}), "is a map"),
        (b"\x91" * 5000, "not a message of ours"),
        (b"", "not a message of ours"),
    ],
)
def test_other_messages_are_answered_with_an_error(
    untouched: Served, message: bytes, said: str
) -> None:
    assert said in exchange(untouched.address, b"", message)["error"]


def test_a_message_of_many_parts_is_refused(untouched: Served) -> None:
    assert "error" in exchange(untouched.address, *[b"x"] * 50)


def test_a_huge_message_costs_its_sender_the_connection(
    untouched: Served, reader: ControlClient
) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(f"tcp://127.0.0.1:{untouched.address.requests}")
        socket.send_multipart([b"", bytes(17 * 1024 * 1024)])
        assert reader.status().frames_used == N
        assert not socket.poll(300)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
names = st.sampled_from(
    ["status", "slices", "plane", "sinogram", "fan", "look", "center", "parameters",
     "update", "snapshot", "abort", "x"]
)  # fmt: skip
nearly = st.fixed_dictionaries(
    {"version": st.just(2), "do": names},
    optional={
        "arguments": st.dictionaries(
            st.sampled_from(
                ["z", "y", "x", "middle", "down", "across", "shape", "center_px",
                 "count", "step_px", "changes", "exact", "asked"]
            ),
            plain,
            max_size=5,
        ),
        "of": plain,
        "key": st.just(KEY) | plain,
        "by": plain,
    },
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(message=st.binary(max_size=200) | st.builds(pack, nearly.filter(
    lambda one: one["do"] != "abort"
)))  # fmt: skip
def test_no_message_does_harm(served: Served, message: bytes) -> None:
    answer = exchange(served.address, b"", message)
    assert ("result" in answer) != ("error" in answer)
    if "error" in answer:
        assert "internal error" not in answer["error"], answer["error"]
        assert "\n" not in answer["error"] or len(answer["error"]) < 2000
    status = exchange(served.address, b"", pack({"version": 2, "do": "status"}))
    assert status["result"]["status"] == "running"


@pytest.mark.parametrize("which", [0, 1])
def test_a_taken_port_is_refused(untouched: Served, which: int) -> None:
    ports = free_ports(2)
    ports[which] = (untouched.address.requests, untouched.address.status)[which]
    with pytest.raises(
        UnavailableError, match=f"port {ports[which]} for control is in use"
    ):
        ControlServer(ControlAddress(ports[0], ports[1]), {})


def test_nobody_there_is_one_sentence() -> None:
    address = fresh_address()
    with (
        ControlClient(address, timeout_s=0.2) as client,
        pytest.raises(UnavailableError, match="does not answer"),
    ):
        client.status()
