"""A descriptor, reduced to what the assembler needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.scan import Scan
from daiss_callbacks.angles import STREAM, find_rotation_key, radians_per_unit

BASELINE = "baseline"
IMAGE_NDIM = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event says beside its image."""

    angle_rad: float | None = None
    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class StreamView:
    """One stream of a run: its frames' data key and its rotation readback."""

    stream: str
    kind: FrameKind | None
    """None: not a stream of frames."""
    image_key: str | None
    frames_per_event: int
    rotation_key: str | None
    """The readback in its events."""
    angle_key: str | None
    """The rotation in a file, a value for each event or each frame."""
    angles_per_event: int
    radians_per_unit: float
    dtype: str | None
    """Of the image, where the data key says it."""
    opened_s: float | None

    @property
    def follows_rotation(self) -> bool:
        """Whether its events are monitored rotation readings.

        A baseline is read before and after the scan only: nothing to interpolate.
        """
        return (
            self.kind is None
            and self.rotation_key is not None
            and self.stream != BASELINE
        )

    def read(self, event: Mapping[str, Any]) -> Reading:
        """Read an event's rotation, and the time of its image or of the rotation."""
        value = event["data"].get(self.rotation_key)
        angle = None
        if isinstance(value, int | float | np.number) and np.isfinite(value):
            angle = float(value) * self.radians_per_unit
        key = self.rotation_key if self.follows_rotation else self.image_key
        return Reading(angle, event["timestamps"].get(key, event["time"]))

    @classmethod
    def from_descriptor(
        cls, doc: Mapping[str, Any], scan: Scan, rotation_names: list[str]
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
        rotation_key = find_rotation_key(rotation_names, doc, None)
        angle_key = find_rotation_key(rotation_names, doc, STREAM)
        angle = data_keys.get(angle_key or rotation_key) or {}
        return cls(
            stream=stream,
            kind=scan.streams.get(stream),
            image_key=image_key,
            frames_per_event=_frames(image),
            rotation_key=rotation_key,
            angle_key=angle_key,
            angles_per_event=max(1, *_shape(angle)) if _shape(angle) else 1,
            radians_per_unit=radians_per_unit(angle.get("units")),
            dtype=image.get("dtype_numpy"),
            opened_s=doc.get("time"),
        )


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
