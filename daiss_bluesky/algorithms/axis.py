"""The rotation axis of a scan: where it is, how it stands, how wide slices become."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from daiss_bluesky.algorithms.axis_tilt import ChosenTilt, TiltFinder
from daiss_bluesky.algorithms.center import CenterFinder, ChosenCenter
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.offset_axis import offset_field
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.center_fan import Fan
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.half_acquisition import OffsetField


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of the axis, for all projections until the next restart."""

    center: ChosenCenter
    tilt: ChosenTilt
    offset: OffsetField | None
    """Half-acquisition only."""

    def parameters(self) -> dict[str, Any]:
        """Give it as the parameters in force that a result shows."""
        return self.center.parameters() | self.tilt.parameters()

    def differs(self, other: "Axis") -> str | None:
        """Say why projections placed about the other axis must be read again."""
        if other.tilt.tilt_rad != self.tilt.tilt_rad:
            found_deg = np.rad2deg(self.tilt.tilt_rad)
            return f"the tilt of the axis was found: {found_deg:.3g} degrees"
        if other.center.center_px != self.center.center_px:
            how = "set" if self.center.source == "given" else "found"
            return f"the rotation center was {how}: {self.center.center_px:.2f} px"
        return None


class AxisFinder:
    """Finds center and tilt from what has come."""

    def __init__(
        self, scan: Scan, frame_shape: tuple[int, int], parameters: FbpParameters
    ) -> None:
        given_px = parameters.center_px
        given_px = scan.center_px if given_px is None else given_px
        middle = scan.middle_row_px
        planned_rad = scan.planned_angles_rad
        self._center = CenterFinder(given_px, frame_shape, planned_rad, middle)
        self._tilt = TiltFinder(parameters.axis_tilt_deg, frame_shape)
        self._offset = offset_field(parameters, scan, frame_shape)
        self._zingers = parameters.zinger_threshold if parameters.zingers else None

    @property
    def is_offset(self) -> bool:
        """Tell whether this is a half-acquisition."""
        return self._offset is not None

    def give(self, center_px: float | None) -> None:
        """Set the center, or let it be found again; refuses one off the detector."""
        self._center.give(center_px)

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

    def choose(self, fields: Fields) -> Axis:
        """Give the axis as far as it is known."""
        tilt = self._choose_tilt(fields)
        center = self._center.choose(fields, self._zingers, tilt.tilt_rad)
        return Axis(center, tilt, self._offset)

    def _choose_tilt(self, fields: Fields) -> ChosenTilt:
        pairs, version = self._center.opposites(), self._center.version
        return self._tilt.choose(pairs, version, fields, self._zingers)

    def fan(
        self, fields: Fields, candidates_px: ArrayLike, row: int
    ) -> tuple[int, Fan]:
        """Give slices at candidate centers from the projections so far, and the row."""
        tilt_rad = self._choose_tilt(fields).tilt_rad
        return self._center.fan(fields, self._zingers, candidates_px, row, tilt_rad)
