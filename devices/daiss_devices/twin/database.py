"""Process variables served over Channel Access, and how the model posts to them.

A client's put runs the handler given to `on_put`, which may refuse it or give another
value to store; the put-callback is answered when the handler returns. The model posts
from any thread, in order, and a client sees nothing but values posted or put.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import caproto
import numpy as np

from daiss_devices.twin.pv_table import PvSpec

PutHandler = Callable[[Any], Awaitable[Any]]

TEXT_LENGTH = 256
SETTLE_S = 0.003
"""A put-callback waits this long so that monitors posted before it arrive first."""


class PutRefused(Exception):  # noqa: N818 - what happened to the put
    """A client's put was refused; the client gets a failed put-callback."""


class _Served:
    """What every channel of the twin adds to caproto's: a put handler."""

    handler: PutHandler | None = None
    read_only = False
    checks_limits = True
    """False where the handler does it and says so in the record's own way."""

    async def verify_value(self, data: Any) -> Any:
        """Run the handler of a client's put; posts of the model skip this."""
        if self.checks_limits:
            data = await super().verify_value(data)  # type: ignore[misc]
        if isinstance(data, np.generic):
            data = data.item()
        if self.handler is not None:
            data = await self.handler(data)
        return data

    async def write_from_dbr(
        self, data: Any, data_type: Any, metadata: Any, *, flags: int = 0
    ) -> Any:
        """Store a client's put; its monitors go out before its put-callback."""
        result = await super().write_from_dbr(  # type: ignore[misc]
            data, data_type, metadata, flags=flags
        )
        await asyncio.sleep(SETTLE_S)
        return result

    def check_access(self, hostname: str, username: str) -> caproto.AccessRights:
        """Let clients write what is not a readback."""
        del hostname, username
        rights = caproto.AccessRights.READ
        if not self.read_only:
            rights |= caproto.AccessRights.WRITE
        return rights


class DoublePv(_Served, caproto.ChannelDouble):
    """A floating point number."""


class LongPv(_Served, caproto.ChannelInteger):
    """An integer, or an array of them."""


class EnumPv(_Served, caproto.ChannelEnum):
    """One of some choices; its value is the choice's text."""


class StringPv(_Served, caproto.ChannelString):
    """Text of up to 40 characters."""


class TextPv(_Served, caproto.ChannelChar):
    """Text of up to 256 characters, as an array of bytes."""

    async def write_from_dbr(
        self, data: Any, data_type: Any, metadata: Any, *, flags: int = 0
    ) -> Any:
        """Take text however a client sends it; caproto fails on a single byte."""
        if data_type in _CHAR_TYPES:
            raw = bytes(np.asarray(data, dtype=np.uint8)).split(b"\0", 1)[0]
            await self.write(raw.decode(self.string_encoding), flags=flags)
            return await asyncio.sleep(SETTLE_S)
        return await super().write_from_dbr(data, data_type, metadata, flags=flags)


_CHAR_TYPES = frozenset(
    kind for kind in caproto.ChannelType if kind.name.endswith("CHAR")
)


def make_pv(spec: PvSpec, value: Any = None, **metadata: Any) -> Any:
    """Make the channel that a table entry describes."""
    common: dict[str, Any] = dict(metadata)
    if spec.kind == "double":
        pv: Any = DoublePv(value=float(value or 0.0), **common)
    elif spec.kind == "long":
        pv = LongPv(value=int(value or 0), **common)
    elif spec.kind == "longs":
        length = common.pop("max_length", 10)
        pv = LongPv(value=[0] if value is None else value, max_length=length, **common)
    elif spec.kind == "enum":
        text = spec.choices[value] if isinstance(value, int) else value
        pv = EnumPv(
            value=text or spec.choices[0], enum_strings=tuple(spec.choices), **common
        )
    elif spec.kind == "string":
        pv = StringPv(value=value or "", **common)
    else:
        pv = TextPv(value=value or "", max_length=TEXT_LENGTH, **common)
    pv.read_only = spec.read_only
    return pv


class Database:
    """All channels by name, with ordered posting from any thread."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.channels: dict[str, Any] = {}
        self._pending: deque[tuple[str, Any, float]] = deque()
        self._pending_limits: deque[tuple[str, float, float]] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def add(self, name: str, spec: PvSpec, value: Any = None, **metadata: Any) -> None:
        """Add one PV under the prefix."""
        self.channels[self.prefix + name] = make_pv(spec, value, **metadata)

    def alias(self, name: str, of: str) -> None:
        """Serve a PV under a second name."""
        self.channels[self.prefix + name] = self.channels[self.prefix + of]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a PV."""
        return self.prefix + name in self.channels

    def channel(self, name: str) -> Any:
        """Give the channel of a PV."""
        return self.channels[self.prefix + name]

    def value(self, name: str) -> Any:
        """Give the present value; texts for enums."""
        return self.channel(name).value

    def number(self, name: str) -> int:
        """Give the index of an enum's present choice."""
        channel = self.channel(name)
        return int(channel.enum_strings.index(channel.value))

    def on_put(
        self, name: str, handler: PutHandler, *, checks_limits: bool = True
    ) -> None:
        """Call this for a client's put; what it returns is stored."""
        channel = self.channel(name)
        channel.handler = handler
        channel.checks_limits = checks_limits

    def post(self, values: Mapping[str, Any]) -> None:
        """Publish values in order, from any thread; returns at once."""
        now = time.time()
        with self._lock:
            self._pending.extend((name, value, now) for name, value in values.items())
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    def set_limits(self, names: list[str], low: float, high: float) -> None:
        """Change the limits that clients read with a value."""
        for name in names:
            self._pending_limits.append((name, low, high))
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def write(self, name: str, value: Any) -> None:
        """Publish one value now, from the server's own loop."""
        await self.flush()
        await self._write(name, value, time.time())

    async def _write(self, name: str, value: Any, timestamp: float) -> None:
        channel = self.channel(name)
        if isinstance(channel, EnumPv) and not isinstance(value, str):
            value = channel.enum_strings[int(value)]
        await channel.write(value, verify_value=False, timestamp=timestamp)

    async def flush(self) -> None:
        """Publish all that was posted so far."""
        while self._pending_limits:
            name, low, high = self._pending_limits.popleft()
            await self.channel(name).write_metadata(
                lower_ctrl_limit=low,
                upper_ctrl_limit=high,
                lower_disp_limit=low,
                upper_disp_limit=high,
            )
        while True:
            with self._lock:
                if not self._pending:
                    return
                name, value, timestamp = self._pending.popleft()
            await self._write(name, value, timestamp)

    async def run(self) -> None:
        """Publish what is posted, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
