"""Documents of a small tomography scan in every style a beamline sends, with its file.

    event      images inside events
    resource   resource and datum, as classic areaDetector classes do (AD_HDF5)
    stream     stream_resource and stream_datum, with events for the rotation readback:
               ophyd-async in a step scan
    fly        resource and datum for darks and flats, then a stream without events
               that brings the measured angle as a second dataset: our flyer
    async_fly  streams without events; the rotation only in a monitor stream

Pixels, angles and times are all different, so that a mix-up shows.
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

from daiss_bluesky.core.frames import FrameKey, FrameKind
from daiss_bluesky.core.scan import START_KEY, Scan

Style = Literal["event", "resource", "stream", "fly", "async_fly"]
STYLES: tuple[Style, ...] = get_args(Style)

Documents = list[tuple[str, dict[str, Any]]]

IMAGE_KEY = "camera_image"
ROTATION_KEY = "rotation"
MONITOR = "rotation_monitor"
DATASET = "/entry/data/data"
ATTRIBUTES = "/entry/instrument/NDAttributes"
ATTRIBUTE_CHUNK = 16384
FLY_ANGLE = "encoder"
"""A name that only the documents of the style `fly` tell."""

STEP_DEG = 10.0
READBACK_DEG = 0.25
"""Measured angles are this far from the planned ones."""
STARTED_S = 1.7e9

_STREAMS: dict[str, FrameKind] = {
    "dark": "dark",
    "flat": "flat",
    "primary": "projection",
}


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """The documents of one run, and what a consumer must make of them."""

    scan: Scan
    documents: Documents
    pixels: Mapping[FrameKey, NDArray[np.uint16]]
    angles_rad: Mapping[FrameKey, float]
    """Measured angles; of projections only."""
    needs: Mapping[FrameKey, frozenset[int]]
    """Which documents (places in the list) a frame cannot be found without."""

    @property
    def start(self) -> dict[str, Any]:
        """The start document."""
        return self.documents[0][1]


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
    """Compose a run, and write its frames to an HDF5 file at path.

    with_angles: whether the file holds the measured angles (always so for fly).
    """
    counts = {"dark": n_darks, "flat": n_flats, "primary": n_projections}
    composer = _Composer(style, path, frames_per_event, shape, counts)
    for stream, n in counts.items():
        composer.add_stream(stream, n)
    composer.finish()
    if style != "event":
        composer.write_file(with_angles=with_angles or style == "fly")
    return RecordedScan(
        scan=Scan.from_start(composer.documents[0][1]),
        documents=composer.documents,
        pixels=composer.pixels,
        angles_rad=composer.angles_rad,
        needs=composer.needs,
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
    documents: Documents = field(default_factory=list)
    pixels: dict[FrameKey, NDArray[np.uint16]] = field(default_factory=dict)
    angles_rad: dict[FrameKey, float] = field(default_factory=dict)
    needs: dict[FrameKey, frozenset[int]] = field(default_factory=dict)
    _run: Any = None
    _resource: Any = None
    _resource_place: int = 0
    _events_so_far: int = 0
    """Over all streams: areaDetector's point_number, and the place in the file."""
    _rows: list[tuple[NDArray[np.uint16], float, float]] = field(default_factory=list)
    """Frame, angle in degrees and time, in the order of the file."""

    def __post_init__(self) -> None:
        n = self.counts["primary"] * self.per_event
        record = {
            "streams": _STREAMS,
            "counts": {_STREAMS[s]: k * self.per_event for s, k in self.counts.items()},
            "angles_deg": [STEP_DEG * (i // self.per_event) for i in range(n)],
            "rotation_key": ROTATION_KEY,
            "image_key": IMAGE_KEY,
        }
        self._run = event_model.compose_run(
            time=STARTED_S, metadata={START_KEY: record}
        )
        self._add("start", self._run.start_doc)

    def add_stream(self, stream: str, n: int) -> None:
        """Compose the documents of one stream of frames."""
        if self.style == "event":
            self._add_in_events(stream, n)
        elif self.style == "resource" or (self.style == "fly" and stream != "primary"):
            self._add_by_datum(stream, n)
        else:
            self._add_by_stream(stream, n)

    def finish(self) -> None:
        """Compose the stop document."""
        self._add("stop", self._run.compose_stop())

    def write_file(self, *, with_angles: bool) -> None:
        """Write the frames as NDFileHDF5 does."""
        with h5py.File(self.path, "w", libver="latest") as file:
            frames = np.array([row[0] for row in self._rows])
            file.create_dataset(DATASET, data=frames, chunks=(1, *self.shape))
            times = np.array([row[2] for row in self._rows])
            file[f"{ATTRIBUTES}/NDArrayTimeStamp"] = times
            if with_angles:
                angles = np.array([row[1] for row in self._rows])
                file[
                    f"{ATTRIBUTES}/{'theta' if self.style != 'fly' else FLY_ANGLE}"
                ] = angles

    def _add(self, name: str, doc: Mapping[str, Any]) -> int:
        self.documents.append((name, dict(doc)))
        return len(self.documents) - 1

    def _descriptor(
        self, stream: str, external: str | None, rotation: str | None
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
        if rotation is not None:
            data_keys[ROTATION_KEY] = {
                "source": "stage",
                "dtype": "number",
                "shape": [],
                "units": "deg",
            }
        if rotation:
            data_keys[ROTATION_KEY]["external"] = rotation
            data_keys[ROTATION_KEY]["shape"] = [self.per_event]
        bundle = self._run.compose_descriptor(name=stream, data_keys=data_keys)
        return bundle, self._add("descriptor", bundle.descriptor_doc)

    def _take(self, stream: str, i: int) -> tuple[NDArray[np.uint16], float, float]:
        """Make the frames of one event: pixels, angle in degrees, time."""
        first = len(self._rows)
        angle_deg = STEP_DEG * i + READBACK_DEG
        time_s = STARTED_S + self._events_so_far
        self._events_so_far += 1
        for k in range(self.per_event):
            frame = np.arange(np.prod(self.shape), dtype=np.uint16).reshape(self.shape)
            frame += np.uint16(1000 * (first + k) % 60000)
            key = FrameKey(stream, i * self.per_event + k)
            self._rows.append((frame, angle_deg, time_s))
            self.pixels[key] = frame
            if stream == "primary":
                self.angles_rad[key] = float(np.deg2rad(angle_deg))
        frames = np.array([row[0] for row in self._rows[first:]])
        return frames, angle_deg, time_s

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
            frames, angle_deg, time_s = self._take(stream, i)
            image = frames if self.per_event > 1 else frames[0]
            data = {IMAGE_KEY: image, ROTATION_KEY: angle_deg}
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
            _, angle_deg, time_s = self._take(stream, i)
            datum = self._resource.compose_datum({"point_number": point_number})
            announced = self._add("datum", datum)
            data = {IMAGE_KEY: datum["datum_id"], ROTATION_KEY: angle_deg}
            event = self._event(bundle, data, time_s)
            places = (described, self._resource_place, announced, event)
            self._need(stream, i, *places)

    def _add_by_stream(self, stream: str, n: int) -> None:
        step = self.style == "stream"
        rotation = {"stream": "", "fly": "STREAM:", "async_fly": None}[self.style]
        bundle, described = self._descriptor(stream, "STREAM:", rotation)
        resources = {IMAGE_KEY: self._stream_resource(IMAGE_KEY, DATASET)}
        if self.style == "fly":
            dataset = f"{ATTRIBUTES}/{FLY_ANGLE}"
            resources[ROTATION_KEY] = self._stream_resource(ROTATION_KEY, dataset)
        place_in_file = self._events_so_far
        monitor = self._monitor(stream) if self.style == "async_fly" else None
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
                _, angle_deg, time_s = self._take(stream, i)
                self._need(stream, i, described, resources[IMAGE_KEY][1], announced)
                if step:
                    self._event(bundle, {ROTATION_KEY: angle_deg}, time_s)
                if monitor is not None:
                    self._event(monitor, {ROTATION_KEY: angle_deg}, time_s)

    def _stream_resource(self, data_key: str, dataset: str) -> tuple[Any, int]:
        chunk_shape = (1, *self.shape) if dataset == DATASET else (ATTRIBUTE_CHUNK,)
        resource = self._run.compose_stream_resource(
            mimetype="application/x-hdf5",
            uri=f"file://localhost{self.path.as_posix()}",
            data_key=data_key,
            parameters={"dataset": dataset, "chunk_shape": chunk_shape},
        )
        return resource, self._add("stream_resource", resource.stream_resource_doc)

    def _monitor(self, stream: str) -> Any:
        if stream != "primary":
            return None
        data_key = {"source": "stage", "dtype": "number", "shape": [], "units": "deg"}
        bundle = self._run.compose_descriptor(
            name=MONITOR, data_keys={ROTATION_KEY: data_key}
        )
        self._add("descriptor", bundle.descriptor_doc)
        return bundle
