"""The parameters between raw frames and line integrals, as a pipeline file names them.

Those of every tomography algorithm inherit from these, so that a file stays flat.
"""

from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from daiss_bluesky.algorithms.axis_tilt import AskedTilt
from daiss_bluesky.algorithms.phase_parameters import PhaseParameters
from daiss_bluesky.core.scan import Model
from daiss_bluesky.kernels.axis_tilt import MAX_TILT_RAD

Stripes = Literal["none", "mean", "sorting", "combined"]

_WIDTH = 24
"""Part of the columns that a window about three stripes wide covers."""


class PreprocessingParameters(Model):
    """What a pipeline file may say about the correction of frames."""

    dead_pixels: bool = True
    """Replace pixels that see no light, or far too much, by their neighbors."""
    zingers: bool = True
    """Replace single bright pixels, where an X-ray hit the sensor."""
    zinger_threshold: float = Field(0.05, gt=0)
    """How far above all its neighbors a zinger is, as a fraction of the flat field."""
    dark_level: float | None = None
    """Counts without light, for scans that took no dark field."""
    axis_tilt_deg: AskedTilt = None
    """Tilt of the rotation axis in the plane of the detector, taken out of every
    frame; auto: measured on two opposite frames, and left where that is not sure."""
    phase: PhaseParameters | None = None
    """Propagation-based phase retrieval in place of the logarithm; None: without."""
    stripes: Stripes = "none"
    """How rings are removed: by the mean of all projections, while the scan runs;
    by sorting, or combined with the repair of wide and dead stripes, at its end."""
    stripe_window_px: int | None = Field(None, ge=3)
    """Columns whose median a stripe is compared with, odd; None: from the width."""
    stripe_large_window_px: int | None = Field(None, ge=3)
    """The same for wide and dead stripes, combined method only."""

    @field_validator("axis_tilt_deg", mode="before")
    @classmethod
    def _is_a_number_or_auto(cls, tilt_deg: Any) -> Any:
        try:
            return tilt_deg if tilt_deg in {None, "auto"} else float(tilt_deg)
        except (TypeError, ValueError):
            raise ValueError("degrees or 'auto' are expected") from None

    @field_validator("axis_tilt_deg")
    @classmethod
    def _can_be_straightened(cls, tilt_deg: AskedTilt) -> AskedTilt:
        most_deg = float(np.rad2deg(MAX_TILT_RAD))
        if isinstance(tilt_deg, float) and abs(tilt_deg) > most_deg:
            raise ValueError(f"an axis is straightened by {most_deg:g} degrees at most")
        return tilt_deg

    @field_validator("stripe_window_px", "stripe_large_window_px")
    @classmethod
    def _makes_sense(cls, window_px: int | None, info: ValidationInfo) -> int | None:
        if window_px is None:
            return None
        stripes = info.data.get("stripes")
        if stripes == "none":
            raise ValueError("stripes is none, so no window is used")
        if info.field_name == "stripe_large_window_px" and stripes != "combined":
            raise ValueError(f"stripes is {stripes}, only combined has a large window")
        if window_px % 2 == 0:
            raise ValueError("a median needs an odd window")
        return window_px

    @property
    def straightens(self) -> bool:
        """Tell whether frames may have to be turned."""
        return self.axis_tilt_deg not in {None, 0.0}

    @property
    def needs_whole_sinograms(self) -> bool:
        """Tell whether all projections must be there before stripes are removed."""
        return self.stripes in {"sorting", "combined"}

    def mean_window_px(self, columns: int) -> int:
        """Window of the mean method; also in the views of the other two."""
        if self.stripes == "mean" and self.stripe_window_px is not None:
            return self.stripe_window_px
        return _odd(columns / _WIDTH)

    def sorting_windows_px(self, columns: int) -> tuple[int, int | None]:
        """Windows of sorting and, in the combined method, of wide stripes.

        At 2048 columns 31 and 85, near those the method's authors used.
        """
        small = self.stripe_window_px or _odd(columns / 66)
        if self.stripes != "combined":
            return small, None
        return small, self.stripe_large_window_px or _odd(columns / _WIDTH)


def _odd(window_px: float) -> int:
    return max(5, 2 * int(window_px / 2) + 1)
