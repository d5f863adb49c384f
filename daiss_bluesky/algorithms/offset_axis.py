"""Half-acquisition: 360 degrees with the axis near an edge of the detector."""

from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.half_acquisition import OffsetField, is_full_turn
from daiss_bluesky.kernels.opposite_match import MIN_OVERLAP_COLUMNS

_ROOM_COLUMNS = 16
"""That slices may become wider by when a given center is moved in mid-scan."""


def given_center_px(parameters: FbpParameters, scan: Scan) -> float | None:
    """Give the center of the pipeline, or the scan's own, or None: find it."""
    if parameters.center_px is not None:
        return parameters.center_px
    return scan.center_px


def not_sure(why: str | None) -> InputError:
    """Ask for the center of a half-acquisition."""
    return InputError(
        f"the center of the half-acquisition is not sure ({why}), and it sets the width"
        " of the slices: give center_px"
    )


def check_turn(parameters: FbpParameters, scan: Scan) -> None:
    """Refuse a half-acquisition that is known not to go around."""
    planned_rad = scan.planned_angles_rad
    if not parameters.half_acquisition or planned_rad is None:
        return
    if not is_full_turn(planned_rad):
        raise InputError("half-acquisition needs angles around the full 360 degrees")


def widest_shape(
    parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
) -> tuple[int, int]:
    """Give the number of slices, and the width that memory is stated for.

    In half-acquisition the center decides: with room for one that is moved, and as wide
    as can be where it is not known yet.
    """
    rows, columns = frame_shape
    if not parameters.half_acquisition:
        return frame_shape
    widest = max(columns, 2 * columns - MIN_OVERLAP_COLUMNS)
    center_px = given_center_px(parameters, scan)
    if center_px is None:
        return rows, widest
    wide = OffsetField(columns, center_px).wide_columns
    return rows, max(wide, min(widest, wide + _ROOM_COLUMNS))


def slices_shape(
    parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
) -> tuple[int, int]:
    """Give the number of slices and their width, of a center that is given."""
    center_px = given_center_px(parameters, scan)
    if not parameters.half_acquisition or center_px is None:
        return frame_shape
    return frame_shape[0], OffsetField(frame_shape[1], center_px).wide_columns
