"""What windows ask for beside the live pictures: slices, sinograms, final arrays."""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.viewers.model.axes import axes_of, caption, pixel_size_um
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.questions import Questions
from daiss_bluesky.viewers.sources.raw_projections import RawProjections
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader
from daiss_bluesky.viewers.sources.volume_slices import VOLUME, read_slices

ARRAY_LIMIT_BYTES = 300_000_000
"""What a server gives at once; larger arrays are read in slices."""


class Reconstructor(Protocol):
    """What is asked of a reconstruction under way, as a ControlClient answers it."""

    def slices(
        self, z: int, y: int, x: int, *, of: str | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Give slice_xy, slice_xz and slice_yz as of now."""
        ...


class Details:
    """Asks Tiled in threads; every call returns a Future at once.

    Each kind of question has one thread, and only the newest of a kind is answered:
    the Futures of those in between are cancelled.
    """

    def __init__(
        self, reader: TiledReader, reconstructor: Reconstructor | None = None
    ) -> None:
        self._reader = reader
        self._reconstructor = reconstructor
        self._slices = Questions("slices")
        self._raw = Questions("raw")
        self._arrays = Questions("arrays")

    def close(self) -> None:
        """Take no more questions."""
        for one in (self._slices, self._raw, self._arrays):
            one.close()

    def slices(
        self, of: Followed, known: Array | None, place: tuple[int, int, int]
    ) -> "Future[dict[str, Picture]]":
        """Give three slices through a place (z, y, x): of the volume, or as of now."""

        def answer() -> dict[str, Picture]:
            found = self._read_slices(of, known, place)
            return {
                view: _picture(of, view, pixels, axis_place(view, place))
                for view, pixels in found.items()
            }

        return self._slices.ask(answer)

    def _read_slices(
        self, of: Followed, known: Array | None, place: tuple[int, int, int]
    ) -> Mapping[str, NDArray[Any]]:
        if not of.finished and self._reconstructor is not None:
            return self._reconstructor.slices(*place, of=of.result_uid)
        there = known or self._reader.find(f"{RECON_PATH}/{of.result_uid}/{VOLUME}")
        if there is None:
            raise InputError("there is no volume yet; ask the reconstructor")
        return read_slices(self._reader, of.result_uid, there, place)

    def array(self, of: Followed, name: str) -> "Future[NDArray[Any]]":
        """Give a whole final array."""

        def answer() -> NDArray[Any]:
            path = f"{RECON_PATH}/{of.result_uid}/{name}"
            known = self._reader.array(path)
            if np.prod(known.shape) * known.dtype.itemsize > ARRAY_LIMIT_BYTES:
                raise InputError(
                    f"{name} {known.shape} is too large to be read at once"
                )
            return self._reader.read(path, known)

        return self._arrays.ask(answer)

    def sinogram(self, of: Followed, z: int) -> "Future[Picture]":
        """Give the sinogram of a detector row from the stored frames."""

        def answer() -> Picture:
            found = RawProjections(self._reader, of.raw_uid).sinogram(z)
            facts = [("row", str(z))]
            if found.every > 1:
                facts.append(("angles", f"1 of {found.every}"))
            return _picture(of, "sinogram", found.attenuation, z, tuple(facts))

        return self._raw.ask(answer)

    def opposite(self, of: Followed) -> "Future[tuple[Picture, Picture]]":
        """Give two projections half a turn apart; the second is not mirrored."""

        def answer() -> tuple[Picture, Picture]:
            pair = RawProjections(self._reader, of.raw_uid).opposite()
            first, second = (
                _picture(of, "projection", pixels, None, angle_deg=pair[2] + turn_deg)
                for pixels, turn_deg in zip(pair[:2], (0, 180), strict=True)
            )
            return first, second

        return self._raw.ask(answer)

    def start_document(self, of: Followed) -> "Future[Mapping[str, Any]]":
        """Give the run's start document, with its long lists."""
        return self._raw.ask(lambda: RawProjections(self._reader, of.raw_uid).start)


def axis_place(view: str, place: tuple[int, int, int]) -> int | None:
    """Give the index along the axis that a slice is cut across."""
    across = axes_of(view).across
    return None if across is None else place[across]


def _picture(
    of: Followed,
    view: str,
    pixels: NDArray[Any],
    place: int | None,
    more: tuple[tuple[str, str], ...] = (),
    angle_deg: float | None = None,
) -> Picture:
    pixels.flags.writeable = False
    axes, now_s = axes_of(view), time.time()
    return Picture(
        result_uid=of.result_uid,
        view=view,
        number=0,
        published_s=of.metadata.get("finished") or now_s,
        pixels=pixels,
        pixel_size_um=pixel_size_um(view, of.metadata),
        rows_along=axes.rows,
        columns_along=axes.columns,
        place=place,
        facts=caption(of.metadata, angle_deg) + more,
    )
