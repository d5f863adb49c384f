"""Final arrays on disk: zarr folders that Tiled registers and others open directly."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError

CHUNK_BYTES = 16 * 2**20


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Give chunks of whole (y, x) slices, as many as fit into CHUNK_BYTES."""
    if len(shape) < 3:  # noqa: PLR2004 - one picture
        return shape
    slice_bytes = int(np.prod(shape[1:])) * itemsize
    return (max(1, min(shape[0], CHUNK_BYTES // slice_bytes)), *shape[1:])


def write_zarr(path: Path, array: NDArray[Any]) -> tuple[int, ...]:
    """Write an uncompressed zarr folder in place of any before; give its chunks.

    The folder appears under its name only when whole. UnavailableError when the disk
    is full or not writable.
    """
    import zarr  # noqa: PLC0415 - takes half a second

    chunks = chunk_shape(array.shape, array.dtype.itemsize)
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        target = zarr.create_array(
            draft,
            shape=array.shape,
            dtype=array.dtype,
            chunks=chunks,
            compressors=None,
            filters=None,
        )
        target[...] = array
        shutil.rmtree(path, ignore_errors=True)
        draft.replace(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UnavailableError(
            f"the result {path} cannot be written: {error.strerror or error}"
        ) from None
    return chunks
