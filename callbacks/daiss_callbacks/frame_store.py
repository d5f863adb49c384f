"""Pixels, angles and times of frames known to exist, read from where they are."""

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey, FrameRef
from daiss_callbacks.angles import ATTRIBUTE_NAMES, AngleSource, RotationTrack
from daiss_callbacks.array_keeper import MEMORY_LIMIT_BYTES, ArrayKeeper
from daiss_callbacks.file_paths import FilePaths
from daiss_callbacks.hdf5_follower import Hdf5Follower
from daiss_callbacks.locations import (
    Hdf5Image,
    KeptArray,
    Location,
    NpyImage,
)
from daiss_callbacks.nd_attributes import read_angles_rad, read_times_s

MAX_OPEN_FILES = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Consecutive frames of one place."""

    pixels: NDArray[Any]
    angles_rad: NDArray[np.float64] | None = None
    times_s: NDArray[np.float64] | None = None


class FrameStore:
    """Reads frames of one run (a core FrameSource), from one thread at a time.

    What the detector wrote beside a frame wins over what documents say of it, so that
    reading live and reading the finished file give the same angles. `close` may be
    called from another thread, and ends a wait.
    """

    def __init__(
        self,
        allowed_roots: Sequence[Path],
        path_map: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        *,
        angle_attributes: Sequence[str] = ATTRIBUTE_NAMES,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
        scratch: Path | None = None,
    ) -> None:
        """Files outside allowed_roots are refused; path_map: IOC prefix to ours.

        Images from events beyond memory_limit_bytes go to a file in scratch.
        """
        self._paths = FilePaths(allowed_roots, path_map)
        self._timeout_s = timeout_s
        self._angle_attributes = angle_attributes
        self._arrays = ArrayKeeper(memory_limit_bytes, scratch)
        self._followers: OrderedDict[Path, Hdf5Follower] = OrderedDict()
        self._sources: dict[FrameKey, AngleSource] = {}
        self._awaited: RotationTrack | None = None
        self._closed = False
        self._deadline_s = math.inf
        self._lock = threading.Lock()

    @property
    def angle_sources(self) -> dict[AngleSource, int]:
        """Count the frames read so far by where their angle came from."""
        return dict(Counter(self._sources.values()))

    def keep(self, pixels: NDArray[Any]) -> KeptArray:
        """Take over an image that came inside an event (FrameAssembler's `keep`)."""
        return self._arrays.keep(pixels)

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        """Read frames of one kind and stream, in the order asked for.

        Raises UnavailableError naming file and frame where one does not come in time
        or has no angle, InputError for a file that is refused or frames of different
        shape.
        """
        if not refs:
            raise InputError("no frames are asked for")
        order = sorted(range(len(refs)), key=lambda i: _place(refs[i]))
        ordered = [refs[i] for i in order]
        with self._lock:
            pieces = [self._read(run) for run in _consecutive(ordered)]
        batch = self._assemble(ordered, pieces)
        if order == list(range(len(refs))):
            return batch
        return batch.select(np.argsort(order))

    def run_ended(self) -> None:
        """Wait once more for what is not there, not once for each lost frame."""
        self._deadline_s = time.monotonic() + self._timeout_s
        for follower in list(self._followers.values()):
            follower.deadline_s = self._deadline_s

    def close(self) -> None:
        """Close files and forget images that came inside events."""
        self._closed = True
        for follower in list(self._followers.values()):
            follower.close()
        if self._awaited is not None:
            self._awaited.complete()
        self._arrays.close()

    def _read(self, run: list[FrameRef]) -> _Piece:
        image = _location(run[0]).image
        if isinstance(image, Hdf5Image):
            return self._read_hdf5(run, image)
        if isinstance(image, NpyImage):
            pixels = _read_npy(self._paths.resolve(image.uri), image.plane)
        else:
            pixels = image.kept.read()
        return _Piece(pixels[np.newaxis], self._named_angles(run))

    def _read_hdf5(self, run: list[FrameRef], image: Hdf5Image) -> _Piece:
        follower = self._follower(image.uri)
        start, stop = image.row, image.row + len(run)
        pixels = follower.read(image.dataset, start, stop)
        if not pixels.dtype.isnative:
            pixels = pixels.astype(pixels.dtype.newbyteorder("="))
        angles = self._named_angles(run)
        if _has_angle(run[0]) and angles is None:
            angles = read_angles_rad(follower, start, stop, self._angle_attributes)
        started_s = _location(run[0]).started_s
        return _Piece(pixels, angles, read_times_s(follower, start, stop, started_s))

    def _named_angles(self, run: list[FrameRef]) -> NDArray[np.float64] | None:
        """Read the dataset that documents name as the rotation, where they do."""
        places = [_location(ref).angle for ref in run]
        named = [place for place in places if place is not None]
        if len(named) < len(run):
            return None
        rows = np.array([place.row for place in named])
        first = int(rows.min())
        follower = self._follower(named[0].uri)
        values = follower.read(named[0].dataset, first, int(rows.max()) + 1)
        if values.size != len(values) or values.dtype.kind not in "fiu":
            raise InputError(
                f"{named[0].dataset} of file {follower.path} is not one angle a row"
            )
        chosen: NDArray[np.float64] = values.reshape(-1)[rows - first].astype(
            np.float64
        )
        chosen *= named[0].radians_per_unit
        return chosen

    def _follower(self, uri: str) -> Hdf5Follower:
        self._check_open()
        path = self._paths.resolve(uri)
        if path not in self._followers:
            if len(self._followers) >= MAX_OPEN_FILES:
                self._followers.popitem(last=False)[1].close()
            self._followers[path] = Hdf5Follower(path, timeout_s=self._timeout_s)
        self._followers[path].deadline_s = self._deadline_s
        self._followers.move_to_end(path)
        return self._followers[path]

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("the frames of this run are not read any more")

    def _assemble(self, refs: list[FrameRef], pieces: list[_Piece]) -> Batch:
        shapes = {piece.pixels.shape[1:] for piece in pieces}
        if len(shapes) > 1:
            raise InputError(f"frames of one stream differ in shape: {sorted(shapes)}")
        one = len(pieces) == 1
        pixels = pieces[0].pixels if one else np.concatenate([p.pixels for p in pieces])
        times = _joined([piece.times_s for piece in pieces], pieces)
        _fill(times, [ref.time_s for ref in refs])
        angles = np.full(len(refs), np.nan)
        if _has_angle(refs[0]):
            angles = _joined([piece.angles_rad for piece in pieces], pieces)
            self._fill_angles(angles, refs, times)
        else:
            self._sources |= {ref.key: "none" for ref in refs}
        _fill(times, [_location(ref).opened_s for ref in refs])
        return Batch(
            kind=refs[0].kind,
            stream=refs[0].key.stream,
            indices=np.array([ref.key.index for ref in refs], np.int64),
            angles_rad=angles,
            times_s=times,
            pixels=pixels,
        )

    def _fill_angles(
        self,
        angles: NDArray[np.float64],
        refs: list[FrameRef],
        times_s: NDArray[np.float64],
    ) -> None:
        self._note("file", refs, np.isfinite(angles))
        self._note("readback", refs, _fill(angles, [ref.angle_rad for ref in refs]))
        track = _location(refs[0]).track
        open_ = np.isnan(angles) & np.isfinite(times_s)
        if track is not None and open_.any():
            self._awaited = track
            monitored = track.angles_at(times_s[open_], self._timeout_s)
            self._check_open()
            if monitored is not None:
                angles[open_] = monitored
                self._note("monitor", refs, open_)
        planned = [_location(ref).planned_rad for ref in refs]
        self._note("planned", refs, _fill(angles, planned))
        unknown = np.flatnonzero(np.isnan(angles))
        if unknown.size:
            key = refs[unknown[0]].key
            raise UnavailableError(
                f"the angle of frame {key.index} of stream {key.stream!r} is not known:"
                f" no NDAttribute {' or '.join(self._angle_attributes)}, no rotation"
                " readback, no monitored rotation, no planned angle"
            )

    def _note(
        self, source: AngleSource, refs: list[FrameRef], mask: NDArray[np.bool_]
    ) -> None:
        self._sources |= {refs[i].key: source for i in np.flatnonzero(mask)}


def _has_angle(ref: FrameRef) -> bool:
    return ref.kind in {"projection", "pair"}


def _location(ref: FrameRef) -> Location:
    if not isinstance(ref.location, Location):
        raise InputError(f"frame {ref.key} was not made by a FrameAssembler")
    return ref.location


def _place(ref: FrameRef) -> tuple[str, str, int, int]:
    image = _location(ref).image
    if isinstance(image, Hdf5Image):
        return (image.uri, image.dataset, image.row, ref.key.index)
    return ("", "", 0, ref.key.index)


def _consecutive(refs: Sequence[FrameRef]) -> Iterator[list[FrameRef]]:
    """Split sorted frames into runs that one read of one dataset can fetch."""
    run: list[FrameRef] = []
    for ref in refs:
        if run and not _follows(run[-1], ref):
            yield run
            run = []
        run.append(ref)
    yield run


def _follows(ref: FrameRef, other: FrameRef) -> bool:
    a, b = _location(ref), _location(other)
    return (
        isinstance(a.image, Hdf5Image)
        and isinstance(b.image, Hdf5Image)
        and (a.image.uri, a.image.dataset) == (b.image.uri, b.image.dataset)
        and a.image.row + 1 == b.image.row
        and _angle_dataset(a) == _angle_dataset(b)
    )


def _angle_dataset(location: Location) -> tuple[str, str] | None:
    angle = location.angle
    return None if angle is None else (angle.uri, angle.dataset)


def _joined(
    parts: Sequence[NDArray[np.float64] | None], pieces: Sequence[_Piece]
) -> NDArray[np.float64]:
    return np.concatenate(
        [
            np.full(len(piece.pixels), np.nan) if part is None else part
            for part, piece in zip(parts, pieces, strict=True)
        ]
    )


def _fill(
    values: NDArray[np.float64], others: Sequence[float | None]
) -> NDArray[np.bool_]:
    """Put others where values are NaN, in place; tell where that was."""
    candidates = np.array(others, dtype=np.float64)
    filled: NDArray[np.bool_] = ~np.isfinite(values) & np.isfinite(candidates)
    values[filled] = candidates[filled]
    return filled


def _read_npy(path: Path, plane: int | None) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UnavailableError(f"file {path} does not exist") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"file {path} is not a .npy image: {error}") from None
    return array if plane is None else array[plane]
