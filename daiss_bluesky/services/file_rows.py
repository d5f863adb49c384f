"""Which rows of a detector's file belong to one stream.

A camera that is staged once writes the frames of all streams of a run into one file.
TiledWriter counts how many rows of a stream there are but not where: Tiled would serve
each stream from the beginning of the file, or refuse, as the file has more rows.
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

HDF5_MIMETYPE = "application/x-hdf5"
_PART_OF_FILE = re.compile(r"(\d+):\d*")


class FileRows:
    """Rows of a dataset's first axis that make up an array, in the array's order."""

    def __init__(self) -> None:
        self._parts: list[range] = []

    def add(self, first: int, stop: int) -> None:
        """Append rows first to stop - 1."""
        if self._parts and self._parts[-1].stop == first:
            first = self._parts.pop().start
        self._parts.append(range(first, stop))

    def selection(self) -> str | list[int]:
        """Give the parameter `slice` of Tiled's HDF5 adapter: "first:stop" or rows.

        The adapter documents strings, but hands anything else on to dask, which takes
        a list of rows. A string cannot name flats before and after the projections.
        """
        if len(self._parts) == 1:
            return f"{self._parts[0].start}:{self._parts[0].stop}"
        return list(chain.from_iterable(self._parts))


def rows_per_index(
    datum_shape: tuple[int, ...], parameters: Mapping[str, Any]
) -> int | None:
    """Tell how many rows of the file one index of a stream_datum stands for.

    Args:
        datum_shape: Shape of one event's data: (frame, row, column), (row, column), ().
        parameters: Those of the stream_resource.

    Returns:
        None where the documents do not say it.
    """
    if not datum_shape or datum_shape[0] == 1:
        return 1
    if parameters.get("multiplier") or parameters.get("join_method") == "concat":
        return datum_shape[0]
    if chunk_shape := parameters.get("chunk_shape"):
        return datum_shape[0] if len(chunk_shape) == len(datum_shape) else 1
    return None


def indices_are_rows(parameters: Mapping[str, Any], first_index: int) -> bool:
    """Tell whether a stream's indices count from the beginning of the file.

    They need not where a `slice` of the stream_resource's own picks its part.
    """
    own = parameters.get("slice")
    if not own:
        return True
    part = _PART_OF_FILE.fullmatch(own) if isinstance(own, str) else None
    return part is not None and first_index >= int(part[1])
