"""Documents of a small scan in every style a beamline sends, with its file.

    event      images inside events
    resource   resource and datum, as classic areaDetector classes do (AD_HDF5)
    stream     stream_resource and stream_datum, with events for the axes' readback:
               ophyd-async in a step scan
    fly        resource and datum for darks and flats, then a stream without events
               that brings the measured axes as further datasets: our flyer
    async_fly  streams without events; the axes only in monitor streams

Pixels, angles or positions, and times are all different, so that a mix-up shows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, get_args

import event_model
import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import FrameKey
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.technique import AnyScan, scan_from_start
from daiss_bluesky.testing.stages import RotationStage, ScanningStage, Stage, StageAxis

Style = Literal["event", "resource", "stream", "fly", "async_fly"]
STYLES: tuple[Style, ...] = get_args(Style)

Documents = list[tuple[str, dict[str, Any]]]
_Row = tuple[NDArray[np.uint16], tuple[float, ...], float]
"""Pixels, the axes' readbacks, time."""

IMAGE_KEY = "camera_image"
DATASET = "/entry/data/data"
ATTRIBUTES = "/entry/instrument/NDAttributes"
ATTRIBUTE_CHUNK = 16384
STARTED_S = 1.7e9


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The documents of one run, and what a consumer must make of them."""

    documents: Documents
    pixels: Mapping[FrameKey, NDArray[np.uint16]]
    measured: Mapping[FrameKey, tuple[float, ...]]
    """Of each axis, in radians or micrometers; of frames of the sample only."""
    needs: Mapping[FrameKey, frozenset[int]]
    """Which documents (places in the list) a frame cannot be found without."""
    scan: AnyScan

    @property
    def start(self) -> dict[str, Any]:
        """The start document."""
        return self.documents[0][1]


@dataclass(frozen=True, slots=True)
class RecordedScan(RecordedRun):
    """A tomography run."""

    scan: Scan
    angles_rad: Mapping[FrameKey, float]
    """Measured angles; of projections only."""


def compose_scan(
    style: Style,
    path: Path,
    *,
    n_projections: int = 5,
    n_flats: int = 2,
    n_darks: int = 2,
    frames_per_event: int = 1,
    shape: tuple[int, int] = (4, 6),
    with_angles: bool = True,
) -> RecordedScan:
    """Compose a tomography run, and write its frames to an HDF5 file at path.

    with_angles: whether the file holds the measured angles (always so for fly).
    """
    counts = {"dark": n_darks, "flat": n_flats, "primary": n_projections}
    composer = _Composer(style, path, frames_per_event, shape, counts, RotationStage())
    composer.compose(with_values=with_angles)
    return RecordedScan(
        documents=composer.documents,
        pixels=composer.pixels,
        measured=composer.measured,
        needs=composer.needs,
        scan=Scan.from_start(composer.documents[0][1]),
        angles_rad={key: values[0] for key, values in composer.measured.items()},
    )


def compose_ptychography(
    style: Style,
    path: Path,
    stage: ScanningStage | None = None,
    *,
    n_events: int = 9,
    n_darks: int = 2,
    frames_per_event: int = 1,
    shape: tuple[int, int] = (4, 6),
    with_positions: bool = True,
) -> RecordedRun:
    """Compose a ptychography run, as compose_scan does."""
    stage = stage or ScanningStage()
    counts = {"dark": n_darks, "primary": n_events}
    composer = _Composer(style, path, frames_per_event, shape, counts, stage)
    composer.compose(with_values=with_positions)
    return RecordedRun(
        documents=composer.documents,
        pixels=composer.pixels,
        measured=composer.measured,
        needs=composer.needs,
        scan=scan_from_start(composer.documents[0][1]),
    )


def paginate(documents: Iterable[tuple[str, dict[str, Any]]]) -> Documents:
    """Pack neighboring events, and neighboring datums, into pages."""
    return list(_pages(documents))


def _pages(
    documents: Iterable[tuple[str, dict[str, Any]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    def page_of(item: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        name, doc = item
        return name, doc.get("descriptor", doc.get("resource", ""))

    for (name, _), group in groupby(documents, page_of):
        docs = [doc for _, doc in group]
        if name == "event":
            yield "event_page", event_model.pack_event_page(*docs)
        elif name == "datum":
            yield "datum_page", event_model.pack_datum_page(*docs)
        else:
            yield from ((name, doc) for doc in docs)


@dataclass(slots=True)
class _Composer:
    style: Style
    path: Path
    per_event: int
    shape: tuple[int, int]
    counts: Mapping[str, int]
    stage: Stage
    documents: Documents = field(default_factory=list)
    pixels: dict[FrameKey, NDArray[np.uint16]] = field(default_factory=dict)
    measured: dict[FrameKey, tuple[float, ...]] = field(default_factory=dict)
    needs: dict[FrameKey, frozenset[int]] = field(default_factory=dict)
    _run: Any = None
    _counters: dict[str, int] = field(default_factory=dict)
    """By stream, the next event's seq_num: the RunEngine counts streamed ones too."""
    _resource: Any = None
    _resource_place: int = 0
    _events_so_far: int = 0
    """Over all streams: areaDetector's point_number, and the place in the file."""
    _rows: list[_Row] = field(default_factory=list)
    """In the order of the file."""

    def __post_init__(self) -> None:
        streams = self.stage.streams
        record = {
            "streams": streams,
            "image_key": IMAGE_KEY,
            **self.stage.record(self.counts["primary"], self.per_event),
        }
        planned = {streams[s]: k * self.per_event for s, k in self.counts.items()}
        record["counts"] = planned | record.get("counts", {})
        self._run = event_model.compose_run(
            event_counters=self._counters,
            time=STARTED_S,
            metadata={self.stage.start_key: record},
        )
        self._add("start", self._run.start_doc)

    def compose(self, *, with_values: bool) -> None:
        """Compose all streams and write the file."""
        for stream, n in self.counts.items():
            self.add_stream(stream, n)
        self._add("stop", self._run.compose_stop())
        if self.style != "event":
            self.write_file(with_values=with_values or self.style == "fly")

    def add_stream(self, stream: str, n: int) -> None:
        """Compose the documents of one stream of frames."""
        if self.style == "event":
            self._add_in_events(stream, n)
        elif self.style == "resource" or (self.style == "fly" and stream != "primary"):
            self._add_by_datum(stream, n)
        else:
            self._add_by_stream(stream, n)

    def write_file(self, *, with_values: bool) -> None:
        """Write the frames as NDFileHDF5 does."""
        with h5py.File(self.path, "w", libver="latest") as file:
            frames = np.array([row[0] for row in self._rows])
            file.create_dataset(DATASET, data=frames, chunks=(1, *self.shape))
            times = np.array([row[2] for row in self._rows])
            file[f"{ATTRIBUTES}/NDArrayTimeStamp"] = times
            for i, axis in enumerate(self.stage.axes if with_values else ()):
                name = axis.encoder if self.style == "fly" else axis.attribute
                values = np.array([row[1][i] for row in self._rows])
                file[f"{ATTRIBUTES}/{name}"] = values

    def _add(self, name: str, doc: Mapping[str, Any]) -> int:
        self.documents.append((name, dict(doc)))
        return len(self.documents) - 1

    def _descriptor(
        self, stream: str, external: str | None, axes: str | None
    ) -> tuple[Any, int]:
        image: dict[str, Any] = {
            "source": "camera",
            "dtype": "array",
            "dtype_numpy": "<u2",
            "shape": [self.per_event, *self.shape],
        }
        data_keys = {IMAGE_KEY: image}
        if external:
            image["external"] = external
        for axis in self.stage.axes if axes is not None else ():
            data_keys[axis.key] = _readback(axis)
            if axes:
                data_keys[axis.key] |= {"external": axes, "shape": [self.per_event]}
        bundle = self._run.compose_descriptor(name=stream, data_keys=data_keys)
        return bundle, self._add("descriptor", bundle.descriptor_doc)

    def _take(self, stream: str, i: int) -> _Row:
        """Make the frames of one event; its pixels are (frame, row, column)."""
        first = len(self._rows)
        values = self.stage.measured(i)
        time_s = STARTED_S + self._events_so_far
        self._events_so_far += 1
        for k in range(self.per_event):
            frame = np.arange(np.prod(self.shape), dtype=np.uint16).reshape(self.shape)
            frame += np.uint16(1000 * (first + k) % 60000)
            key = FrameKey(stream, i * self.per_event + k)
            self._rows.append((frame, values, time_s))
            self.pixels[key] = frame
            if stream == "primary":
                scaled = zip(values, self.stage.axes, strict=True)
                self.measured[key] = tuple(v * axis.factor for v, axis in scaled)
        frames = np.array([row[0] for row in self._rows[first:]])
        return frames, values, time_s

    def _readbacks(self, values: tuple[float, ...]) -> dict[str, Any]:
        keys = [axis.key for axis in self.stage.axes]
        return dict(zip(keys, values, strict=True))

    def _need(self, stream: str, i: int, *places: int) -> None:
        for k in range(self.per_event):
            key = FrameKey(stream, i * self.per_event + k)
            self.needs[key] = frozenset(places)

    def _event(self, bundle: Any, data: dict[str, Any], time_s: float) -> int:
        filled = {IMAGE_KEY: False} if isinstance(data.get(IMAGE_KEY), str) else {}
        event = bundle.compose_event(
            data=data,
            timestamps=dict.fromkeys(data, time_s),
            filled=filled,
            time=time_s,
        )
        return self._add("event", event)

    def _add_in_events(self, stream: str, n: int) -> None:
        bundle, described = self._descriptor(stream, None, "")
        for i in range(n):
            frames, values, time_s = self._take(stream, i)
            image = frames if self.per_event > 1 else frames[0]
            data = {IMAGE_KEY: image, **self._readbacks(values)}
            self._need(stream, i, described, self._event(bundle, data, time_s))

    def _add_by_datum(self, stream: str, n: int) -> None:
        if self._resource is None:
            self._resource = self._run.compose_resource(
                spec="AD_HDF5",
                root=str(self.path.parent),
                resource_path=self.path.name,
                resource_kwargs={"frame_per_point": self.per_event},
            )
            self._resource_place = self._add("resource", self._resource.resource_doc)
        bundle, described = self._descriptor(stream, "FILESTORE:", "")
        for i in range(n):
            point_number = self._events_so_far
            _, values, time_s = self._take(stream, i)
            datum = self._resource.compose_datum({"point_number": point_number})
            announced = self._add("datum", datum)
            data = {IMAGE_KEY: datum["datum_id"], **self._readbacks(values)}
            event = self._event(bundle, data, time_s)
            places = (described, self._resource_place, announced, event)
            self._need(stream, i, *places)

    def _add_by_stream(self, stream: str, n: int) -> None:
        step = self.style == "stream"
        axes = {"stream": "", "fly": "STREAM:", "async_fly": None}[self.style]
        bundle, described = self._descriptor(stream, "STREAM:", axes)
        resources = {IMAGE_KEY: self._stream_resource(IMAGE_KEY, DATASET)}
        for axis in self.stage.axes if self.style == "fly" else ():
            dataset = f"{ATTRIBUTES}/{axis.encoder}"
            resources[axis.key] = self._stream_resource(axis.key, dataset)
        place_in_file = self._events_so_far
        monitors = self._monitors(stream) if self.style == "async_fly" else {}
        for first in range(0, n, 1 if step else 2):
            stop = min(n, first + (1 if step else 2))
            announced = 0
            for key, (resource, _) in resources.items():
                doc = resource.compose_stream_datum(
                    indices={
                        "start": place_in_file + first,
                        "stop": place_in_file + stop,
                    },
                    seq_nums={"start": first + 1, "stop": stop + 1},
                    descriptor=bundle.descriptor_doc,
                )
                place = self._add("stream_datum", doc)
                announced = place if key == IMAGE_KEY else announced
            for i in range(first, stop):
                _, values, time_s = self._take(stream, i)
                readbacks = self._readbacks(values)
                self._need(stream, i, described, resources[IMAGE_KEY][1], announced)
                if step:
                    self._event(bundle, readbacks, time_s)
                for key, monitor in monitors.items():
                    self._event(monitor, {key: readbacks[key]}, time_s)

        self._counters[stream] = n + 1

    def _stream_resource(self, data_key: str, dataset: str) -> tuple[Any, int]:
        chunk_shape = (1, *self.shape) if dataset == DATASET else (ATTRIBUTE_CHUNK,)
        resource = self._run.compose_stream_resource(
            mimetype="application/x-hdf5",
            uri=f"file://localhost{self.path.as_posix()}",
            data_key=data_key,
            parameters={"dataset": dataset, "chunk_shape": chunk_shape},
        )
        return resource, self._add("stream_resource", resource.stream_resource_doc)

    def _monitors(self, stream: str) -> dict[str, Any]:
        """Describe a stream for each axis, as the RunEngine's `monitor` does."""
        bundles = {}
        for axis in self.stage.axes if stream == "primary" else ():
            bundles[axis.key] = self._run.compose_descriptor(
                name=f"{axis.key}_monitor", data_keys={axis.key: _readback(axis)}
            )
            self._add("descriptor", bundles[axis.key].descriptor_doc)
        return bundles


def _readback(axis: StageAxis) -> dict[str, Any]:
    return {"source": "stage", "dtype": "number", "shape": [], "units": axis.units}
