"""The progress table of a result as curves against its updates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves of equal length, one value an update; NaN where it is unknown."""

    number: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    columns: Mapping[str, Curve] = field(default_factory=dict)
    """time (Unix s), lag_s, coverage, frames_used, frames_received, frames_missing,
    center_px, newest_angle_deg, and every quality: residual, frc_half_period_px ..."""

    def __len__(self) -> int:
        return len(self.number)


class Rows:
    """Rows of a progress table, each number once, in order."""

    def __init__(self) -> None:
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._curves = Curves()
        self._stale = False

    def add(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Take rows in, repeats too; tells whether the reconstruction began anew.

        Then a number comes again with another time, or a lower one comes later, and
        what was before is dropped.
        """
        new = {int(row["number"]): row for row in rows}
        again = any(self._is_anew(number, row) for number, row in new.items())
        before = {} if again else self._rows
        self._stale |= again or not new.keys() <= before.keys()
        self._rows = before | new
        return again

    def _is_anew(self, number: int, row: Mapping[str, Any]) -> bool:
        last = self.newest
        if last is None:
            return False
        if number in self._rows:
            return bool(self._rows[number]["time"] != row["time"])
        return bool(number < last["number"] and row["time"] > last["time"])

    @property
    def newest(self) -> Mapping[str, Any] | None:
        """The row of the highest number."""
        return self._rows[max(self._rows)] if self._rows else None

    @property
    def last_number(self) -> int:
        """The highest number; 0 before the first."""
        return max(self._rows, default=0)

    def curves(self) -> Curves:
        """Give them as arrays; the same object until a row is added."""
        if self._stale:
            self._curves, self._stale = _as_curves(self._rows), False
        return self._curves


def _as_curves(rows: Mapping[int, Mapping[str, Any]]) -> Curves:
    numbers = sorted(rows)
    ordered = [rows[number] for number in numbers]
    names = dict.fromkeys(name for row in ordered for name in row if name != "number")
    columns = {
        name: np.array([_number(row.get(name)) for row in ordered]) for name in names
    }
    plain = {k: one for k, one in columns.items() if not np.isnan(one).all()}
    return Curves(np.array(numbers, np.int64), plain)


def _number(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else np.nan
