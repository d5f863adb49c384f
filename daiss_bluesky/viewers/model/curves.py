"""The progress table of a result as curves against its updates."""

import math
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
        self.newest: Mapping[str, Any] | None = None
        """The row of the highest number, whole."""
        self._values: dict[int, dict[str, float]] = {}
        self._numbers: list[int] = []
        self._columns: dict[str, list[float]] = {}
        self._curves: Curves | None = Curves()

    def _forget(self) -> None:
        self.newest = None
        for one in (self._values, self._numbers, self._columns):
            one.clear()

    @property
    def last_number(self) -> int:
        """The highest number; 0 before the first."""
        return 0 if self.newest is None else int(self.newest["number"])

    def add(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Take rows in, repeats too; tells whether the reconstruction began anew.

        Then a number comes again with another time, or a lower one comes later, and
        what was before is dropped.
        """
        again = any(self._contradicts(row) for row in rows)
        if again:
            self._forget()
        for row in sorted(rows, key=_number_of):
            self._add_one(_number_of(row), row)
        return again

    def _contradicts(self, row: Mapping[str, Any]) -> bool:
        number = _number_of(row)
        if number in self._values:
            return self._values[number]["time"] != float(row["time"])
        last = self.newest
        return (
            last is not None and number < last["number"] and row["time"] > last["time"]
        )

    def _add_one(self, number: int, row: Mapping[str, Any]) -> None:
        if number in self._values:
            return
        values = {k: float(one) for k, one in row.items() if _is_number(one)}
        self._values[number] = values
        self._curves = None
        if number > self.last_number:
            self.newest = row
            self._append(number, values)
        else:
            # One that was overtaken on the way: rare, so all are put in order again.
            self._numbers, self._columns = [], {}
            for n in sorted(self._values):
                self._append(n, self._values[n])

    def _append(self, number: int, values: Mapping[str, float]) -> None:
        before = len(self._numbers)
        for name in values.keys() - self._columns.keys() - {"number"}:
            self._columns[name] = [math.nan] * before
        for name, column in self._columns.items():
            column.append(values.get(name, math.nan))
        self._numbers.append(number)

    def curves(self) -> Curves:
        """Give them as arrays; the same object until a row is added."""
        if self._curves is None:
            columns = {name: np.array(one) for name, one in self._columns.items()}
            known = {k: one for k, one in columns.items() if not np.isnan(one).all()}
            self._curves = Curves(np.array(self._numbers, np.int64), known)
        return self._curves


def _number_of(row: Mapping[str, Any]) -> int:
    return int(row["number"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
