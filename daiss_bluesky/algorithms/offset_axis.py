"""Half-acquisition: 360 degrees with the axis near an edge of the detector."""

from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.half_acquisition import OffsetField, is_full_turn


def offset_field(
    parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
) -> OffsetField | None:
    """Give where the axis is on the detector; None for an ordinary scan.

    Refuses a scan without a center, which sets the width of the slices, and one that
    is known not to go around.
    """
    if not parameters.half_acquisition:
        return None
    given_px = parameters.center_px
    center_px = scan.center_px if given_px is None else given_px
    if center_px is None:
        raise InputError(
            "half-acquisition needs center_px, which sets the width of the slices:"
            " `daiss center FILE` finds it"
        )
    planned_rad = scan.planned_angles_rad
    if planned_rad is not None and not is_full_turn(planned_rad):
        raise InputError("half-acquisition needs angles around the full 360 degrees")
    return OffsetField(frame_shape[1], center_px)


def slices_shape(
    parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
) -> tuple[int, int]:
    """Give the number of slices and their width."""
    offset = offset_field(parameters, scan, frame_shape)
    return frame_shape if offset is None else (frame_shape[0], offset.wide_columns)
