"""Rotation center, tilt and center fan of a stored scan, for the command line."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.axis_tilt import AskedTilt, ChosenTilt, TiltFinder
from daiss_bluesky.algorithms.center import CenterFinder, ChosenCenter
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fields import FieldCollector
from daiss_bluesky.algorithms.ledger import Ledger
from daiss_bluesky.algorithms.sinogram_rows import kept_stride
from daiss_bluesky.cli.picture import save_contact_sheet
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.geometry import check_angles
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import calibration_batches, projection_batches
from daiss_bluesky.kernels.axis_tilt import MIN_ROWS, find_tilt
from daiss_bluesky.kernels.center_fan import Fan, center_fan
from daiss_bluesky.kernels.correction import Fields, attenuation
from daiss_bluesky.kernels.rotation_center import opposite_pair
from daiss_bluesky.readers import open_scan

MIN_FAN, MAX_FAN = 5, 99
_ZINGERS = FbpParameters().zinger_threshold
_WIDE = 0.3
"""Of the width, that candidates about an unsure center span."""


@dataclass(frozen=True, slots=True)
class FanRequest:
    """Which candidates to reconstruct, and where to draw them."""

    count: int
    row: int | None
    around_px: float | None
    step_px: float | None
    picture: Path


def find_axis(
    stored: StoredScan, asked: AskedTilt, *, is_offset: bool
) -> tuple[ChosenCenter, ChosenTilt]:
    """Find center and tilt from whole frames, as a reconstruction would.

    With is_offset the center may be near an edge, as in half-acquisition.
    """
    _, _, center, tilt = _look(stored, asked, is_offset=is_offset)
    return center, tilt


def measure(
    file: Path, request: FanRequest | None, row: int | None = None
) -> dict[str, Any]:
    """Find center and tilt as a reconstruction would; with the fan if asked for."""
    began_s = time.monotonic()
    stored = open_scan(file)
    check_angles(stored.angles_rad)
    _check_request(request, row, *stored.frame_shape)
    fields, pair, chosen, _ = _look(stored, None)
    low, high = stored.angles_rad.min(), stored.angles_rad.max()
    report: dict[str, Any] = {
        "center_px": round(chosen.center_px, 4),
        "error_px": _rounded(chosen.error_px),
        "method": chosen.source,
        "sure": chosen.unsure is None,
        "unsure": chosen.unsure,
        "columns": stored.frame_shape[1],
        "projections": len(stored.angles_rad),
        "angles_deg": [round(float(np.rad2deg(end)), 4) for end in (low, high)],
        **_tilt(pair, fields),
    }
    if request is not None:
        report["fan"] = _fan(stored, fields, request, chosen)
    return report | {"seconds": round(time.monotonic() - began_s, 3)}


def _look(
    stored: StoredScan, asked: AskedTilt, *, is_offset: bool = False
) -> tuple[Fields, Batch | None, ChosenCenter, ChosenTilt]:
    """Feed the finders as a reconstruction does; with fields and opposite frames."""
    collector = FieldCollector(dark_level=None, repair_dead=True)
    angles_rad = stored.angles_rad
    finder = CenterFinder(None, stored.frame_shape, angles_rad, is_offset=is_offset)
    pair = None
    for batch in calibration_batches(stored):
        if batch.kind == "pair":
            finder.add_pair(batch)
            pair = batch
        else:
            collector.add(batch)
    fields = collector.fields()
    ledger = Ledger()
    for batch in projection_batches(stored, _evenly(stored)):
        finder.add_projections(ledger.receive(batch, collector.lit(batch.pixels)))
    ledger.refuse_nothing()
    finder.end()
    tilt = TiltFinder(asked, stored.frame_shape).choose(
        finder.opposites(), finder.version, fields, _ZINGERS
    )
    return fields, pair, finder.choose(fields, _ZINGERS, tilt.tilt_rad), tilt


def _evenly(stored: StoredScan) -> NDArray[np.int64]:
    """Number the projections that the finder would keep."""
    n = len(stored.angles_rad)
    return np.arange(0, n, kept_stride(n))


def _rounded(value: float | None) -> float | None:
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), 4)


def _check_request(
    request: FanRequest | None, row: int | None, rows: int, columns: int
) -> None:
    """Refuse what is not on the detector before anything is read."""
    if row is not None and not 0 <= row < rows:
        raise InputError(
            f"--row {row} is outside of the detector's rows 0 to {rows - 1}"
        )
    if request is None:
        return
    around_px, step_px = request.around_px, request.step_px
    if around_px is not None and not 0 < around_px < columns:
        raise InputError(
            f"--around-px {around_px:g} is outside of the detector's {columns} columns"
        )
    if not MIN_FAN <= request.count <= MAX_FAN:
        raise InputError(f"--fan {request.count} is not from {MIN_FAN} to {MAX_FAN}")
    if step_px is not None and not 0 < step_px < columns:
        raise InputError(f"--step-px {step_px:g} is not between 0 and {columns}")


def _tilt(pair: Batch | None, fields: Fields) -> dict[str, Any]:
    """Measure the axis's tilt on two opposite frames, or say why it cannot be."""
    nothing: dict[str, Any] = {"tilt_deg": None, "tilt_error_deg": None}
    if pair is None or (which := opposite_pair(pair.angles_rad)) is None:
        return nothing | {"tilt_unsure": "no two projections are half a turn apart"}
    frames = np.stack([pair.pixels[i] for i in which])
    if frames.shape[1] < MIN_ROWS:
        few = f"{frames.shape[1]} rows are fewer than the {MIN_ROWS} a tilt needs"
        return nothing | {"tilt_unsure": few}
    p = attenuation(frames, np.full(2, np.nan), fields, None)
    tilt = find_tilt(p[0], p[1])
    if not np.isfinite(tilt.error_rad):
        return nothing | {"tilt_unsure": tilt.unsure}
    return {
        "tilt_deg": _rounded(np.rad2deg(tilt.tilt_rad)),
        "tilt_error_deg": _rounded(np.rad2deg(tilt.error_rad)),
        "tilt_unsure": tilt.unsure,
    }


def _fan(
    stored: StoredScan, fields: Fields, request: FanRequest, chosen: ChosenCenter
) -> dict[str, Any]:
    rows, columns = stored.frame_shape
    row = rows // 2 if request.row is None else request.row
    candidates = _candidates(request, chosen, columns)
    p = _rows_about(stored, fields, row)
    angles = stored.angles_rad[_evenly(stored)]
    fan = center_fan(p, angles, min(row, 1), candidates)
    _draw(fan, request.picture)
    return {
        "row": row,
        "best_px": _rounded(fan.best_px),
        "error_px": _rounded(fan.error_px),
        "unsure": fan.unsure,
        "candidates_px": [round(float(c), 4) for c in fan.candidates_px],
        "scores": [round(float(s), 5) for s in fan.scores],
        "picture": str(request.picture),
    }


def _candidates(
    request: FanRequest, chosen: ChosenCenter, columns: int
) -> NDArray[np.float64]:
    """Space candidates a column apart, or widely about a center that is unsure."""
    around_px, step_px = request.around_px, request.step_px
    if step_px is None:
        wide = chosen.unsure is not None and around_px is None
        step_px = max(1.0, _WIDE * columns / (request.count - 1)) if wide else 1.0
    middle_px = chosen.center_px if around_px is None else around_px
    offsets = np.arange(request.count) - request.count // 2
    candidates = np.asarray(middle_px + offsets * step_px, np.float64)
    return candidates[(candidates > 0) & (candidates < columns)]


def _rows_about(stored: StoredScan, fields: Fields, row: int) -> NDArray[np.float32]:
    """Read a row and its neighbors, which tell zingers, of evenly spread frames."""
    first, last = max(0, row - 1), min(stored.frame_shape[0], row + 2)
    parts = [
        attenuation(batch.pixels, batch.times_s, fields, _ZINGERS)[:, first:last]
        for batch in projection_batches(stored, _evenly(stored))
    ]
    return np.concatenate(parts)


def _draw(fan: Fan, path: Path) -> None:
    panels = [
        (f"{center_px:.2f} px  {score:.4f}", picture)
        for center_px, score, picture in zip(
            fan.candidates_px, fan.scores, fan.slices, strict=True
        )
    ]
    save_contact_sheet(path, panels, int(np.argmin(fan.scores)))
