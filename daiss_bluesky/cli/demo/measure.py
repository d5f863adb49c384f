"""The figures of a demo, each from where a user would find it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.cli.demo.accuracy import (
    central_slices,
    compare,
    largest_difference,
    reference_slices,
)
from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.demo.outcome import Outcome
from daiss_bluesky.cli.demo.report import Report
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.picture import save_picture
from daiss_bluesky.cli.results_table import connect
from daiss_bluesky.cli.stored_scan import reconstruct_file
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.readers import open_scan
from daiss_bluesky.services.state import StateDirectory, read_json
from daiss_bluesky.testing.phantoms import load_phantom, porous_grain, truth


def measure(fleet: Fleet, options: DemoOptions, outcome: Outcome) -> Report:
    """Read the result back from Tiled and judge it."""
    result = outcome.result
    container = connect(fleet.tiled_uri, fleet.api_key())[RECON_PATH][
        result["result_uid"]
    ]
    volume = None
    if "volume" in container:
        volume = np.asarray(container["volume"][:], dtype=np.float32)
    picture = None
    if volume is not None:
        picture = _save(options.picture, volume, result)
    # A real beamline's folder holds more than this run's file.
    ours = options.beamline is None
    whole = ours and result["status"] == "complete" and volume is not None
    figures: dict[str, Any] = {}
    if whole and volume is not None:
        figures = _compare_with_file(fleet, options, volume)
        if options.scan is None:
            figures |= _compare_with_truth(fleet, options, volume)
    return Report(
        run_uid=outcome.run_uid,
        result_uid=result["result_uid"],
        tiled_uri=fleet.tiled_uri,
        status=result["status"],
        message=result["message"],
        volume_shape=None if volume is None else list(volume.shape),
        slice_xy=None if volume is None else volume[len(volume) // 2],
        picture=picture,
        interrupted=outcome.interrupted,
        **_told(result),
        **figures,
    )


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the result's metadata says of itself."""
    frames, timing = result["frames"], result.get("timing", {})
    peak_bytes = timing.get("peak_resident_bytes")
    return {
        "frames_expected": frames["expected"],
        "frames_received": frames["received"],
        "frames_missing": frames["missing"],
        "duplicates": frames["duplicates"],
        "center_px": result["in_force"].get("center_px"),
        "center_source": result["in_force"].get("center_source"),
        "first_slice_s": timing.get("first_slice_s"),
        "lag_p95_s": timing.get("lag_p95_s"),
        "tail_s": timing.get("tail_s"),
        "frames_per_s": timing.get("frames_per_s"),
        "updates": timing.get("updates", 0),
        "reconstructor_peak_gb": peak_bytes and peak_bytes / 1e9,
    }


def recorded_file(fleet: Fleet) -> Path:
    """Find the detector's file of the demo's one run."""
    [path] = StateDirectory(fleet.state).raw.rglob("*.h5")
    return path


def _compare_with_file(
    fleet: Fleet, options: DemoOptions, volume: NDArray[np.float32]
) -> dict[str, float]:
    pipeline = read_pipeline(fleet.pipelines["tomography"])
    figures = {}
    sources = {"streamed_vs_batch": recorded_file(fleet)}
    if options.scan is not None:
        sources["replayed_vs_file"] = options.scan
    for name, path in sources.items():
        batch = reconstruct_file(path, pipeline, options.center_px, show=False)
        figures[name] = largest_difference(volume, batch.arrays["volume"].__getitem__)
    return figures


def _compare_with_truth(
    fleet: Fleet, options: DemoOptions, volume: NDArray[np.float32]
) -> dict[str, float]:
    sample = Path(options.sample)
    phantom = load_phantom(sample) if sample.suffix else porous_grain()
    rows = central_slices(len(volume))
    right = truth(phantom, volume.shape)[rows]
    twin = read_json(StateDirectory(fleet.state).ready / "twin.json", "the twin's file")
    center_px = float(twin["center_true_px"])
    live = compare(volume[rows], right)
    reference = reference_slices(open_scan(recorded_file(fleet)), center_px)
    return {
        "center_true_px": center_px,
        "nrmse": live.nrmse,
        "nrmse_reference": compare(reference, right).nrmse,
        "gain": live.gain,
    }


def _save(path: Path, volume: NDArray[np.float32], result: Mapping[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    z, y, x = (n // 2 for n in volume.shape)
    panels = {
        f"slice z = {z}": volume[z],
        f"slice y = {y}": volume[:, y],
        f"slice x = {x}": volume[:, :, x],
    }
    frames = result["frames"]
    caption = (
        f"{result['sample']}, scan {result['scan_id']}: {result['status']},"
        f" {frames['used']} of {frames['expected']} projections"
    )
    save_picture(path, panels, caption)
    return str(path)
