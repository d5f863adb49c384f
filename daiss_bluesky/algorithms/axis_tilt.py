"""How far the rotation axis is tilted in the plane of the detector, and taken out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.axis_tilt import MIN_ROWS, find_tilt, straighten
from daiss_bluesky.kernels.correction import Fields, attenuation, transmission

AskedTilt = float | Literal["auto"] | None
TiltSource = Literal["given", "pair", "projections"]

Opposites = Literal["pair", "projections"]
OppositeFrames = tuple[Opposites, NDArray[Any]]
"""Raw frames (2, row, column) half a turn apart, and what they were taken for."""

_CLEARLY = 3.0
"""Standard errors that a tilt must be from none."""

_MATTERS_PX = 0.25
"""Less than this at the corners of the detector is left alone: as for any center."""


@dataclass(frozen=True, slots=True)
class ChosenTilt:
    """The tilt that frames are straightened by, and why it is this one."""

    tilt_rad: float = 0.0
    source: TiltSource | None = None
    """None: not asked for, or not measured."""
    error_rad: float | None = None
    note: str | None = None
    """Why a tilt that was to be measured is not taken out, or None."""

    def parameters(self) -> dict[str, Any]:
        """Give it as the parameters in force that a result shows; none if not asked."""
        if self == ChosenTilt():
            return {}
        error = self.error_rad
        return {
            "axis_tilt_deg": round(float(np.rad2deg(self.tilt_rad)), 6),
            "axis_tilt_source": self.source,
            "axis_tilt_error_deg": error and round(float(np.rad2deg(error)), 6),
            "axis_tilt_note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Upright:
    """Turns frames so that the axis stands upright, about the middle of the detector.

    An axis that crosses the middle of the rows at c from the middle of the columns
    stands at c cos φ then, so the tilt does not depend on the center, nor the other
    way round.
    """

    tilt_rad: float = 0.0
    middle_row_px: float | None = None
    """From the top edge of these frames; None: half their rows."""

    def frames(
        self, t: NDArray[np.float32], *, logarithm: bool = False
    ) -> NDArray[np.float32]:
        """Turn transmission (frame, row, column); see `kernels.axis_tilt.straighten`.

        Transmission and not its logarithm: light is what pixels add up.
        """
        return straighten(
            t, self.tilt_rad, t.shape[2] / 2, self.middle_row_px, logarithm=logarithm
        )

    def attenuation(
        self,
        raw: NDArray[Any],
        times_s: NDArray[np.float64],
        fields: Fields,
        zinger_threshold: float | None,
    ) -> NDArray[np.float32]:
        """Correct raw frames (frame, row, column), turn them, take the logarithm."""
        if not self.tilt_rad:
            return attenuation(raw, times_s, fields, zinger_threshold)
        t = transmission(raw, times_s, fields, zinger_threshold)
        return self.frames(t, logarithm=True)

    def moved_rows(
        self, p: NDArray[np.float32], rows: NDArray[np.intp], count: int
    ) -> NDArray[np.float32]:
        """Move single rows of frames along themselves so that they share a center.

        (angle, row, column) of the rows numbered, of `count`. What frames of full
        height would add, that each end of a row belongs to another slice, is left.
        """
        if not self.tilt_rad:
            return p
        n = p.shape[2]
        middle = count / 2 if self.middle_row_px is None else self.middle_row_px
        away = (np.arange(n) + 0.5 - n / 2) * np.cos(self.tilt_rad)
        moved = np.empty_like(p)
        for i, row in enumerate(rows):
            shift = np.tan(self.tilt_rad) * (row + 0.5 - middle)
            u = np.clip(away + (n - 1) / 2 + shift, 0, n - 1)
            left = np.minimum(u.astype(int), n - 2)
            part = (u - left).astype(np.float32)
            moved[:, i] = p[:, i, left] * (1 - part) + p[:, i, left + 1] * part
        return moved


class TiltFinder:
    """Chooses the tilt: none, the one given, or one measured that is sure."""

    def __init__(self, asked: AskedTilt, frame_shape: tuple[int, int]) -> None:
        self._shape = frame_shape
        self._is_asked = asked == "auto"
        self._chosen = ChosenTilt()
        if isinstance(asked, float | int):
            self._chosen = ChosenTilt(float(np.deg2rad(asked)), "given")
        self._version: int | None = None

    def choose(
        self,
        pairs: Iterable[OppositeFrames],
        version: int,
        fields: Fields,
        zinger_threshold: float | None,
    ) -> ChosenTilt:
        """Measure on the first pair that is sure, anew when the version has changed."""
        if self._is_asked and self._version != version:
            self._version = version
            self._chosen = self._measure(pairs, fields, zinger_threshold)
        return self._chosen

    def _measure(
        self,
        pairs: Iterable[OppositeFrames],
        fields: Fields,
        zinger_threshold: float | None,
    ) -> ChosenTilt:
        if self._shape[0] < MIN_ROWS:
            few = f"{self._shape[0]} rows are fewer than the {MIN_ROWS} a tilt needs"
            return ChosenTilt(note=few)
        found = ChosenTilt(note="no two projections are half a turn apart")
        for source, raw in pairs:
            p = attenuation(raw, np.full(2, np.nan), fields, zinger_threshold)
            tilt = find_tilt(p[0], p[1])
            if tilt.unsure is None:
                return self._judge(tilt.tilt_rad, tilt.error_rad, source)
            found = ChosenTilt(note=tilt.unsure)
        return found

    def _judge(
        self, tilt_rad: float, error_rad: float, source: TiltSource
    ) -> ChosenTilt:
        """Leave a tilt alone that may be none, or is not worth an interpolation."""
        note = None
        said = f"{np.rad2deg(tilt_rad):.3g} degrees"
        if abs(tilt_rad) < _CLEARLY * error_rad:
            note = f"{said} may be none, being known to {np.rad2deg(error_rad):.2g}"
        elif abs(tilt_rad) * np.hypot(*self._shape) / 2 < _MATTERS_PX:
            note = f"{said} move no pixel by {_MATTERS_PX}"
        return ChosenTilt(0.0 if note else tilt_rad, source, error_rad, note)
