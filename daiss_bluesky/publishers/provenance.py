"""What a result says about itself, as plain values."""

from typing import Any

from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Result


def describe(result: Result) -> dict[str, Any]:
    """Say what is known when a reconstruction begins."""
    scan = result.scan
    return {
        "result_uid": result.uid,
        "raw_uid": scan.run_uid,
        "scan_id": scan.scan_id,
        "sample": scan.sample,
        "proposal": scan.proposal,
        "operator": scan.operator,
        "comment": scan.comment,
        "technique": scan.technique,
        "algorithm": result.algorithm,
        "parameters": dict(result.parameters),
        "rerun": dict(result.rerun),
        "geometry": _geometry(result),
        "versions": dict(result.versions),
        "device": result.device,
        "memory_bytes": result.memory_bytes,
        "status": "running",
        "message": "",
        "started": result.started_s,
        "finished": None,
    }


def _geometry(result: Result) -> dict[str, Any]:
    scan = result.scan
    known: dict[str, Any] = {
        "pixel_size_um": scan.pixel_size_um,
        "energy_kev": scan.energy_kev,
        "distance_mm": scan.distance_mm,
        "frame_shape": list(result.frame_shape),
    }
    if isinstance(scan, PtychographyScan):
        known |= {"field": scan.field, "detector_pixel_um": scan.detector_pixel_um}
    else:
        known["center_px"] = scan.center_px
    return known


def describe_progress(progress: Progress) -> dict[str, Any]:
    """Say how far it is, in the keys that change while it runs."""
    found: dict[str, Any] = {
        "frames": {
            "expected": progress.frames_expected,
            "received": progress.frames_received,
            "used": progress.frames_used,
            "missing": progress.frames_missing,
            "duplicates": progress.duplicates,
        },
        "coverage": progress.coverage,
        "quality": dict(progress.quality),
        "steps": {"done": progress.step, "of": progress.steps},
        "in_force": dict(progress.parameters),
    }
    center = progress.parameters.get("center_px")
    if center is not None:
        found["geometry"] = {"center_px": center}
    return found


def describe_end(final: Final) -> dict[str, Any]:
    """Say how it ended."""
    return {
        "status": final.status,
        "message": final.message,
        "finished": final.finished_s,
        **describe_progress(final.progress),
    }
