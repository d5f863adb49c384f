"""`daiss demo` from start to end: every projection, right values, nothing left."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.system.demo_process import start_demo

pytestmark = pytest.mark.system

KEYS = {
    "run_uid", "result_uid", "tiled_uri", "frames_expected", "frames_received",
    "frames_missing", "duplicates", "volume_shape", "center_px", "center_true_px",
    "nrmse", "nrmse_reference", "gain", "streamed_vs_batch", "first_slice_s",
    "lag_p95_s", "tail_s", "frames_per_s",
}  # fmt: skip
MEASURED = "tomo_savu_image_test.npz"


def run(place: Path, *options: str) -> dict[str, Any]:
    demo = start_demo(place, *options)
    report = demo.report()
    demo.assert_nothing_left()
    assert report.keys() >= KEYS
    assert report["status"] == "complete"
    assert report["frames_missing"] == report["duplicates"] == 0
    assert report["frames_received"] == report["frames_expected"]
    assert report["streamed_vs_batch"] <= 1e-5
    assert min(report[key] for key in ("first_slice_s", "lag_p95_s", "tail_s")) > 0
    assert report["frames_per_s"] > 0
    with Image.open(place / "demo.png") as picture:
        assert picture.width > 100
    return report


@pytest.mark.parametrize(
    "options",
    [
        ["--angles", "60", "--fly"],
        ["--angles", "16", "--order", "golden", "--flats-after", "5"],
    ],
    ids=["fly", "golden"],
)
def test_the_volume_is_as_good_as_the_reference(
    tmp_path: Path, options: list[str]
) -> None:
    report = run(tmp_path, "--size", "64", *options)
    # A flight takes frames beyond the half turn, so that the whole of it is covered.
    assert report["frames_expected"] >= int(options[1])
    assert report["volume_shape"] == [64, 64, 64]
    assert abs(report["center_px"] - report["center_true_px"]) <= 0.25
    assert report["nrmse"] <= 1.02 * report["nrmse_reference"]


@pytest.mark.data
def test_a_measured_scan_is_replayed(tmp_path: Path) -> None:
    scan = Path(os.environ.get("DAISS_DATA", "../shared/data")).resolve() / MEASURED
    if not scan.exists():
        pytest.skip(f"DAISS_DATA names no folder with {MEASURED}")
    report = run(tmp_path, "--scan", str(scan))
    assert report["frames_received"] == 91
    assert 86 <= report["center_px"] <= 87
    assert report["replayed_vs_file"] <= 1e-5
