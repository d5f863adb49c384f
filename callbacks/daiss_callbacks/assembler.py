"""Documents of one run to frames, each exactly once, in whatever order they come."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from event_model import unpack_datum_page, unpack_event_page
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKey, FrameKind, FrameRef
from daiss_bluesky.core.technique import AnyScan
from daiss_callbacks import assets
from daiss_callbacks.axes import MEASURED_KINDS
from daiss_callbacks.frame_count import FrameCount
from daiss_callbacks.locations import (
    AxisLocation,
    EventImage,
    ImageLocation,
    InMemory,
    KeptArray,
    Location,
)
from daiss_callbacks.run_axes import run_axes
from daiss_callbacks.stream_view import Reading, StreamView

Document = Mapping[str, Any]

RANGE_BITS = 40
"""More frames than any stream has, as a power of two."""


class FrameAssembler:
    """Turns the documents of one run into frames; no input or output of its own.

    A document that needs another one waits for it. A frame's index is its event's
    place in its stream (seq_num - 1, times the frames of one event), whatever its place
    in the file. Used from one thread; the axes' tracks may be read from others.
    """

    def __init__(
        self,
        scan: AnyScan,
        start: Document,
        keep: Callable[[NDArray[Any]], KeptArray] = InMemory,
    ) -> None:
        """Begin a run; `keep` takes over each image that comes inside an event."""
        self.scan = scan
        self.axes = run_axes(scan, start)
        self._count = FrameCount(scan)
        self._keep = keep
        self._started_s = start.get("time")
        self._views: dict[str, StreamView] = {}
        self._resources: dict[str, Document] = {}
        self._datums: dict[str, Document] = {}
        self._stream_resources: dict[str, Document] = {}
        self._waiting: dict[tuple[str, str], list[tuple[str, Document]]] = {}
        self._datum_waits: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self._readings: dict[tuple[str, int], Reading] = {}
        self._named: dict[tuple[str, int], dict[int, list[AxisLocation]]] = {}
        self._held: dict[tuple[str, int], tuple[StreamView, list[ImageLocation]]] = {}
        self._per_event: dict[str, int] = {}
        """How many frames the first event of each stream had."""
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
            f"the frames of event {seq_num} of stream {stream!r} wait for their"
            f" {self.axes.noun}"
            for stream, seq_num in self._held
        ]
        return waits + [f"{text} ({n} times)" for text, n in self._problems.items()]

    # Documents

    def _descriptor(self, doc: Document) -> None:
        if doc["uid"] in self._views:
            return
        view = StreamView.from_descriptor(doc, self.scan, self.axes.axes)
        self._views[doc["uid"]] = view
        self._note_axes(view)
        self._resume("descriptor", doc["uid"])

    def _note_axes(self, view: StreamView) -> None:
        """Tell the tracks which unit their axis has, and whether readings will come."""
        for axis, track, found in zip(
            self.axes.axes, self.axes.tracks, view.axes, strict=True
        ):
            if np.isnan(found.factor):
                known = ", ".join(axis.units.factors)
                self._problems[
                    f"{axis.name} {found.key!r} of stream {view.stream!r} has unknown"
                    f" units {found.units!r} (known: {known})"
                ] += 1
            elif found.key is not None and track.key_factor is None:
                track.key_factor = found.factor
            if found.key is not None and view.kind in MEASURED_KINDS:
                track.need_none()
        for i in view.followed:
            self.axes.tracks[i].expect(view.stream)

    def _event_page(self, page: Document) -> None:
        for event in unpack_event_page(page):
            self._event(event)

    def _event(self, doc: Document) -> None:
        view = self._views.get(doc["descriptor"])
        if view is None:
            self._wait("descriptor", doc["descriptor"], "event", doc)
            return
        seq_num = int(doc["seq_num"])
        for i, time_s, value in view.monitored(doc):
            self.axes.tracks[i].add(view.stream, seq_num, time_s, value)
        if view.kind is None or view.image_key is None:
            return
        self._readings.setdefault((view.stream, seq_num), view.read(doc))
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
        data_key = resource["data_key"]
        if view.kind is None or not view.streams(data_key):
            return
        seq_nums, indices = doc["seq_nums"], doc["indices"]
        problem = assets.stream_resource_problem(resource)
        n = indices["stop"] - indices["start"]
        if seq_nums["stop"] - seq_nums["start"] != n or seq_nums["start"] < 1:
            problem = f"a stream_datum has seq_nums {seq_nums} for indices {indices}"
        if problem:
            self._problems[problem] += 1
            return
        is_image = data_key == view.image_key
        take = self._streamed_image if is_image else self._streamed_values
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

    def _streamed_values(
        self, view: StreamView, resource: Document, seq_num: int, index: int
    ) -> None:
        named = self._named.setdefault((view.stream, seq_num), {})
        for i, axis in enumerate(view.axes):
            if axis.dataset_key == resource["data_key"] and i not in named:
                n = view.frames_per_event
                named[i] = assets.stream_values(resource, index, axis, n)
        self._release(view, seq_num)

    def _release(self, view: StreamView, seq_num: int) -> None:
        """Let a streamed frame go once the axes that documents promise are known.

        Else its values would depend on which of the documents came first.
        """
        key = view.stream, seq_num
        named = self._named.get(key, {})
        waits = any(
            (axis.readback_key and key not in self._readings)
            or (axis.dataset_key and i not in named)
            for i, axis in enumerate(view.axes)
        )
        if not waits and key in self._held:
            self._emit(*self._held.pop(key), seq_num)

    def _stop(self, doc: Document) -> None:
        """Let frames go whose readback never came: the file may still know it."""
        self._num_events = doc.get("num_events") or {}
        self.axes.complete(self._num_events)
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
        nothing: tuple[None, ...] = (None,) * len(view.axes)
        event = view.stream, seq_num
        reading = self._readings.get(event, Reading(nothing))
        named = self._named.get(event, {}) if kind in MEASURED_KINDS else {}
        axes = range(len(view.axes))
        first = self._first_index(view.stream, seq_num, len(images))
        for index, image in enumerate(images, first):
            k = index - first
            location = Location(
                image,
                axes=self.axes,
                named=tuple(named[i][k] if i in named else None for i in axes),
                planned=self.axes.planned(kind, index, view.promised),
                opened_s=view.opened_s,
                started_s=self._started_s,
            )
            known = self.axes.known(kind, reading.values)
            key = FrameKey(view.stream, index)
            self._out.append(
                FrameRef(key, kind, location, time_s=reading.time_s, **known)
            )
            self._count.received[kind] += 1

    def _first_index(self, stream: str, seq_num: int, n: int) -> int:
        """Give the index of the first of an event's n frames.

        Events with other numbers of frames than the first of their stream, as of a
        camera that was set anew in mid-run, count in a range of their own: two frames
        of one index would be taken for one.
        """
        usual = self._per_event.setdefault(stream, n)
        return (seq_num - 1) * n + (0 if n == usual else n << RANGE_BITS)


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
