"""Slices of a finished volume, read where they are wanted."""

from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.model.axes import SLICES
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader

VOLUME = "volume"


def read_slices(
    reader: TiledReader, uid: str, known: Array, place: tuple[int, int, int]
) -> dict[str, NDArray[Any]]:
    """Give slice_xy, slice_xz and slice_yz through a place (z, y, x); this waits."""
    for name, i, n in zip("zyx", place, known.shape, strict=True):
        if not 0 <= i < n:
            raise InputError(f"{name} = {i}: the volume has 0 to {n - 1}")
    found = {}
    for view, axes in SLICES.items():
        where: list[int | slice] = [slice(None)] * 3
        if axes.across is not None:
            where[axes.across] = place[axes.across]
        found[view] = reader.read(f"{RECON_PATH}/{uid}/{VOLUME}", known, where)
    return found
