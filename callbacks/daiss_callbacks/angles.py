"""Rotation angles from documents: which data key, which unit, and monitored readings.

Where a frame's angle comes from, best first: a dataset in a file (the one that
documents name as the rotation, else an NDAttribute beside the frames), the readback in
the frame's event, monitored readings interpolated at the frame's time, the plan.
"""

import threading
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.scan import Scan

AngleSource = Literal["file", "readback", "monitor", "planned", "none"]
"""`none` is right for darks and flats."""

ATTRIBUTE_NAMES = ("theta", "Theta", "SampleRotation", "rotation_angle")
"""NDAttributes that hold the rotation angle in degrees."""

STREAM = "STREAM:"

_RADIANS = {"rad": 1.0, "rads": 1.0, "radian": 1.0, "radians": 1.0, "mrad": 1e-3}


def radians_per_unit(units: str | None) -> float:
    """Give the factor from a data key's units: degrees unless they say otherwise."""
    return _RADIANS.get((units or "").strip().lower(), float(np.deg2rad(1.0)))


def rotation_names(scan: Scan, start: Mapping[str, Any]) -> list[str]:
    """List the names the rotation readback may have, best first."""
    names = [scan.rotation_key] if scan.rotation_key else []
    if not names:
        for fields, _ in (start.get("hints") or {}).get("dimensions") or []:
            names += list(fields)
        names += list(start.get("motors") or [])
    return list(dict.fromkeys(names))


def find_rotation_key(
    names: list[str], descriptor: Mapping[str, Any], external: str | None
) -> str | None:
    """Find the rotation's data key: by name, else by hinted field.

    external: "STREAM:" for one whose values are in a file, None for one in events.
    """
    data_keys = descriptor["data_keys"]
    hints = descriptor.get("hints") or {}
    for name in names:
        fields = [name, *((hints.get(name) or {}).get("fields") or [])]
        for key in fields:
            if key in data_keys and data_keys[key].get("external") == external:
                return str(key)
    return None


class RotationTrack:
    """Monitored rotation readings of one run, interpolated in time.

    Documents add to it in one thread while frames are read in another, so a reader can
    wait until the track reaches the time it asks about.
    """

    def __init__(self) -> None:
        """Begin without readings."""
        self._readings: dict[tuple[str, int], tuple[float, float]] = {}
        self._newest_s = -np.inf
        self._expected = False
        self._complete = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Count the readings, each once."""
        return len(self._readings)

    def add(self, stream: str, seq_num: int, time_s: float, angle_rad: float) -> None:
        """Take a reading; the same one again changes nothing."""
        if not (np.isfinite(time_s) and np.isfinite(angle_rad)):
            return
        with self._changed:
            self._readings.setdefault((stream, seq_num), (time_s, angle_rad))
            self._newest_s = max(self._newest_s, time_s)
            self._changed.notify_all()

    def expect(self) -> None:
        """Say that readings will come."""
        with self._changed:
            self._expected = True

    def complete(self) -> None:
        """Say that no reading will come: the last one then holds from there on."""
        with self._changed:
            self._complete = True
            self._changed.notify_all()

    def angles_at(
        self, times_s: ArrayLike, timeout_s: float
    ) -> NDArray[np.float64] | None:
        """Interpolate linearly, in radians; None for a run without readings.

        Raises UnavailableError if the readings do not reach the times within timeout_s.
        """
        times = np.asarray(times_s, dtype=np.float64)
        with self._changed:
            if not (self._expected or self._readings):
                return None
            latest = float(times.max())
            if not self._changed.wait_for(
                lambda: self._complete or self._newest_s >= latest, timeout_s
            ):
                raise UnavailableError(
                    "the monitored rotation readings did not reach the time of the"
                    f" frame ({latest:.3f} s) within {timeout_s:g} s"
                )
            if not self._readings:
                return None
            readings = np.array(sorted(self._readings.values()))
        angles: NDArray[np.float64] = np.interp(times, readings[:, 0], readings[:, 1])
        return angles
