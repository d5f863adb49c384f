"""Darks and flats of a scan as they arrive, and what the correction makes of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.beam import Beam
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.kernels.correction import NO_DEAD, Fields, find_dead

MAX_FLAT_SUMS = 16
"""Sums of flats kept apart; beyond, the two nearest in time are added up."""

_GAP = 5.0
"""Flats this many usual intervals apart belong to different groups ..."""

_SHORTEST_GAP_S = 2.0
"""... unless it is less than this: a stall of the camera, not a scan in between."""

_DARK_SHARE = 0.2
"""Of its own spread: a flat less bright than this shows noise and no beam."""

_SATURATED_SHARE = 0.5
_FULL_SCALES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16, 32))


@dataclass(slots=True, eq=False)
class _Sum:
    """Flats added up, consecutive in time."""

    total: NDArray[np.float64]
    count: int
    first_s: float
    last_s: float

    def add(self, other: "_Sum") -> None:
        """Take in flats that follow, or lie in between."""
        self.total += other.total
        self.count += other.count
        self.last_s = max(self.last_s, other.last_s)

    @property
    def middle_s(self) -> float:
        """Time the mean stands for."""
        return (self.first_s + self.last_s) / 2


class FieldCollector:
    """Gathers darks and flats; counts every frame once, however often it comes."""

    def __init__(self, *, dark_level: float | None, repair_dead: bool) -> None:
        self._dark_level = dark_level
        self._repair_dead = repair_dead
        self._keys: set[FrameKey] = set()
        self._dark_total: NDArray[np.float64] | None = None
        self._dark_count = 0
        self._flats: list[_Sum] = []
        self._flat_times_s: list[float] = []
        self._beam: Beam | None = None
        self.version = 0
        """Changes whenever the fields do."""

    def add(self, batch: Batch) -> None:
        """Take in darks or flats; refuses saturated ones and NaN with the figures."""
        for i, key in enumerate(batch.keys):
            if key in self._keys:
                continue
            frame = batch.pixels[i]
            _refuse_nan(frame, batch.kind, key)
            if batch.kind == "dark":
                self._add_dark(frame)
            else:
                _refuse_saturated(frame, key)
                self._add_flat(frame, float(np.nan_to_num(batch.times_s[i])))
            self._keys.add(key)
            self.version += 1
            self._beam = None

    def _add_dark(self, frame: NDArray[Any]) -> None:
        if self._dark_total is None:
            self._dark_total = np.zeros(frame.shape)
        self._dark_total += frame
        self._dark_count += 1

    def _add_flat(self, frame: NDArray[Any], time_s: float) -> None:
        self._flats.append(_Sum(frame.astype(np.float64), 1, time_s, time_s))
        self._flats.sort(key=lambda flat: flat.first_s)
        self._flat_times_s.append(time_s)
        if len(self._flats) > MAX_FLAT_SUMS:
            gaps = [
                after.first_s - before.last_s
                for before, after in zip(self._flats, self._flats[1:], strict=False)
            ]
            nearest = int(np.argmin(gaps))
            self._flats[nearest].add(self._flats.pop(nearest + 1))

    def lit(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which projections were taken with beam; all, before there are fields."""
        if self.missing():
            return np.ones(len(pixels), bool)
        if self._beam is None:
            flats = [one.total / one.count for one in self._flats]
            self._beam = Beam.of(self._dark(), np.mean(flats, axis=0))
        return self._beam.lit(pixels)

    def missing(self) -> str | None:
        """Name what the correction still needs, or None."""
        if not self._flats:
            return "flat field"
        if self._dark_total is None and self._dark_level is None:
            return "dark field"
        return None

    def fields(self) -> Fields:
        """Average what has come; raises InputError if it makes no correction."""
        if missing := self.missing():
            hint = "" if missing == "flat field" else " (or set dark_level)"
            raise InputError(
                f"no {missing} came with the scan, which the correction needs{hint}"
            )
        groups = self._groups()
        dark = self._dark()
        bright = [(group.total / group.count) - dark for group in groups]
        for group, gain in zip(groups, bright, strict=True):
            if gain.mean() <= _DARK_SHARE * gain.std():
                raise InputError(
                    f"the flat field (mean {np.mean(group.total / group.count):g}) is"
                    f" not brighter than the dark field (mean {np.mean(dark):g})"
                )
        gains = np.stack(bright).astype(np.float32)
        return Fields(
            dark=dark.astype(np.float32),
            gains=gains,
            times_s=np.array([group.middle_s for group in groups]),
            dead=find_dead(gains) if self._repair_dead else NO_DEAD,
        )

    def _dark(self) -> NDArray[np.float64]:
        if self._dark_total is not None:
            return self._dark_total / self._dark_count
        return np.full(self._flats[0].total.shape, self._dark_level or 0.0)

    def _groups(self) -> list[_Sum]:
        """Add up flats that were taken in a row, split where time was left between."""
        gap_s = max(_GAP * _usual_interval(self._flat_times_s), _SHORTEST_GAP_S)
        groups: list[_Sum] = []
        for flat in self._flats:
            if groups and flat.first_s - groups[-1].last_s <= gap_s:
                groups[-1].add(flat)
            else:
                groups.append(
                    _Sum(flat.total.copy(), flat.count, flat.first_s, flat.last_s)
                )
        return groups


def _usual_interval(times_s: list[float]) -> float:
    """Take the lower median of the intervals; a second where there is only one."""
    gaps = np.diff(np.sort(times_s))
    if gaps.size < 2:  # noqa: PLR2004
        return 1.0
    return float(np.sort(gaps)[(gaps.size - 1) // 2])


def _refuse_nan(frame: NDArray[Any], kind: str, key: FrameKey) -> None:
    bad = np.count_nonzero(~np.isfinite(frame))
    if bad:
        raise InputError(
            f"{kind} {key.index} has {bad} of {frame.size} pixels that are NaN or"
            f" infinite; counts are expected"
        )


def _refuse_saturated(frame: NDArray[Any], key: FrameKey) -> None:
    if frame.dtype.kind not in "iu":
        return
    top = int(frame.max())
    share = float(np.mean(frame == top))
    if top in _FULL_SCALES and share > _SATURATED_SHARE:
        raise InputError(
            f"flat {key.index} is saturated: {share:.0%} of its pixels are at {top},"
            f" the end of the camera's scale"
        )
