"""A stream comes back, misses nothing, repeats nothing; without any server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgpack
import pytest

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.viewers.sources import stream as module
from daiss_bluesky.viewers.sources.line import Line
from daiss_bluesky.viewers.sources.socket import (
    MessageTooBigError,
    NoStreamError,
    NotThereError,
    StreamServer,
    decode,
)
from daiss_bluesky.viewers.sources.stream import Stream

LIMIT_S = 30.0


def _message(sequence: int, second: int | None = None, **others: Any) -> bytes:
    stamp = f"2026-11-26T02:00:{sequence if second is None else second:02}"
    found = {"type": "array-data", "sequence": sequence, "timestamp": stamp} | others
    return bytes(msgpack.packb(found))


SCHEMA = bytes(msgpack.packb({"type": "array-schema", "version": 1}))


class _Transport:
    def __init__(self, incoming: "asyncio.Queue[bytes | DaissError]") -> None:
        self._incoming = incoming

    def abort(self) -> None:
        self._incoming.put_nowait(UnavailableError("cut off"))


class _Connection:
    def __init__(self, sent: Sequence[bytes | DaissError]) -> None:
        self._incoming: asyncio.Queue[bytes | DaissError] = asyncio.Queue()
        self.transport = _Transport(self._incoming)
        for one in (SCHEMA, *sent):
            self._incoming.put_nowait(one)

    async def recv(self) -> bytes:
        found = await self._incoming.get()
        if isinstance(found, DaissError):
            raise found
        return found


class _Server(StreamServer):
    """Each connection gives what the script says, in turn, then stays silent."""

    def __init__(self, *script: Sequence[bytes | DaissError] | DaissError) -> None:
        super().__init__("http://nowhere", "key")
        object.__setattr__(self, "script", list(script))
        object.__setattr__(self, "starts", [])

    @asynccontextmanager
    async def open(self, path: str, start: int | None = None) -> AsyncIterator[Any]:
        self.starts.append(start)  # type: ignore[attr-defined]
        script = self.script  # type: ignore[attr-defined]
        step = script.pop(0) if script else []
        if isinstance(step, DaissError):
            raise step
        yield _Connection(step)


class _Node:
    path = "recon/one/live/slice_xy"

    def __init__(self) -> None:
        self.sequences: list[int] = []
        self.presented: list[Any] = []
        self.absences = 0
        self.fetching: Callable[[], Awaitable[Any]] | None = None

    async def fetch(self) -> Any:
        return "state" if self.fetching is None else await self.fetching()

    def present(self, state: Any) -> None:
        self.presented.append(state)

    def message(self, message: dict[str, Any]) -> None:
        if message.get("bad"):
            raise KeyError("shape")
        self.sequences.append(message["sequence"])

    def absent(self) -> None:
        self.absences += 1


class _Lines:
    """What a banner was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def line(self, state: str, lane: str, message: str = "") -> None:
        self.told.append((state, message))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_RETRY_S", "ABSENT_RETRY_S", "REFUSED_RETRY_S"):
        monkeypatch.setattr(module, name, 0.001)


def _run(
    server: _Server, node: _Node, until: Callable[[], bool], **actions: Any
) -> _Lines:
    lines: _Lines = actions.get("lines") or _Lines()

    async def main() -> None:
        stream = Stream(server, node, Line(lines, "push"))  # type: ignore[arg-type]
        task = asyncio.ensure_future(stream.run())
        async with asyncio.timeout(LIMIT_S):
            while not until() and not task.done():
                await asyncio.sleep(0.001)
                if (act := actions.get("act")) is not None:
                    act(stream)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()

    asyncio.run(main())
    return lines


def test_after_a_cut_it_goes_on_with_the_next_message() -> None:
    node = _Node()
    gone = UnavailableError("it went away")
    server = _Server([_message(4), _message(5), gone], gone, [_message(6)])
    lines = _run(server, node, lambda: len(node.sequences) == 3)
    assert node.sequences == [4, 5, 6]
    assert server.starts == [None, 6, 6]  # type: ignore[attr-defined]
    states = [state for state, _ in lines.told]
    assert states == ["connected", "reconnecting", "reconnecting", "connected"]
    assert lines.told[1][1] == "it went away; reconnecting"
    assert node.presented == ["state", "state"], "the present state at each connection"


def test_repeats_are_left_out_and_a_new_count_is_not() -> None:
    node = _Node()
    first = [_message(7, 10), _message(8, 11), _message(8, 11), _message(7, 10)]
    restarted = [_message(1, 30), _message(2, 31)]
    server = _Server([*first, UnavailableError("gone")], restarted)
    _run(server, node, lambda: len(node.sequences) == 4)
    assert node.sequences == [7, 8, 1, 2]


def test_after_a_long_absence_only_the_present_state_is_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REPLAY_LIMIT_S", -1.0)
    node = _Node()
    server = _Server([_message(4), UnavailableError("gone")], [_message(90)])
    _run(server, node, lambda: len(node.sequences) == 2)
    assert server.starts == [None, None]  # type: ignore[attr-defined]


def test_renewed_it_connects_without_replay() -> None:
    node = _Node()
    server = _Server([_message(4)], [_message(9)])
    renewed: list[bool] = []

    def renew(stream: Stream) -> None:
        if node.sequences and not renewed:
            renewed.append(True)
            stream.renew()

    _run(server, node, lambda: len(node.sequences) == 2, act=renew)
    assert server.starts == [None, None]  # type: ignore[attr-defined]
    assert node.sequences == [4, 9]


def test_messages_come_through_while_the_state_is_fetched() -> None:
    node = _Node()

    async def fetch() -> str:
        while not node.sequences:
            await asyncio.sleep(0.001)
        return "late"

    node.fetching = fetch
    _run(_Server([_message(1)]), node, lambda: bool(node.presented))
    assert (node.sequences, node.presented) == ([1], ["late"])


def test_what_is_no_message_does_no_harm() -> None:
    node = _Node()
    bad = [
        b"\xc1",
        msgpack.packb([1]),
        _message(1, bad=True),
        msgpack.packb({"type": "x"}),
    ]
    _run(_Server([*bad, _message(2)]), node, lambda: bool(node.sequences))
    assert node.sequences == [2]


def test_an_absent_node_is_waited_for() -> None:
    node = _Node()
    server = _Server(NotThereError("no such"), NotThereError("no such"), [_message(1)])
    lines = _run(server, node, lambda: bool(node.sequences))
    assert node.absences == 2
    assert {state for state, _ in lines.told} == {"connected"}


def test_what_is_above_the_limit_is_asked_for_with_a_sentence() -> None:
    node = _Node()
    too_big = MessageTooBigError("messages of slice_xy are above the limit of 100 MB")
    server = _Server([_message(1), too_big], [_message(2)])
    lines, told = _Lines(), 0

    def tell(stream: Stream) -> None:
        nonlocal told
        said = ("connected", f"{too_big}: they are asked for.") in lines.told
        if said and told < 2 and len(node.presented) > told + 1:
            told += 1
            stream.tell_of_news()

    _run(server, node, lambda: len(node.presented) > 3, act=tell, lines=lines)
    assert told == 2
    assert server.starts == [None]  # type: ignore[attr-defined]


def test_a_refused_key_is_said_and_tried_again() -> None:
    node = _Node()
    refusal = InputError("Tiled at http://nowhere refuses the API key (401)")
    lines = _run(_Server(refusal, [_message(1)]), node, lambda: bool(node.sequences))
    assert lines.told[0] == ("refused", str(refusal))
    assert lines.told[-1] == ("connected", "")


def test_a_server_that_pushes_nothing_is_left_to_others() -> None:
    with pytest.raises(NoStreamError):
        _run(_Server(NoStreamError("pushes nothing")), _Node(), lambda: False)


def test_addresses() -> None:
    server = StreamServer("https://tiled.example.org", "key")
    assert server.address("recon", None) == (
        "wss://tiled.example.org/api/v1/stream/single/recon?envelope_format=msgpack"
    )
    assert server.address("recon/a", 7).endswith(
        "recon/a?envelope_format=msgpack&start=7"
    )


def test_decode_refuses() -> None:
    for data in (b"", b"\xc1", "text", bytes(msgpack.packb({"sequence": 1}))):
        with pytest.raises(InputError, match="no message"):
            decode(data)
