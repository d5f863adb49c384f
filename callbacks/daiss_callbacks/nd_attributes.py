"""What areaDetector wrote beside the frames: axis values and times, one a frame."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_callbacks.hdf5_follower import Hdf5Follower

GROUPS = ("/entry/instrument/NDAttributes", "/entry/instrument/detector/NDAttributes")
"""Where NDFileHDF5's default layouts, new and old, put the attributes."""

EPICS_EPOCH_S = 631152000.0
"""1990-01-01 in seconds since the Unix epoch; EPICS clocks count from there."""

PLAUSIBLE_S = 7 * 86400.0
"""A clock further than this from the run's start counts from its own switching on."""


def read_values(
    follower: Hdf5Follower, factors: Mapping[str, float], start: int, stop: int
) -> NDArray[np.float64] | None:
    """Read an axis for frames start to stop; None where the file does not have it.

    factors: from the unit of each attribute that may hold it, best first.
    """
    for name, factor in factors.items():
        values = _read_first(follower, (name,), start, stop)
        if values is not None:
            return values * factor
    return None


def read_times_s(
    follower: Hdf5Follower, start: int, stop: int, near_s: float | None
) -> NDArray[np.float64] | None:
    """Read times of frames start to stop, in seconds since the Unix epoch.

    Detectors count from 1970 or, as EPICS does, from 1990: the epoch is the one that
    puts the frames near the start of the run. None where no clock does.
    """
    times = _read_first(follower, ("NDArrayTimeStamp",), start, stop)
    if times is not None and (known := _from_unix_epoch(times, near_s)) is not None:
        return known
    seconds = _read_first(follower, ("NDArrayEpicsTSSec",), start, stop)
    fraction = _read_first(follower, ("NDArrayEpicsTSnSec",), start, stop)
    if seconds is None or fraction is None:
        return None
    return _from_unix_epoch(seconds + 1e-9 * fraction, near_s)


def _from_unix_epoch(
    times: NDArray[np.float64], near_s: float | None
) -> NDArray[np.float64] | None:
    if near_s is None or not np.isfinite(times).all():
        return None
    for offset in (0.0, EPICS_EPOCH_S):
        if np.abs(times + offset - near_s).max() <= PLAUSIBLE_S:
            return times + offset
    return None


def _read_first(
    follower: Hdf5Follower, names: Sequence[str], start: int, stop: int
) -> NDArray[np.float64] | None:
    for name in names:
        for group in GROUPS:
            values: NDArray[Any] | None = follower.read_if_present(
                f"{group}/{name}", start, stop
            )
            if values is not None and values.ndim == 1 and values.dtype.kind in "fiu":
                return values.astype(np.float64)
    return None
