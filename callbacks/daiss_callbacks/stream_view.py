"""A descriptor, reduced to what the assembler needs of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.technique import AnyScan
from daiss_callbacks.axes import STREAM, Axis
from daiss_callbacks.run_axes import Values

BASELINE = "baseline"
IMAGE_NDIM = 2


@dataclass(frozen=True, slots=True)
class AxisView:
    """Where one stream has the readback of one axis."""

    readback_key: str | None
    """In its events."""
    dataset_key: str | None
    """In a file, a value for each event or each frame."""
    values_per_event: int
    units: str | None
    factor: float
    """To radians or micrometers; NaN for units that are not known."""

    @property
    def key(self) -> str | None:
        """The data key, wherever its values are."""
        return self.dataset_key or self.readback_key

    @classmethod
    def from_descriptor(cls, doc: Mapping[str, Any], axis: Axis) -> "AxisView":
        """Find the axis among the data keys."""
        readback_key = axis.find_key(doc, None)
        dataset_key = axis.find_key(doc, STREAM)
        data_key = doc["data_keys"].get(dataset_key or readback_key) or {}
        return cls(
            readback_key=readback_key,
            dataset_key=dataset_key,
            values_per_event=max([1, *_shape(data_key)]),
            units=data_key.get("units"),
            factor=axis.units.factor(data_key.get("units")),
        )

    def read(self, event: Mapping[str, Any]) -> float | None:
        """Read the axis out of an event."""
        value = event["data"].get(self.readback_key)
        if isinstance(value, int | float | np.number):
            scaled = float(value) * self.factor
            return scaled if np.isfinite(scaled) else None
        return None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event says beside its image."""

    values: Values
    """One for each axis."""
    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class StreamView:
    """One stream of a run: its frames' data key and the readbacks of the axes."""

    stream: str
    kind: FrameKind | None
    """None: not a stream of frames."""
    image_key: str | None
    frames_per_event: int
    axes: tuple[AxisView, ...]
    dtype: str | None
    """Of the image, where the data key says it."""
    opened_s: float | None

    @property
    def followed(self) -> list[int]:
        """Which axes its events are monitored readings of.

        A baseline is read before and after the scan only: nothing to interpolate.
        """
        if self.kind is not None or self.stream == BASELINE:
            return []
        return [i for i, axis in enumerate(self.axes) if axis.readback_key is not None]

    @property
    def promised(self) -> list[bool]:
        """Whether its own documents bring each axis."""
        return [axis.key is not None for axis in self.axes]

    def streams(self, data_key: str) -> bool:
        """Tell whether a stream_resource's values are the image's or an axis's."""
        return data_key == self.image_key or any(
            data_key == axis.dataset_key for axis in self.axes
        )

    def read(self, event: Mapping[str, Any]) -> Reading:
        """Read an event's axes, and the time of its image."""
        values = tuple(axis.read(event) for axis in self.axes)
        return Reading(values, _time_s(event, self.image_key))

    def monitored(self, event: Mapping[str, Any]) -> Iterator[tuple[int, float, float]]:
        """Read the axes an event follows: which one, when, and its value."""
        for i in self.followed:
            value = self.axes[i].read(event)
            time_s = _time_s(event, self.axes[i].readback_key)
            if value is not None and time_s is not None:
                yield i, time_s, value

    @classmethod
    def from_descriptor(
        cls, doc: Mapping[str, Any], scan: AnyScan, axes: Sequence[Axis]
    ) -> "StreamView":
        """Choose the image among the data keys: scan.image_key, else the largest."""
        stream = doc.get("name") or "primary"
        data_keys = doc["data_keys"]
        image_key = scan.image_key
        if image_key is None:
            sizes = {key: _pixels(data_key) for key, data_key in data_keys.items()}
            image_key = max(sorted(sizes), key=sizes.__getitem__, default=None)
            if image_key is not None and not sizes[image_key]:
                image_key = None
        elif image_key not in data_keys:
            image_key = None
        image = data_keys.get(image_key) or {}
        return cls(
            stream=stream,
            kind=scan.streams.get(stream),
            image_key=image_key,
            frames_per_event=_frames(image),
            axes=tuple(AxisView.from_descriptor(doc, axis) for axis in axes),
            dtype=image.get("dtype_numpy"),
            opened_s=doc.get("time"),
        )


def _time_s(event: Mapping[str, Any], key: str | None) -> float | None:
    time_s: float | None = event["timestamps"].get(key, event["time"])
    return time_s


def _shape(data_key: Mapping[str, Any]) -> list[int]:
    return [n or 0 for n in data_key.get("shape") or []]


def _pixels(data_key: Mapping[str, Any]) -> int:
    shape = _shape(data_key)
    if len(shape) < IMAGE_NDIM:
        return 0
    # A camera that has not described itself yet says 0 × 0, and is still an image.
    return max(1, shape[-1] * shape[-2])


def _frames(data_key: Mapping[str, Any]) -> int:
    shape = _shape(data_key)
    return max(1, shape[-3]) if len(shape) > IMAGE_NDIM else 1
