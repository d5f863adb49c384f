"""Pixels, angles or positions, and times of frames, read from where they are."""

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
from daiss_callbacks.array_keeper import MEMORY_LIMIT_BYTES, ArrayKeeper
from daiss_callbacks.axes import MEASURED_KINDS, AxisSource
from daiss_callbacks.axis_track import AxisTrack
from daiss_callbacks.axis_values import AxisValues, fill_gaps, worst_source
from daiss_callbacks.file_paths import FilePaths
from daiss_callbacks.hdf5_follower import Hdf5Follower
from daiss_callbacks.locations import (
    AxisLocation,
    Hdf5Image,
    KeptArray,
    Location,
    NpyImage,
)
from daiss_callbacks.nd_attributes import read_times_s, read_values
from daiss_callbacks.run_axes import RunAxes

MAX_OPEN_FILES = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Consecutive frames of one place."""

    pixels: NDArray[Any]
    values: list[NDArray[np.float64] | None]
    """For each axis, what files say."""
    times_s: NDArray[np.float64] | None = None


class FrameStore:
    """Reads frames of one run (a core FrameSource), from one thread at a time.

    What the detector wrote beside a frame wins over what documents say of it, so that
    reading live and reading the finished file give the same values. `close` may be
    called from another thread, and ends a wait.
    """

    def __init__(
        self,
        allowed_roots: Sequence[Path],
        path_map: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        *,
        axis_attributes: Mapping[str, Sequence[str]] | None = None,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
        scratch: Path | None = None,
    ) -> None:
        """Files outside allowed_roots are refused; path_map: IOC prefix to ours.

        axis_attributes: NDAttributes of an axis (rotation, row, column) in place of the
        usual ones, in degrees or micrometers.
        Images from events beyond memory_limit_bytes go to a file in scratch.
        """
        self._paths = FilePaths(allowed_roots, path_map)
        self._timeout_s = timeout_s
        self._axis_attributes = axis_attributes or {}
        self._arrays = ArrayKeeper(memory_limit_bytes, scratch)
        self._followers: OrderedDict[Path, Hdf5Follower] = OrderedDict()
        self._sources: dict[FrameKey, AxisSource] = {}
        self._awaited: AxisTrack | None = None
        self._closed = False
        self._deadline_s = math.inf
        self._lock = threading.Lock()

    @property
    def axis_sources(self) -> dict[AxisSource, int]:
        """Count the frames read so far by where their angle or position came from.

        Of two axes with different sources, the worse one counts.
        """
        return dict(Counter(self._sources.values()))

    def keep(self, pixels: NDArray[Any]) -> KeptArray:
        """Take over an image that came inside an event (FrameAssembler's `keep`)."""
        return self._arrays.keep(pixels)

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        """Read frames of one kind and stream, in the order asked for.

        Raises UnavailableError naming file and frame where one does not come in time
        or has no angle or position, InputError for a file that is refused or frames of
        different shape.
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
        named = [self._read_named(run, i) for i in _axes(run[0])]
        return _Piece(pixels[np.newaxis], named)

    def _read_hdf5(self, run: list[FrameRef], image: Hdf5Image) -> _Piece:
        follower = self._follower(image.uri)
        start, stop = image.row, image.row + len(run)
        pixels = follower.read(image.dataset, start, stop)
        if not pixels.dtype.isnative:
            pixels = pixels.astype(pixels.dtype.newbyteorder("="))
        values = [self._read_axis(run, i, follower, start, stop) for i in _axes(run[0])]
        started_s = _location(run[0]).started_s
        return _Piece(pixels, values, read_times_s(follower, start, stop, started_s))

    def _read_axis(
        self, run: list[FrameRef], i: int, follower: Hdf5Follower, start: int, stop: int
    ) -> NDArray[np.float64] | None:
        named = self._read_named(run, i)
        if named is not None or run[0].kind not in MEASURED_KINDS:
            return named
        factors = self._attribute_factors(_location(run[0]).axes, i)
        return read_values(follower, factors, start, stop)

    def _attribute_factors(self, axes: RunAxes, i: int) -> dict[str, float]:
        axis = axes.axes[i]
        chosen = self._axis_attributes.get(axis.name)
        if chosen is None:
            return axis.attribute_factors(axes.tracks[i].key_factor)
        return dict.fromkeys(chosen, axis.units.usual)

    def _read_named(self, run: list[FrameRef], i: int) -> NDArray[np.float64] | None:
        """Read the dataset that documents name as the axis, where they do."""
        places = [_location(ref).named[i] for ref in run]
        named = [place for place in places if place is not None]
        if len(named) < len(run):
            return None
        rows = np.array([place.row for place in named])
        first = int(rows.min())
        follower = self._follower(named[0].uri)
        values = follower.read(named[0].dataset, first, int(rows.max()) + 1)
        if values.size != len(values) or values.dtype.kind not in "fiu":
            noun = _location(run[0]).axes.axes[i].title
            raise InputError(
                f"{named[0].dataset} of file {follower.path} is not one {noun} a row"
            )
        chosen: NDArray[np.float64] = values.reshape(-1)[rows - first].astype(
            np.float64
        )
        chosen *= named[0].factor
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
        fill_gaps(times, [ref.time_s for ref in refs])
        values = self._measure(refs, pieces, times)
        fill_gaps(times, [_location(ref).opened_s for ref in refs])
        return Batch(
            kind=refs[0].kind,
            stream=refs[0].key.stream,
            indices=np.array([ref.key.index for ref in refs], np.int64),
            times_s=times,
            pixels=pixels,
            **_location(refs[0]).axes.fields(values),
        )

    def _measure(
        self,
        refs: list[FrameRef],
        pieces: list[_Piece],
        times_s: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Give measured values (frame, axis), NaN for kinds that have none."""
        if refs[0].kind not in MEASURED_KINDS:
            self._sources |= {ref.key: "none" for ref in refs}
            return np.full((len(refs), len(_axes(refs[0]))), np.nan)
        found = [self._axis_values(i, refs, pieces, times_s) for i in _axes(refs[0])]
        for ref, *sources in zip(refs, *(one.sources for one in found), strict=True):
            self._sources[ref.key] = worst_source(sources)
        return np.stack([one.values for one in found], axis=1)

    def _axis_values(
        self,
        i: int,
        refs: list[FrameRef],
        pieces: list[_Piece],
        times_s: NDArray[np.float64],
    ) -> AxisValues:
        axes = _location(refs[0]).axes
        in_files = [piece.values[i] for piece in pieces]
        found = AxisValues(_joined(in_files, pieces))
        in_file = any(part is not None for part in in_files)
        if in_file:
            axes.tracks[i].need_none()
        found.fill("readback", [axes.readback(ref)[i] for ref in refs])
        monitored = found.fill_monitored(
            times_s, lambda times: self._monitored(axes.tracks[i], times)
        )
        if axes.axes[i].steady or not (monitored or in_file):
            found.fill("planned", [_location(ref).planned[i] for ref in refs])
        attributes = self._attribute_factors(axes, i)
        found.check(axes.axes[i], attributes, [ref.key for ref in refs])
        return found

    def _monitored(
        self, track: AxisTrack, times_s: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        self._awaited = track
        self._check_open()
        values = track.values_at(times_s, self._timeout_s)
        self._check_open()
        return values


def _axes(ref: FrameRef) -> range:
    return range(len(_location(ref).axes.axes))


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
        and _datasets(a) == _datasets(b)
    )


def _datasets(location: Location) -> list[tuple[str, str] | None]:
    return [_dataset(place) for place in location.named]


def _dataset(place: AxisLocation | None) -> tuple[str, str] | None:
    return None if place is None else (place.uri, place.dataset)


def _joined(
    parts: Sequence[NDArray[np.float64] | None], pieces: Sequence[_Piece]
) -> NDArray[np.float64]:
    return np.concatenate(
        [
            np.full(len(piece.pixels), np.nan) if part is None else part
            for part, piece in zip(parts, pieces, strict=True)
        ]
    )


def _read_npy(path: Path, plane: int | None) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UnavailableError(f"file {path} does not exist") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"file {path} is not a .npy image: {error}") from None
    return array if plane is None else array[plane]
