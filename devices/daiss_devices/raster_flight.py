"""Rows that a stage flies through while a camera runs; pure arithmetic, no hardware."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from daiss_bluesky.core.errors import InputError

LEAD_S = 0.03
"""How far off the software start of a camera may be, early or late."""
SETTLE_S = 0.03
"""At constant speed, before the first frame of a row."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One row, flown through from left to right or back."""

    row_um: float
    columns_um: tuple[float, ...]
    """Where its frames are meant to be, at mid-exposure."""
    run_up_um: float
    """Where the stage starts from rest."""
    run_out_um: float
    """Where it comes to rest again."""


@dataclass(frozen=True, slots=True)
class RasterFlight:
    """Every other row backwards, with a few frames beyond both ends of each.

    Stage and camera are started by software, so frames are near, not at, their places;
    those beyond the ends keep the row covered whatever the offset.
    """

    rows_um: Sequence[float]
    columns_um: Sequence[float]
    """Evenly spaced, from left to right."""
    exposure_s: float
    period_s: float
    acceleration_s: float

    def __post_init__(self) -> None:
        """Refuse exposures that do not fit between two frames, and a lone column."""
        if self.exposure_s > self.period_s:
            raise InputError(
                f"exposure_s = {self.exposure_s:g} is longer than the"
                f" {self.period_s:g} s from frame to frame"
            )
        if len(self.columns_um) < 2:  # noqa: PLR2004
            raise InputError("a flight needs rows of at least 2 columns")

    @property
    def step_um(self) -> float:
        """From frame to frame."""
        span = self.columns_um[-1] - self.columns_um[0]
        return span / (len(self.columns_um) - 1)

    @property
    def speed_um_s(self) -> float:
        """Of the stage while frames are taken."""
        return self.step_um / self.period_s

    @property
    def extra(self) -> int:
        """Frames beyond either end of a row."""
        return max(1, math.ceil(LEAD_S / self.period_s))

    @property
    def images(self) -> int:
        """Frames of one row."""
        return len(self.columns_um) + 2 * self.extra

    @property
    def n_frames(self) -> int:
        """Frames of all rows."""
        return len(self.rows_um) * self.images

    @property
    def start_s(self) -> float:
        """From the start of the stage to the first exposure of a row."""
        return self.acceleration_s + SETTLE_S

    @property
    def row_s(self) -> float:
        """From the start of the stage to its rest at the end of a row."""
        ways = abs(self.legs[0].run_out_um - self.legs[0].run_up_um)
        return ways / self.speed_um_s + self.acceleration_s

    @property
    def legs(self) -> list[Leg]:
        """All rows, in the order flown."""
        speed, ramp_um = self.speed_um_s, self.speed_um_s * self.acceleration_s / 2
        beyond_um = self.extra * self.step_um
        lead_um = speed * (self.exposure_s / 2 + SETTLE_S) + ramp_um
        tail_um = speed * (self.exposure_s / 2 + 2 * LEAD_S) + ramp_um
        found = []
        for number, row_um in enumerate(self.rows_um):
            way = 1 if number % 2 == 0 else -1
            first, last = (self.columns_um[0], self.columns_um[-1])[::way]
            first, last = first - way * beyond_um, last + way * beyond_um
            places = (first + way * i * self.step_um for i in range(self.images))
            found.append(
                Leg(row_um, tuple(places), first - way * lead_um, last + way * tail_um)
            )
        return found

    @property
    def reach_um(self) -> list[tuple[float, float]]:
        """Where the stage turns: (row, column)."""
        ends = [(leg.run_up_um, leg.run_out_um) for leg in self.legs[:2]]
        return [
            (row_um, column)
            for row_um in self.rows_um
            for turns in ends
            for column in turns
        ]

    @property
    def positions_um(self) -> list[tuple[float, float]]:
        """Where all frames are meant to be: (row, column), in the order taken."""
        return [(leg.row_um, column) for leg in self.legs for column in leg.columns_um]
