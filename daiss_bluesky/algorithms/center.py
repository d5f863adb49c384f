"""Which rotation center a reconstruction uses, and where it comes from."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.algorithms.axis_tilt import OppositeFrames, Opposites, Upright
from daiss_bluesky.algorithms.sinogram_rows import SinogramRows
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.kernels.center_fan import Fan
from daiss_bluesky.kernels.center_sinogram import center_by_opposites
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.half_acquisition import MIN_SHARED_RAD, is_full_turn
from daiss_bluesky.kernels.opposite_match import MIN_PAIR_LEAD, pair_lead
from daiss_bluesky.kernels.rotation_center import (
    EXACT_RAD,
    find_center,
    lack_rad,
    opposite_group,
    opposite_pair,
)

logger = logging.getLogger(__name__)

CenterSource = Literal[
    "given", "set", "pair", "projections", "sinogram", "detector middle"
]

_FROM_ROWS = ("sinogram", "detector middle")
_MAX_PAIR_FRAMES = 4

_KeptFrame = tuple[float, NDArray[Any]]
"""Its angle in radians, and the frame as it came."""

_APART_PX = 0.5
"""Between one pair and a full turn: more is no error of measurement."""

_USABLE = 0.03
"""Of the width: an unsure center from sinograms that is known this well still beats the
middle of the detector, which samples are further off."""


@dataclass(frozen=True, slots=True)
class ChosenCenter:
    """A rotation center in columns from the left edge, and why it is this one."""

    center_px: float
    source: CenterSource
    correlation: float | None = None
    """Of the opposite projections, also where they were not believed."""
    error_px: float | None = None
    """Standard error; None for a center that was given, or is only assumed."""
    unsure: str | None = None
    """Why it is not to be believed, or None."""

    def parameters(self) -> dict[str, Any]:
        """Give it as the parameters in force that a result shows."""
        return {
            "center_px": self.center_px,
            "center_source": self.source,
            "center_correlation": self.correlation,
            "center_error_px": self.error_px,
            "center_unsure": self.unsure,
        }


def _error_px(center: ChosenCenter) -> float:
    return np.inf if center.error_px is None else center.error_px


class CenterFinder:
    """Keeps the few frames and rows the center is found from, and finds it.

    A given center counts before any other; then two frames taken for it, then two
    opposite projections, then rows of all projections, then the detector's middle.
    The rows are looked at once they cover enough of the half circle, and again when
    all are there: the last answer depends on the projections, not on their order.
    Where the axis is tilted, the center is that of straightened frames.
    """

    def __init__(
        self,
        given_px: float | None,
        frame_shape: tuple[int, int],
        planned_rad: NDArray[np.float64] | None,
        middle_row_px: float | None = None,
        *,
        is_offset: bool = False,
    ) -> None:
        """Begin; with is_offset only what a turn shows from both sides counts."""
        self._is_offset = is_offset
        self._middle_row_px = middle_row_px
        self._columns = frame_shape[1]
        self.give(given_px)
        self._pair: dict[FrameKey, _KeptFrame] = {}
        self._opposites: dict[int, _KeptFrame] = {}
        self._rows = SinogramRows(frame_shape[0], middle_row_px)
        self._seen: set[int] = set()
        self._wanted = () if planned_rad is None else opposite_group(planned_rad)
        self._planned = None if planned_rad is None else planned_rad.size
        self._is_turn = planned_rad is not None and is_full_turn(planned_rad)
        self._looked_at = 0
        """Projections that were kept when the sinogram was last looked at."""
        self._complete = False
        self._changed = True
        self._chosen: ChosenCenter | None = None
        self._tilt_rad = 0.0
        self.version = 0
        """Changes whenever the opposite frames do, or what corrects them."""

    def give(
        self, center_px: float | None, source: Literal["given", "set"] = "given"
    ) -> None:
        """Set the center, or let it be found again; refuses one off the detector.

        It is `given` before the scan, and `set` by somebody who sees it.
        """
        if center_px is not None and not 0 < center_px < self._columns:
            raise InputError(
                f"center_px = {center_px:g} is outside of the detector, which has"
                f" {self._columns} columns"
            )
        self._given_px = center_px
        self._given_source = source

    def add_pair(self, batch: Batch) -> None:
        """Keep frames that were taken to find the center."""
        for key, angle, frame in zip(
            batch.keys, batch.angles_rad, batch.pixels, strict=True
        ):
            known = key in self._pair or len(self._pair) >= _MAX_PAIR_FRAMES
            if not known and np.isfinite(angle):
                self._pair[key] = (float(angle), frame.copy())
                self._changed = True
                self.version += 1

    def add_projections(self, batch: Batch) -> None:
        """Keep the two opposite projections, and rows of all."""
        if not self._rows.add(batch) and self._seen.issuperset(batch.indices.tolist()):
            return
        self._seen.update(batch.indices.tolist())
        self._look_again()
        if len(self._pair) > 1:
            return
        for index, angle, frame in zip(
            batch.indices, batch.angles_rad, batch.pixels, strict=True
        ):
            if int(index) not in self._opposites and self._wants(int(index), angle):
                self._opposites[int(index)] = (float(angle), frame.copy())
                self._changed = True
                self.version += 1

    def _look_again(self) -> None:
        """Let the rows be looked at when there are twice as many, and at the end."""
        complete = self._planned is not None and len(self._seen) >= self._planned
        more = len(self._rows) >= max(1, 2 * self._looked_at)
        last = complete and not self._complete and self._is_from_rows
        early = more and self._is_unsure and self._is_early_enough()
        self._changed |= last or early
        self._complete |= complete

    @property
    def _is_unsure(self) -> bool:
        return self._chosen is None or self._chosen.unsure is not None

    @property
    def _is_from_rows(self) -> bool:
        if self._chosen is None:
            return False
        is_turn = self._is_turn or self._is_offset
        return is_turn or self._is_unsure or self._chosen.source in _FROM_ROWS

    def _is_early_enough(self) -> bool:
        if not self._is_offset:
            return self._rows.is_early_enough()
        return bool(self._rows.shared_rad() >= MIN_SHARED_RAD)

    def _wants(self, index: int, angle: float) -> bool:
        if self._planned is not None:
            return index in self._wanted
        if not self._opposites:
            return True
        (first, _), *others = self._opposites.values()
        return not others and opposite_pair([first, angle]) is not None

    def end(self) -> None:
        """Take what has come for all there is."""
        self._changed |= not self._complete and self._is_from_rows
        self._complete = True

    def forget_result(self) -> None:
        """Find the center anew when next asked: darks or flats have changed."""
        self._changed = True
        self.version += 1

    def fan(
        self,
        fields: Fields,
        zinger_threshold: float | None,
        candidates_px: ArrayLike,
        row: int,
        tilt_rad: float = 0.0,
    ) -> tuple[int, Fan]:
        """Give slices at candidate centers from the projections so far, and the row."""
        self._rows.tilt_rad = tilt_rad
        return self._rows.fan(fields, zinger_threshold, candidates_px, row)

    def kept_sinogram(
        self, fields: Fields, zinger_threshold: float | None, row: int
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
        """Give row, angles and attenuation of the kept row nearest to one."""
        return self._rows.sinogram(fields, zinger_threshold, row)

    def opposites(self) -> Iterator[OppositeFrames]:
        """Give raw frames (2, row, column) half a turn apart, the pair's first."""
        for source, frames in self._kept_frames():
            pair = opposite_pair([angle for angle, _ in frames])
            if pair is not None:
                yield source, np.stack([frames[i][1] for i in pair])

    def _kept_frames(self) -> Iterator[tuple[Opposites, list[_KeptFrame]]]:
        """Give what was kept to register, the pair's first.

        Of the projections all that are wanted or none while others may still come.
        """
        yield "pair", list(self._pair.values())
        if self._complete or self._opposites.keys() >= set(self._wanted):
            yield "projections", [self._opposites[i] for i in sorted(self._opposites)]

    def choose(
        self,
        fields: Fields,
        zinger_threshold: float | None,
        tilt_rad: float = 0.0,
    ) -> ChosenCenter:
        """Take the given center, or find it, or fall back to the detector's middle.

        The frames are corrected with the first flats whatever their time, so that
        flats after the scan do not move the center.
        """
        if self._given_px is not None:
            return ChosenCenter(self._given_px, self._given_source)
        if self._changed or self._chosen is None or tilt_rad != self._tilt_rad:
            self._tilt_rad = self._rows.tilt_rad = tilt_rad
            self._chosen = self._find(fields, zinger_threshold)
            self._changed = False
        return self._chosen

    def _find(self, fields: Fields, zinger_threshold: float | None) -> ChosenCenter:
        if self._is_offset:
            return self._find_in_turn(fields, zinger_threshold)
        correlation, doubted = None, None
        for source, frames in self._kept_frames():
            chosen = self._register(source, frames, fields, zinger_threshold)
            if chosen is None:
                continue
            if chosen.unsure is None:
                return self._check_turn(chosen, fields, zinger_threshold)
            correlation = chosen.correlation
            doubted = doubted or (chosen if chosen.error_px is not None else None)
        found = self._find_in_rows(fields, zinger_threshold, correlation)
        if doubted is None or found.unsure is None:
            return found
        return min(found, doubted, key=_error_px)

    def _register(
        self,
        source: Opposites,
        frames: list[_KeptFrame],
        fields: Fields,
        zinger_threshold: float | None,
    ) -> ChosenCenter | None:
        """Register two frames about half a turn apart; None where there are none.

        What they lack to half a turn moves the sample: their neighbors tell how far,
        and without these the error does.
        """
        angles = np.array([angle for angle, _ in frames])
        pair = opposite_pair(angles)
        if pair is None:
            return None
        upright = Upright(self._tilt_rad, self._middle_row_px)
        raw = np.stack([frame for _, frame in frames])
        nothing = np.full(len(raw), np.nan)
        p = upright.attenuation(raw, nothing, fields, zinger_threshold)
        center = find_center(p[pair[0]], p[pair[1]])
        if not center.is_reliable:
            logger.warning(
                "the %s half a turn apart do not match (correlation %.2f),"
                " so they give no center",
                "frames" if source == "pair" else source,
                center.correlation,
            )
            middle_px, unlike = self._columns / 2, "opposite projections do not match"
            return ChosenCenter(middle_px, source, center.correlation, unsure=unlike)
        if pair_lead(p[pair[0]], p[pair[1]], center.center_px) < MIN_PAIR_LEAD:
            several = "opposite projections match at more than one center"
            return ChosenCenter(
                self._columns / 2, source, center.correlation, unsure=several
            )
        if abs(lack_rad(*angles[list(pair)])) > EXACT_RAD:
            found = center_by_opposites(p, angles)
            assert found is not None  # noqa: S101 - there is a pair
            return ChosenCenter(
                found.center_px,
                source,
                center.correlation,
                found.error_px,
                found.unsure,
            )
        return ChosenCenter(
            center.center_px, source, center.correlation, center.error_px
        )

    def _check_turn(
        self, pair: ChosenCenter, fields: Fields, zinger_threshold: float | None
    ) -> ChosenCenter:
        """Let all pairs of a full turn overrule one that mistook a far-off axis.

        One pair is not looked at where less than a quarter of it would overlap.
        """
        if not (self._is_turn and self._complete):
            return pair
        turn = self._find_in_rows(fields, zinger_threshold, pair.correlation)
        apart = abs(turn.center_px - pair.center_px)
        return turn if turn.unsure is None and apart > _APART_PX else pair

    def _find_in_rows(
        self,
        fields: Fields,
        zinger_threshold: float | None,
        correlation: float | None,
    ) -> ChosenCenter:
        unsure = "the projections so far do not cover enough of the half circle"
        if self._complete or self._rows.is_early_enough():
            self._looked_at = len(self._rows)
            found = self._rows.find(fields, zinger_threshold)
            if found.unsure is None or found.error_px <= _USABLE * self._columns:
                return ChosenCenter(
                    found.center_px,
                    "sinogram",
                    correlation,
                    found.error_px,
                    found.unsure,
                )
            unsure = found.unsure
        middle_px = self._columns / 2
        return ChosenCenter(middle_px, "detector middle", correlation, unsure=unsure)

    def _find_in_turn(
        self, fields: Fields, zinger_threshold: float | None
    ) -> ChosenCenter:
        """Find a center that may be near an edge, where one pair shows too little."""
        middle_px = self._columns / 2
        unsure = "the projections so far do not go far enough beyond half a turn"
        if self._complete or self._is_early_enough():
            self._looked_at = len(self._rows)
            try:
                found = self._rows.find_turn(fields, zinger_threshold)
            except InputError as error:
                return ChosenCenter(middle_px, "detector middle", unsure=str(error))
            if found.unsure is None:
                return ChosenCenter(
                    found.center_px, "sinogram", found.correlation, found.error_px
                )
            unsure = found.unsure
        return ChosenCenter(middle_px, "detector middle", unsure=unsure)
