"""msgpack for documents and messages: arrays and dates travel, code does not.

Pickle would run whatever a peer sends; this knows a closed set of types instead.
"""

import re
from datetime import datetime
from typing import Any

import msgpack
import numpy as np

from daiss_bluesky.core.errors import InputError

_ARRAY = 1
_NUMERIC_KINDS = "biufcSU"
_DTYPE = re.compile(rf"[<>|=]?[{_NUMERIC_KINDS}]\d+")


def pack(value: Any) -> bytes:
    """Encode plain values, numpy arrays and numpy scalars; TypeError for others."""
    try:
        packed = _packed(value)
    except UnicodeEncodeError:
        # Python reads a file name that is no UTF-8 into a text that is none either.
        packed = _packed(value, unicode_errors="backslashreplace")
    _check_keys(value)
    return packed


def unpack(data: bytes | memoryview) -> Any:
    """Decode what pack made; arrays come back read-only, without a copy."""
    try:
        return msgpack.unpackb(data, ext_hook=_decode, raw=False, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InputError(f"not a message of ours: {error}") from None


def _packed(value: Any, **options: Any) -> bytes:
    return bytes(msgpack.packb(value, default=_encode, use_bin_type=True, **options))


def _check_keys(value: Any) -> None:
    """Refuse what msgpack writes but cannot read: a pair comes back as a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, tuple | frozenset):
                raise TypeError(f"a map with the key {key!r} is not sent")
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner)


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
    if not (isinstance(dtype_text, str) and _DTYPE.fullmatch(dtype_text)):
        # numpy would parse it as Python, and fail in ways of its own.
        raise ValueError(f"arrays of dtype {dtype_text!r} are not accepted")
    return np.frombuffer(data, np.dtype(dtype_text), offset=unpacker.tell()).reshape(
        shape
    )
