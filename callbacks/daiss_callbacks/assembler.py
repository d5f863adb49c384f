"""Documents of one run to frames, each exactly once, in whatever order they come."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from event_model import unpack_datum_page, unpack_event_page
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKey, FrameKind, FrameRef
from daiss_bluesky.core.scan import Scan
from daiss_callbacks import assets
from daiss_callbacks.angles import RotationTrack, rotation_names
from daiss_callbacks.frame_count import FrameCount
from daiss_callbacks.locations import (
    AngleLocation,
    EventImage,
    ImageLocation,
    InMemory,
    KeptArray,
    Location,
)
from daiss_callbacks.stream_view import Reading, StreamView

Document = Mapping[str, Any]


class FrameAssembler:
    """Turns the documents of one run into frames; no input or output of its own.

    A document that needs another one waits for it. A frame's index is its event's
    place in its stream (seq_num - 1, times the frames of one event), whatever its place
    in the file. Used from one thread; the rotation track may be read from others.
    """

    def __init__(
        self,
        scan: Scan,
        start: Document,
        keep: Callable[[NDArray[Any]], KeptArray] = InMemory,
    ) -> None:
        """Begin a run; `keep` takes over each image that comes inside an event."""
        self.scan = scan
        self.track = RotationTrack()
        self._count = FrameCount(scan)
        self._keep = keep
        self._started_s = start.get("time")
        self._rotation_names = rotation_names(scan, start)
        self._planned = scan.planned_angles_rad
        self._views: dict[str, StreamView] = {}
        self._resources: dict[str, Document] = {}
        self._datums: dict[str, Document] = {}
        self._stream_resources: dict[str, Document] = {}
        self._waiting: dict[tuple[str, str], list[tuple[str, Document]]] = {}
        self._datum_waits: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self._readings: dict[tuple[str, int], Reading] = {}
        self._angles: dict[tuple[str, int], list[AngleLocation]] = {}
        self._held: dict[tuple[str, int], tuple[StreamView, list[ImageLocation]]] = {}
        self._problems: Counter[str] = Counter()
        self._num_events: Mapping[str, int] = {}
        self._out: list[FrameRef] = []

    def __call__(self, name: str, doc: Document) -> list[FrameRef]:
        """Take a document; give the frames that are now known and were not before."""
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, doc)
        out, self._out = self._out, []
        return out

    @property
    def duplicates(self) -> int:
        """Announcements of frames (events, indices) that came again."""
        return self._count.duplicates

    @property
    def received(self) -> Mapping[FrameKind, int]:
        """Frames announced and located, by kind."""
        return self._count.received

    def expected(self) -> dict[FrameKind, int]:
        """Count the frames to come, by kind, as the plan or the stop document says."""
        return self._count.expected(self._views.values(), self._num_events)

    def missing(self) -> dict[FrameKind, int]:
        """Count the frames that were to come and have not, by kind, zeros left out."""
        gaps = {kind: n - self.received[kind] for kind, n in self.expected().items()}
        return {kind: n for kind, n in gaps.items() if n > 0}

    def unresolved(self) -> list[str]:
        """Say in sentences what still waits for what, and what cannot be read."""
        waits = [
            f"{len(docs)} {docs[0][0]} documents wait for {what} {uid!r}"
            for (what, uid), docs in self._waiting.items()
        ]
        waits += [
            f"{len(frames)} events wait for {what} {uid!r}"
            for (what, uid), frames in self._datum_waits.items()
        ]
        waits += [
            f"the frames of event {seq_num} of stream {stream!r} wait for their angle"
            for stream, seq_num in self._held
        ]
        return waits + [f"{text} ({n} times)" for text, n in self._problems.items()]

    # Documents

    def _descriptor(self, doc: Document) -> None:
        view = StreamView.from_descriptor(doc, self.scan, self._rotation_names)
        self._views.setdefault(doc["uid"], view)
        if view.follows_rotation:
            self.track.expect()
        self._resume("descriptor", doc["uid"])

    def _event_page(self, page: Document) -> None:
        for event in unpack_event_page(page):
            self._event(event)

    def _event(self, doc: Document) -> None:
        view = self._views.get(doc["descriptor"])
        if view is None:
            self._wait("descriptor", doc["descriptor"], "event", doc)
            return
        seq_num = int(doc["seq_num"])
        reading = view.read(doc)
        if view.follows_rotation:
            if reading.angle_rad is not None and reading.time_s is not None:
                self.track.add(view.stream, seq_num, reading.time_s, reading.angle_rad)
            return
        if view.kind is None or view.image_key is None:
            return
        self._readings.setdefault((view.stream, seq_num), reading)
        if view.image_key in doc["data"]:
            self._event_with_image(view, seq_num, doc["data"][view.image_key])
        self._release(view, seq_num)

    def _event_with_image(self, view: StreamView, seq_num: int, value: Any) -> None:
        if not self._count.announce(view.stream, seq_num):
            return
        if isinstance(value, str):
            self._locate_datum(view, seq_num, value)
            return
        planes = assets.event_images(value, view.dtype)
        if planes is None:
            self._problems[
                f"image {view.image_key!r} of stream {view.stream!r} is not an array of"
                " numbers (row, column) or (frame, row, column)"
            ] += 1
            return
        self._emit(view, [EventImage(self._keep(plane)) for plane in planes], seq_num)

    def _locate_datum(self, view: StreamView, seq_num: int, datum_id: str) -> None:
        datum = self._datums.get(datum_id)
        resource = self._resources.get(datum["resource"]) if datum else None
        if datum is None or resource is None:
            missing = ("resource", datum["resource"]) if datum else ("datum", datum_id)
            self._datum_waits.setdefault(missing, []).append(
                lambda: self._locate_datum(view, seq_num, datum_id)
            )
            return
        problem = assets.resource_problem(resource)
        if problem:
            self._problems[problem] += 1
            return
        images = assets.datum_images(resource, datum, view.frames_per_event)
        self._emit(view, images, seq_num)

    def _resource(self, doc: Document) -> None:
        self._resources.setdefault(doc["uid"], doc)
        self._resume("resource", doc["uid"])

    def _datum_page(self, page: Document) -> None:
        for datum in unpack_datum_page(page):
            self._datum(datum)

    def _datum(self, doc: Document) -> None:
        self._datums.setdefault(doc["datum_id"], doc)
        self._resume("datum", doc["datum_id"])

    def _stream_resource(self, doc: Document) -> None:
        self._stream_resources.setdefault(doc["uid"], doc)
        self._resume("stream_resource", doc["uid"])

    def _stream_datum(self, doc: Document) -> None:
        view = self._views.get(doc["descriptor"])
        if view is None:
            self._wait("descriptor", doc["descriptor"], "stream_datum", doc)
            return
        resource = self._stream_resources.get(doc["stream_resource"])
        if resource is None:
            self._wait("stream_resource", doc["stream_resource"], "stream_datum", doc)
            return
        is_image = resource["data_key"] == view.image_key
        if view.kind is None or not (
            is_image or resource["data_key"] == view.angle_key
        ):
            return
        seq_nums, indices = doc["seq_nums"], doc["indices"]
        problem = assets.stream_resource_problem(resource)
        n = indices["stop"] - indices["start"]
        if seq_nums["stop"] - seq_nums["start"] != n or seq_nums["start"] < 1:
            problem = f"a stream_datum has seq_nums {seq_nums} for indices {indices}"
        if problem:
            self._problems[problem] += 1
            return
        take = self._streamed_image if is_image else self._streamed_angle
        for k in range(n):
            take(view, resource, seq_nums["start"] + k, indices["start"] + k)

    def _streamed_image(
        self, view: StreamView, resource: Document, seq_num: int, index: int
    ) -> None:
        if not self._count.announce(view.stream, seq_num):
            return
        images = assets.stream_images(resource, index, view.frames_per_event)
        self._held[view.stream, seq_num] = (view, images)
        self._release(view, seq_num)

    def _streamed_angle(
        self, view: StreamView, resource: Document, seq_num: int, index: int
    ) -> None:
        angles = assets.stream_angles(resource, index, view)
        self._angles.setdefault((view.stream, seq_num), angles)
        self._release(view, seq_num)

    def _release(self, view: StreamView, seq_num: int) -> None:
        """Let a streamed frame go once the angle that documents promise is known.

        Else its angle would depend on which of the two documents came first.
        """
        key = view.stream, seq_num
        waits = (view.rotation_key and key not in self._readings) or (
            view.angle_key and key not in self._angles
        )
        if not waits and key in self._held:
            self._emit(*self._held.pop(key), seq_num)

    def _stop(self, doc: Document) -> None:
        """Let frames go whose angle never came: the file may still know it."""
        self._num_events = doc.get("num_events") or {}
        self.track.complete()
        for (_, seq_num), held in self._held.items():
            self._emit(*held, seq_num)
        self._held.clear()

    # Bookkeeping

    def _wait(self, what: str, uid: str, name: str, doc: Document) -> None:
        self._waiting.setdefault((what, uid), []).append((name, doc))

    def _resume(self, what: str, uid: str) -> None:
        for name, doc in self._waiting.pop((what, uid), []):
            _HANDLERS[name](self, doc)
        for locate in self._datum_waits.pop((what, uid), []):
            locate()

    def _emit(
        self, view: StreamView, images: list[ImageLocation], seq_num: int
    ) -> None:
        kind = view.kind
        if kind is None:
            raise InputError(f"stream {view.stream!r} is not one of frames")
        reading = self._readings.get((view.stream, seq_num), Reading(None, None))
        measured = kind in {"projection", "pair"}
        angles = self._angles.get((view.stream, seq_num)) if measured else None
        for k, image in enumerate(images):
            index = (seq_num - 1) * len(images) + k
            location = Location(
                image,
                angle=angles[k] if angles else None,
                planned_rad=self._planned_rad(index) if kind == "projection" else None,
                opened_s=view.opened_s,
                started_s=self._started_s,
                track=self.track if measured else None,
            )
            angle = reading.angle_rad if measured else None
            key = FrameKey(view.stream, index)
            self._out.append(FrameRef(key, kind, location, angle, reading.time_s))
            self._count.received[kind] += 1

    def _planned_rad(self, index: int) -> float | None:
        if self._planned is None or index >= len(self._planned):
            return None
        return float(self._planned[index])


_HANDLERS: dict[str, Callable[[FrameAssembler, Document], None]] = {
    name: getattr(FrameAssembler, f"_{name}")
    for name in (
        "descriptor",
        "event",
        "event_page",
        "resource",
        "datum",
        "datum_page",
        "stream_resource",
        "stream_datum",
        "stop",
    )
}
