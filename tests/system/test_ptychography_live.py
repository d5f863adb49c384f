"""Live ptychography through real services: killed, aborted, beside tomography."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.cli.results_table import connect, find_result
from daiss_bluesky.core.results import RECON_PATH
from tests.conftest import wait_until
from tests.system.demo_process import start_demo
from tests.system.live_beamline import Beamline, running_beamline

pytestmark = pytest.mark.system

PTYCHOGRAPHY = "ptychography"
KEYS = {
    "frames_expected", "frames_received", "frames_missing", "frames_paired",
    "residual", "frc_half_period_px", "first_map_s", "first_image_frames",
    "first_image_s", "lag_p95_s", "tail_s", "frame_iterations_per_s", "truth_error",
}  # fmt: skip
SPIRAL: dict[str, Any] = {
    "step_um": 0.3,
    "extent_um": 2.0,
    "exposure_s": 0.03,
    "darks": 3,
}
FINAL = ("object", "probe", "positions_um")


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    place = tmp_path_factory.mktemp("beamline")
    with running_beamline(place, "--ptychography") as running:
        yield running


@pytest.fixture
def tiled(beamline: Beamline) -> Iterator[Any]:
    client = connect(beamline.fleet.tiled_uri, beamline.fleet.api_key())
    yield client
    client.context.http_client.close()


def result_of(tiled: Any, uid: str, since_s: float = 0.0) -> Mapping[str, Any]:
    """Wait for a result that ended after a time; give its metadata."""

    def ended() -> bool:
        found = find_result(tiled, uid)
        return (
            found is not None
            and found["status"] != "running"
            and (found.get("finished") or 0.0) > since_s
        )

    wait_until(ended, "the result")
    found = find_result(tiled, uid)
    assert found is not None
    return found


def arrays_of(tiled: Any, uid: str) -> dict[str, NDArray[Any]]:
    container = tiled[RECON_PATH][uid]
    return {name: np.asarray(container[name].read()) for name in FINAL}


def test_killed_in_mid_scan_it_gives_the_same(beamline: Beamline, tiled: Any) -> None:
    scan = beamline.scan("ptycho_spiral", hold_at=(3 + 20, 3 + 30), **SPIRAL)
    scan.go()
    scan.wait_for_events(3 + 20)
    with beamline.killed("reconstructor"):
        scan.go()
        scan.wait_for_events(10)
    scan.go()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"
    uid = beamline.result_uid(outcome["run_uid"], PTYCHOGRAPHY)
    first = result_of(tiled, uid)
    assert first["status"] == "complete", first["message"]
    frames = first["frames"]
    assert frames["received"] == frames["expected"] > 30
    assert (frames["missing"], frames["duplicates"]) == (0, 0)
    killed = arrays_of(tiled, uid)
    # Without a memory of what it has done it does all runs over, this one in one go.
    # There is none yet where the kill falls between a result and the note of it.
    with beamline.killed("reconstructor"):
        position = beamline.fleet.state / "reconstructor.position"
        position.unlink(missing_ok=True)
    again = result_of(tiled, uid, first["finished"])
    assert again["status"] == "complete"
    for name, array in arrays_of(tiled, uid).items():
        np.testing.assert_array_equal(array, killed[name])


def test_aborted_it_publishes_what_there_is(beamline: Beamline, tiled: Any) -> None:
    scan = beamline.scan("ptycho_spiral", abort_after=20, **SPIRAL)
    scan.go()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "abort"
    uid = beamline.result_uid(outcome["run_uid"], PTYCHOGRAPHY)
    result = result_of(tiled, uid)
    assert result["status"] == "incomplete", result["message"]
    frames = result["frames"]
    assert 20 <= frames["received"] < frames["expected"]
    assert frames["used"] == frames["received"]
    assert frames["missing"] == frames["expected"] - frames["received"]
    arrays = arrays_of(tiled, uid)
    assert len(arrays["positions_um"]) == frames["received"]
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_a_tomography_run_goes_through_the_same_services(
    beamline: Beamline, tiled: Any
) -> None:
    scan = beamline.scan(angles=12, exposure_s=0.01, darks=3, flats=3)
    scan.go()
    run_uid = scan.outcome()["run_uid"]
    tomography = result_of(tiled, beamline.result_uid(run_uid))
    assert tomography["technique"] == "tomography"
    assert tomography["frames"]["received"] == 12
    scan = beamline.scan("ptycho_grid", **(SPIRAL | {"extent_um": 0.6}))
    scan.go()
    run_uid = scan.outcome()["run_uid"]
    result = result_of(tiled, beamline.result_uid(run_uid, PTYCHOGRAPHY))
    assert result["status"] == "complete", result["message"]
    assert result["technique"] == PTYCHOGRAPHY
    assert result["frames"]["received"] == 9


def test_the_demo_prints_what_it_found(tmp_path: Path) -> None:
    options = ("--size", "64", "--step-um", "0.3", "--extent-um", "2.4")
    demo = start_demo(tmp_path, "--ptycho", *options)
    report = demo.report()
    demo.assert_nothing_left()
    assert report.keys() >= KEYS
    assert report["status"] == "complete"
    assert report["frames_received"] == report["frames_expected"] > 40
    assert report["frames_paired"] == report["frames_received"]
    assert report["frames_missing"] == report["duplicates"] == 0
    assert report["residual"] < 0.1
    assert report["frc_half_period_px"] < 2.2
    assert report["truth_error"] < 0.1
    assert min(report[key] for key in ("first_map_s", "lag_p95_s", "tail_s")) > 0
    assert report["frame_iterations_per_s"] > 0
