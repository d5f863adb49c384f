"""The axes of one run, and where their values go in references and batches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import FrameKind, FrameRef
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.technique import AnyScan
from daiss_callbacks.axes import ANGLE_UNITS, LENGTH_UNITS, MEASURED_KINDS, Axis
from daiss_callbacks.axis_track import AxisTrack, NewestTime

ROTATION_ATTRIBUTES = ("theta", "Theta", "SampleRotation", "rotation_angle")
"""NDAttributes that hold the rotation angle in degrees."""

POSITION_ATTRIBUTES = (("piezo_y", "PositionY"), ("piezo_x", "PositionX"))
"""NDAttributes that hold row and column in micrometers."""

Values = tuple[float | None, ...]
"""One for each axis."""


class RunAxes(ABC):
    """Axes of a run with their monitored tracks and the plan; one object for a run."""

    noun: ClassVar[str]
    """What a frame has, all axes together."""

    def __init__(
        self,
        axes: Sequence[Axis],
        planned: NDArray[np.float64] | None,
        sample_kind: FrameKind,
    ) -> None:
        """planned: (frame, axis), in the order of the sample stream's indices."""
        self.axes = tuple(axes)
        run = NewestTime()
        self.tracks = tuple(
            AxisTrack(
                axis.name,
                bridge=axis.steady,
                promised=bool(axis.key_attributes),
                run=run,
            )
            for axis in axes
        )
        self._planned = planned
        self._sample_kind = sample_kind

    def planned(self, kind: FrameKind, index: int, measured: Sequence[bool]) -> Values:
        """Give what the plan meant; measured: which axes documents promise to measure.

        None where the plan says nothing, or must not stand in.
        """
        planned = self._planned
        if planned is None or kind != self._sample_kind or index >= len(planned):
            return (None,) * len(self.axes)
        return tuple(
            float(value) if axis.steady or not promised else None
            for axis, value, promised in zip(
                self.axes, planned[index], measured, strict=True
            )
        )

    def complete(self, num_events: Mapping[str, int]) -> None:
        """Say that no monitored reading will come; num_events: of the stop document."""
        for track in self.tracks:
            track.complete(num_events)

    def known(self, kind: FrameKind, values: Values) -> dict[str, Any]:
        """Name the fields of a FrameRef that hold an event's readback."""
        if kind not in MEASURED_KINDS or all(value is None for value in values):
            return {}
        return self._known(values)

    @abstractmethod
    def _known(self, values: Values) -> dict[str, Any]: ...

    @abstractmethod
    def readback(self, ref: FrameRef) -> Values:
        """Take the readback out of a reference again."""

    @abstractmethod
    def fields(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Name the fields of a Batch that hold measured values (frame, axis)."""


class RotationAxes(RunAxes):
    """Tomography: the rotation, in radians."""

    noun = "angle"

    @classmethod
    def of_run(cls, scan: Scan, start: Mapping[str, Any]) -> "RotationAxes":
        """Read the names the rotation may have out of record, hints and motors."""
        names = [scan.rotation_key] if scan.rotation_key else []
        if not names:
            for fields, _ in (start.get("hints") or {}).get("dimensions") or []:
                names += list(fields)
            names += list(start.get("motors") or [])
        axis = Axis(
            name="rotation",
            title="angle",
            keys=tuple(dict.fromkeys(names)),
            units=ANGLE_UNITS,
            attributes=ROTATION_ATTRIBUTES,
        )
        angles = scan.planned_angles_rad
        planned = None if angles is None else angles[:, np.newaxis]
        return cls([axis], planned, scan.sample_kind)

    def _known(self, values: Values) -> dict[str, Any]:
        return {"angle_rad": values[0]}

    def readback(self, ref: FrameRef) -> Values:
        """Take the angle."""
        return (ref.angle_rad,)

    def fields(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Name the angles."""
        return {"angles_rad": values[:, 0]}


class PositionAxes(RunAxes):
    """Ptychography: row and column of the probe on the sample, in micrometers."""

    noun = "position"

    @classmethod
    def of_run(cls, scan: PtychographyScan) -> "PositionAxes":
        """Take the names of the record; which of two motors is the row, none else says.

        An NDAttribute of a data key's name has that data key's unit.
        """
        axes = []
        for i, name in enumerate(("row", "column")):
            key = (scan.position_keys[i],) if scan.position_keys else ()
            axis = Axis(
                name=name,
                title=f"{name} position",
                keys=(*key, *POSITION_ATTRIBUTES[i]),
                units=LENGTH_UNITS,
                attributes=POSITION_ATTRIBUTES[i],
                key_attributes=key,
                steady=False,
            )
            axes.append(axis)
        planned = scan.positions_um
        return cls(
            axes,
            None if planned is None else np.reshape(np.array(planned, float), (-1, 2)),
            scan.sample_kind,
        )

    def _known(self, values: Values) -> dict[str, Any]:
        return {"position_um": tuple(np.nan if v is None else v for v in values)}

    def readback(self, ref: FrameRef) -> Values:
        """Take the position; NaN where only one of the two is known."""
        return ref.position_um or (None, None)

    def fields(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Name the positions; a batch of these has no angles."""
        return {"angles_rad": np.full(len(values), np.nan), "positions_um": values}


def run_axes(scan: AnyScan, start: Mapping[str, Any]) -> RunAxes:
    """Give the axes of a run of either technique."""
    if isinstance(scan, PtychographyScan):
        return PositionAxes.of_run(scan)
    return RotationAxes.of_run(scan, start)
