"""One connection to one of Tiled's streams.

Not tiled's own client: its thread ends in silence on a large message, keeps only weak
references to who listens, and waits for a connection without a limit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
)

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.publishers.tiled_http import LOOPBACK_NAMES, UNAUTHORIZED

MESSAGE_LIMIT_BYTES = 100_000_000
OPEN_TIMEOUT_S = 5.0
PING_S, PING_TIMEOUT_S = 5.0, 10.0
"""A peer that answers no ping for so long is taken for gone."""
_TOO_BIG = 1009
_MISSING = 404

Message = dict[str, Any]


class NotThereError(DaissError):
    """The server answers but does not know the path."""


class NoStreamError(DaissError):
    """The server answers but pushes nothing."""


class MessageTooBigError(DaissError):
    """A message above the limit came; more of them will."""


@dataclass(frozen=True, slots=True)
class StreamServer:
    """Where streams are, and what opens them."""

    uri: str
    api_key: str
    message_limit_bytes: int = MESSAGE_LIMIT_BYTES

    def address(self, path: str, start: int | None) -> str:
        """Give the address of a node's stream, from a sequence number on."""
        scheme, rest = self.uri.split("://", maxsplit=1)
        secure = "s" if scheme == "https" else ""
        start_text = "" if start is None else f"&start={start}"
        return (
            f"ws{secure}://{rest}/api/v1/stream/single/{path}"
            f"?envelope_format=msgpack{start_text}"
        )

    @asynccontextmanager
    async def open(
        self, path: str, start: int | None = None
    ) -> AsyncIterator[ClientConnection]:
        """Open a stream; what goes wrong, then or later, is one of our errors."""
        local = urlsplit(self.uri).hostname in LOOPBACK_NAMES
        try:
            async with connect(
                self.address(path, start),
                additional_headers={"Authorization": f"Apikey {self.api_key}"},
                # Noise does not shrink, and trying takes longer than sending it.
                compression=None,
                proxy=None if local else True,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=PING_S,
                ping_timeout=PING_TIMEOUT_S,
                close_timeout=1.0,
                max_size=self.message_limit_bytes,
            ) as connection:
                yield connection
        except InvalidStatus as error:
            raise self._refusal(path, error.response.status_code) from None
        except ConnectionClosed as error:
            raise self._closed(path, error) from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            f"Tiled at {self.uri} does not answer ({type(error).__name__})"
        )

    def _refusal(self, path: str, status: int) -> DaissError:
        if status in UNAUTHORIZED:
            return InputError(f"Tiled at {self.uri} refuses the API key ({status})")
        if status == _MISSING:
            return NotThereError(f"Tiled at {self.uri} has no {path}")
        return NoStreamError(f"Tiled at {self.uri} pushes nothing ({status})")

    def _closed(self, path: str, error: ConnectionClosed) -> DaissError:
        if error.sent is not None and error.sent.code == _TOO_BIG:
            limit_mb = self.message_limit_bytes / 1e6
            return MessageTooBigError(
                f"messages of {path} are above the limit of {limit_mb:g} MB"
            )
        return UnavailableError(f"Tiled at {self.uri} went away")


def decode(data: bytes | str) -> Message:
    """Read one message; InputError for what is none."""
    try:
        found = msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise InputError("Tiled sent what is no message of a stream")
    return found
