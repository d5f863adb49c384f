"""The ledger of projections: which came, which are in the sum, with which weight."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey

_SPARSE = 64
"""Pixels from one that is looked at first to the next."""


@dataclass(slots=True)
class Entry:
    """One projection."""

    angle_rad: float
    time_s: float
    weight: float | None = None
    """Relative weight inside the sum; None while it is not in it."""


@dataclass(slots=True)
class Ledger:
    """Counts every projection once."""

    entries: dict[FrameKey, Entry] = field(default_factory=dict)
    duplicates: int = 0
    without_angle: int = 0
    unusable: set[FrameKey] = field(default_factory=set)
    """Projections without beam, or with NaN; left out."""

    def receive(self, batch: Batch, lit: NDArray[np.bool_]) -> Batch:
        """Note projections and give those that are new and have beam and an angle."""
        fresh = np.zeros(len(batch), dtype=bool)
        usable = lit & _usable(batch.pixels)
        for i, key in enumerate(batch.keys):
            if key in self.entries:
                self.duplicates += 1
            elif not usable[i]:
                self.unusable.add(key)
            elif not np.isfinite(batch.angles_rad[i]):
                self.without_angle += 1
            else:
                angle, time = float(batch.angles_rad[i]), float(batch.times_s[i])
                self.entries[key] = Entry(angle, time)
                fresh[i] = True
        return batch if fresh.all() else batch.select(fresh)

    def refuse_nothing(self) -> None:
        """Raise InputError where no projection came that can be used, saying why."""
        if self.entries:
            return
        if bad := len(self.unusable):
            raise InputError(
                f"all {bad} projections are without beam (is the shutter open?) or"
                " hold NaN; counts are expected"
            )
        raise InputError("no projection came with the scan")

    def forget(self) -> None:
        """Begin again; only the count of repeats stays."""
        self.entries.clear()
        self.without_angle = 0
        self.unusable.clear()

    @property
    def used(self) -> list[Entry]:
        """Projections inside the sum."""
        return [entry for entry in self.entries.values() if entry.weight is not None]

    def used_arrays(
        self,
    ) -> tuple[list[FrameKey], NDArray[np.float64], NDArray[np.float64]]:
        """Give keys, angles in radians and relative weights of those in the sum."""
        pairs = [
            (key, entry.angle_rad, entry.weight)
            for key, entry in self.entries.items()
            if entry.weight is not None
        ]
        keys = [pair[0] for pair in pairs]
        angles, weights = (np.array([pair[i] for pair in pairs]) for i in (1, 2))
        return keys, angles, weights

    def newest(self) -> Entry | None:
        """Give the newest projection in the sum; the last to come where times lack."""
        used = self.used
        if not used:
            return None
        return max(reversed(used), key=lambda entry: np.nan_to_num(entry.time_s))


def _usable(pixels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell which frames have light somewhere and a finite number everywhere."""
    # Hardly any frame is dark all over: a few pixels say so of most.
    lit = np.asarray(pixels[:, ::_SPARSE, ::_SPARSE].any(axis=(1, 2)))
    dark = np.flatnonzero(~lit)
    lit[dark] = pixels[dark].any(axis=(1, 2))
    if pixels.dtype.kind == "f":
        lit &= np.isfinite(pixels).all(axis=(1, 2))
    return lit
