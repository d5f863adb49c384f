"""Where a notebook finds results: the Tiled server of `daiss up`, or another."""

import os
from dataclasses import dataclass, field
from typing import Self

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.services.state import StateDirectory, default_root
from daiss_bluesky.services.tiled_server import API_KEY, read_or_make_key


@dataclass(frozen=True, slots=True)
class ResultServer:
    """A Tiled server, with the user's key to it."""

    uri: str
    api_key: str = field(repr=False)

    @classmethod
    def find(cls, uri: str | None, api_key: str | None) -> Self:
        """Take what is given, else what `daiss up` left in the state directory.

        UnavailableError where nothing runs there.
        """
        key = api_key or os.environ.get(API_KEY)
        if uri is not None:
            if not uri.startswith(("http://", "https://")):
                raise InputError(f"uri = {uri!r}: http://... is expected")
            if not key:
                raise InputError(f"{uri} needs its API key, here or in {API_KEY}")
            return cls(uri.rstrip("/"), key)
        root = default_root()
        told = StateDirectory(root).read_services()
        return cls(str(told["tiled_uri"]).rstrip("/"), key or read_or_make_key(root))
