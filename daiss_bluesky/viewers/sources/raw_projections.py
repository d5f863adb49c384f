"""Projections of a run as the catalog has them, corrected with its own fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import RAW_PATH
from daiss_bluesky.core.scan import DEFAULT_STREAMS, START_KEY
from daiss_bluesky.viewers.sources.tiled_reader import Array, TiledReader

MAX_ANGLES = 360
"""Projections read for a sinogram: a whole frame is read for each of its rows."""
MAX_FIELDS = 20
"""Darks, or flats, read for a mean."""
TABLE = "internal"
_STACK = 3
"""Axes of frames, at least: frame, row, column."""

Attenuation = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sinogram:
    """One detector row at many angles."""

    attenuation: Attenuation
    """(angle, column), by ascending angle."""
    angles_deg: NDArray[np.float64]
    every: int
    """One projection of so many was read."""


class RawProjections:
    """Reads one run of parallel-beam tomography; every call waits for the server.

    A run that is no such thing, or has no frames in the catalog, is an InputError.
    """

    def __init__(self, reader: TiledReader, raw_uid: str) -> None:
        self._reader = reader
        self._uid = raw_uid
        found = reader.http.get(f"{RAW_PATH}/{raw_uid}")
        if found is None:
            raise InputError(f"there is no run {raw_uid!r} at {reader.http.uri}")
        self.start: Mapping[str, Any] = found["metadata"].get("start") or {}
        record = self.start.get(START_KEY) or {}
        streams = record.get("streams") or DEFAULT_STREAMS
        self._stream = {kind: name for name, kind in streams.items()}
        self._rotation = record.get("rotation_key")
        self._planned_deg = record.get("angles_deg")
        self._image = record.get("image_key")

    def sinogram(self, z: int) -> Sinogram:
        """Give one detector row."""
        path, known = self._frames("projection")
        rows = known.shape[-2]
        if not 0 <= z < rows:
            raise InputError(f"row {z}: the detector has rows 0 to {rows - 1}")
        n = known.shape[0]
        every = -(-n // MAX_ANGLES)
        raw = self._read(path, known, slice(None, n, every), z)
        angles_deg = self.angles_deg(n)[::every]
        order = np.argsort(angles_deg, kind="stable")
        corrected = self._correct(raw, z)
        return Sinogram(corrected[order], angles_deg[order], every)

    def opposite(self) -> tuple[Attenuation, Attenuation, float]:
        """Give two projections half a turn apart, and the angle of the first in deg.

        Those of the plan's own pair where it took one. InputError where there are none.
        """
        if (pair := self._find("pair")) is not None and pair[1].shape[0] > 1:
            path, known = pair
            places, first_deg = (0, known.shape[0] - 1), 0.0
        else:
            path, known = self._frames("projection")
            places, first_deg = self._opposite_places(known.shape[0])
        first, second = (
            self._correct(self._read(path, known, place, slice(None)), slice(None))
            for place in places
        )
        return first, second, first_deg

    def angles_deg(self, n: int) -> NDArray[np.float64]:
        """Give the angles of the first n projections: measured, or else planned."""
        path = f"{RAW_PATH}/{self._uid}/{self._stream['projection']}"
        children = self._reader.children(path)
        found: Any = None
        if self._rotation in children:
            known = self._reader.array(f"{path}/{self._rotation}")
            found = self._reader.read(f"{path}/{self._rotation}", known)
        elif TABLE in children and self._rotation is not None:
            columns = children[TABLE]["structure"]["columns"]
            if self._rotation in columns:
                place = f"{path}/{TABLE}"
                found = self._reader.http.read_column(place, self._rotation)
        if found is None:
            found = self._planned_deg
        if found is None or len(found) < n:
            raise InputError(f"run {self._uid} has no angles for its {n} projections")
        return np.asarray(found, np.float64).ravel()[:n]

    def _opposite_places(self, n: int) -> tuple[tuple[int, int], float]:
        from daiss_bluesky.kernels.rotation_center import (  # noqa: PLC0415 - a second
            opposite_pair,
        )

        angles_deg = self.angles_deg(n)
        places = opposite_pair(np.deg2rad(angles_deg))
        if places is None:
            raise InputError(f"run {self._uid} has no projections half a turn apart")
        return places, float(angles_deg[places[0]])

    def _find(self, kind: str) -> tuple[str, Array] | None:
        """Find the frames of a kind: the path, and what there is by now."""
        stream = self._stream.get(kind)
        if stream is None:
            return None
        path = f"{RAW_PATH}/{self._uid}/{stream}"
        arrays = self._reader.arrays(path)
        images = {k: one for k, one in arrays.items() if len(one.shape) >= _STACK}
        name = self._image if self._image in images else next(iter(images), None)
        return None if name is None else (f"{path}/{name}", images[name])

    def _frames(self, kind: str) -> tuple[str, Array]:
        found = self._find(kind)
        if found is None or not found[1].shape[0]:
            raise InputError(f"run {self._uid} has no {kind} in the catalog")
        return found

    def _read(
        self, path: str, known: Array, frames: int | slice, rows: int | slice
    ) -> NDArray[Any]:
        between = (0,) * (len(known.shape) - 3)
        return self._reader.read(path, known, (frames, *between, rows, slice(None)))

    def _correct(self, raw: NDArray[Any], rows: int | slice) -> Attenuation:
        from daiss_bluesky.kernels.reference import transmission  # noqa: PLC0415

        dark, flat = self._mean("dark", rows), self._mean("flat", rows)
        if flat is None:
            return raw.astype(np.float32)
        dark = np.zeros_like(flat) if dark is None else dark
        return -np.log(transmission(raw, dark, flat - dark)).astype(np.float32)

    def _mean(self, kind: str, rows: int | slice) -> NDArray[np.float64] | None:
        found = self._find(kind)
        if found is None or not found[1].shape[0]:
            return None
        path, known = found
        n = min(MAX_FIELDS, known.shape[0])
        frames = self._read(path, known, slice(0, n), rows)
        return np.asarray(frames.mean(axis=0, dtype=np.float64))
