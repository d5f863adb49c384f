"""The rotation axis of a scan: where it is, how it stands, how wide slices become."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.algorithms.axis_tilt import ChosenTilt, TiltFinder
from daiss_bluesky.algorithms.center import CenterFinder, ChosenCenter
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.offset_axis import (
    check_turn,
    given_center_px,
    not_sure,
    widest_shape,
)
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.center_fan import Fan
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.half_acquisition import OffsetField, widen


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of the axis, and where it puts projections, until a restart."""

    center: ChosenCenter
    tilt: ChosenTilt
    offset: OffsetField | None
    """Half-acquisition only."""

    @property
    def center_px(self) -> float:
        """The center that placed projections are summed about."""
        field = self.offset
        return self.center.center_px if field is None else field.wide_center_px

    def slices_shape(self, frame_shape: tuple[int, int]) -> tuple[int, int]:
        """Give the number of slices and their width."""
        if self.offset is None:
            return frame_shape
        return frame_shape[0], self.offset.wide_columns

    def place(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Widen projections (angle, row, column) of a half-acquisition."""
        return p if self.offset is None else widen(p, self.offset)

    def parameters(self) -> dict[str, Any]:
        """Give it as the parameters in force that a result shows."""
        return self.center.parameters() | self.tilt.parameters()

    def differs(self, other: "Axis") -> str | None:
        """Say why projections placed about the other axis must be read again."""
        if other.tilt.tilt_rad != self.tilt.tilt_rad:
            found_deg = np.rad2deg(self.tilt.tilt_rad)
            return f"the tilt of the axis was found: {found_deg:.3g} degrees"
        if other.center.center_px != self.center.center_px:
            how = "found" if self.center.source not in {"given", "set"} else "set"
            return f"the rotation center was {how}: {self.center.center_px:.2f} px"
        return None


class AxisFinder:
    """Finds center and tilt from what has come."""

    def __init__(
        self, scan: Scan, frame_shape: tuple[int, int], parameters: FbpParameters
    ) -> None:
        check_turn(parameters, scan)
        self._columns = frame_shape[1]
        self._is_offset = parameters.half_acquisition
        _, self._widest = widest_shape(parameters, scan, frame_shape)
        self._center = CenterFinder(
            given_center_px(parameters, scan),
            frame_shape,
            scan.planned_angles_rad,
            scan.middle_row_px,
            is_offset=self._is_offset,
        )
        self._tilt = TiltFinder(parameters.axis_tilt_deg, frame_shape)
        self.set_zingers(parameters)
        self.unsure: str | None = None
        """Why a half-acquisition has no axis yet; None for any other."""

    def give(self, center_px: float | None) -> None:
        """Set the center, or let it be found again.

        Refuses one off the detector, or so near its edge that the slices of a
        half-acquisition become wider than memory was stated for.
        """
        if self._is_offset and center_px is not None:
            wide = OffsetField(self._columns, center_px).wide_columns
            if wide > self._widest:
                raise InputError(
                    f"a center of {center_px:g} px makes slices of {wide} columns, but"
                    f" memory was stated for {self._widest}: reconstruct the file with"
                    f" --center-px {center_px:g}"
                )
        self._center.give(center_px, "set")

    def set_zingers(self, parameters: FbpParameters) -> None:
        """Take zingers out of what the axis is found from as out of frames."""
        self._zingers = parameters.zinger_threshold if parameters.zingers else None
        self._center.forget_result()

    def add_pair(self, batch: Batch) -> None:
        """Keep frames that were taken to find the center."""
        self._center.add_pair(batch)

    def add_projections(self, batch: Batch) -> None:
        """Keep the two opposite projections, and rows of all."""
        self._center.add_projections(batch)

    def end(self) -> None:
        """Take what has come for all there is."""
        self._center.end()

    def forget_result(self) -> None:
        """Find it anew when next asked: darks or flats have changed."""
        self._center.forget_result()

    def choose(self, fields: Fields) -> Axis | None:
        """Give the axis as far as it is known.

        None for a half-acquisition whose center is not sure: any other than the right
        one makes slices of another sample.
        """
        tilt = self._choose_tilt(fields)
        center = self._center.choose(fields, self._zingers, tilt.tilt_rad)
        if not self._is_offset:
            return Axis(center, tilt, None)
        self.unsure = center.unsure
        if center.unsure is not None:
            return None
        return Axis(center, tilt, OffsetField(self._columns, center.center_px))

    def refusal(self) -> InputError:
        """Say what to do where a half-acquisition has no center in the end."""
        return not_sure(self.unsure)

    def _choose_tilt(self, fields: Fields) -> ChosenTilt:
        pairs, version = self._center.opposites(), self._center.version
        return self._tilt.choose(pairs, version, fields, self._zingers)

    def kept_sinogram(
        self, fields: Fields, row: int
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
        """Give row, angles and attenuation of the kept row nearest to one."""
        self._choose_tilt(fields)
        return self._center.kept_sinogram(fields, self._zingers, row)

    def fan(
        self, fields: Fields, candidates_px: ArrayLike, row: int
    ) -> tuple[int, Fan]:
        """Give slices at candidate centers from the projections so far, and the row."""
        tilt_rad = self._choose_tilt(fields).tilt_rad
        return self._center.fan(fields, self._zingers, candidates_px, row, tilt_rad)
