"""msgpack for documents and messages: arrays and dates travel, code does not.

Pickle would run whatever a peer sends; this knows a closed set of types instead.
"""

from datetime import datetime
from typing import Any

import msgpack
import numpy as np

from daiss_bluesky.core.errors import InputError

_ARRAY = 1
_NUMERIC_KINDS = "biufcSU"


def pack(value: Any) -> bytes:
    """Encode plain values, numpy arrays and numpy scalars."""
    return bytes(msgpack.packb(value, default=_encode, use_bin_type=True))


def unpack(data: bytes | memoryview) -> Any:
    """Decode what pack made; arrays come back read-only, without a copy."""
    try:
        return msgpack.unpackb(data, ext_hook=_decode, raw=False, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InputError(f"not a message of ours: {error}") from None


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _NUMERIC_KINDS:
            raise TypeError(f"arrays of dtype {value.dtype} are not sent")
        head = msgpack.packb([value.dtype.str, list(value.shape)])
        return msgpack.ExtType(_ARRAY, head + np.ascontiguousarray(value).tobytes())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not sent")


def _decode(code: int, data: bytes) -> Any:
    if code != _ARRAY:
        raise ValueError(f"unknown extension type {code}")
    unpacker = msgpack.Unpacker()
    unpacker.feed(data[:1024])
    dtype_text, shape = unpacker.unpack()
    dtype = np.dtype(dtype_text)
    if dtype.kind not in _NUMERIC_KINDS:
        raise ValueError(f"arrays of dtype {dtype} are not accepted")
    return np.frombuffer(data, dtype, offset=unpacker.tell()).reshape(shape)
