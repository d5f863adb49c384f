"""What travels between the reconstructor and those who ask it: msgpack maps.

A request has `version`, `do`, and where wanted `arguments` (a map), `of` (uid of the
run or result it is about; the newest without it), `key` and `by` (who asks). An answer
has `version` and `result`, or `error` (one sentence) and `kind` (input, unavailable).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.core.wire import pack, unpack

VERSION = 2

MAX_REQUEST_BYTES = 64 * 1024
"""A longer request is refused unread."""

MAX_WORD = 200
"""Characters of a uid, a name or a key."""

_KNOWN = frozenset({"version", "do", "arguments", "of", "key", "by"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request, checked in form but not in what it wants."""

    do: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    of: str | None = None
    key: str = field(default="", repr=False)
    by: str = "somebody"

    def to_bytes(self) -> bytes:
        """Encode it."""
        message = {"version": VERSION, "do": self.do, "by": self.by}
        message["arguments"] = dict(self.arguments)
        if self.of is not None:
            message["of"] = self.of
        if self.key:
            message["key"] = self.key
        return pack(message)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Request":
        """Decode one; InputError in one sentence for anything that is none."""
        if len(data) > MAX_REQUEST_BYTES:
            raise InputError(
                f"a request of {len(data)} bytes; {MAX_REQUEST_BYTES} are the most"
            )
        message = unpack(data)
        if not is_current(message):
            raise InputError(f"a map with version {VERSION} is expected")
        if unknown_keys := message.keys() - _KNOWN:
            raise InputError(
                f"unknown key {min(map(str, unknown_keys))[:MAX_WORD]!r} in a request"
                f" (known: {', '.join(sorted(_KNOWN))})"
            )
        arguments = message.get("arguments")
        arguments = {} if arguments is None else arguments
        if not isinstance(arguments, dict) or not all(
            isinstance(name, str) for name in arguments
        ):
            raise InputError("arguments is a map from names to values")
        of = message.get("of")
        return cls(
            _word(message, "do", ""),
            arguments,
            None if of is None else _word(message, "of", ""),
            _word(message, "key", ""),
            _word(message, "by", "somebody"),
        )


def is_current(message: Any) -> bool:
    """Tell whether a message is a map of this version."""
    # An array can stand anywhere in a message, and compares to no truth value.
    version = message.get("version") if isinstance(message, dict) else None
    return isinstance(version, int) and version == VERSION


def _word(message: Mapping[Any, Any], name: str, otherwise: str) -> str:
    value = message.get(name, otherwise)
    if not isinstance(value, str) or len(value) > MAX_WORD or not value.isprintable():
        raise InputError(f"{name} is a text of at most {MAX_WORD} printable characters")
    return value


def answer(result: Any) -> bytes:
    """Encode what was asked for."""
    return pack({"version": VERSION, "result": result})


def refusal(error: DaissError) -> bytes:
    """Encode why there is no result."""
    kind = "unavailable" if isinstance(error, UnavailableError) else "input"
    return pack({"version": VERSION, "error": str(error), "kind": kind})


def result_of(data: bytes) -> Any:
    """Decode an answer; raises the error that it carries."""
    message = unpack(data)
    if not is_current(message):
        raise InputError(f"the answer is no map with version {VERSION}")
    if "error" in message:
        unavailable = message.get("kind") == "unavailable"
        raise (UnavailableError if unavailable else InputError)(str(message["error"]))
    return message.get("result")
