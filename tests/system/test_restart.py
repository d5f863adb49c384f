"""A service is killed in mid-scan and comes back: nothing is lost, nothing doubled.

Nor is what somebody set for the run; and what they ended stays ended.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.cli.demo.accuracy import largest_difference
from daiss_bluesky.cli.results_table import connect, find_result
from daiss_bluesky.cli.stored_scan import reconstruct_file
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.results import RAW_PATH, RECON_PATH
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.services.control_follower import StatusFollower
from daiss_bluesky.services.result_status import ResultStatus
from tests.conftest import wait_until
from tests.system.live_beamline import Beamline, running_beamline

pytestmark = pytest.mark.system

N = 30
FEW = 24
BEFORE = 3 + 3 + 2
"""Events of darks, flats and the pair."""
STALL_S = 4.0


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    with running_beamline(tmp_path_factory.mktemp("beamline")) as running:
        yield running


@pytest.fixture
def connected() -> Iterator[list[Any]]:
    """Clients of Tiled, closed at the end."""
    clients: list[Any] = []
    yield clients
    for client in clients:
        client.context.http_client.close()


def complete_result(beamline: Beamline, run_uid: str, connected: list[Any]) -> Any:
    """Wait until a run's result has ended; give Tiled's root."""
    fleet = beamline.fleet

    def answers() -> bool:
        try:
            connected.append(connect(fleet.tiled_uri, fleet.api_key()))
        except UnavailableError:
            return False
        return True

    wait_until(answers, "Tiled")
    client, uid = connected[-1], beamline.result_uid(run_uid)

    def ended() -> bool:
        found = find_result(client, uid)
        return found is not None and found["status"] != "running"

    wait_until(ended, "the result")
    return client


def check(beamline: Beamline, run_uid: str, client: Any) -> None:
    """The one result is whole and equals the batch; all events are in the raw run."""
    ours = [
        node
        for node in client[RECON_PATH].values()
        if node.metadata["raw_uid"] == run_uid
    ]
    assert len(ours) == 1
    metadata = ours[0].metadata
    assert metadata["status"] == "complete", metadata["message"]
    frames = metadata["frames"]
    assert (frames["expected"], frames["received"]) == (N, N)
    assert (frames["missing"], frames["duplicates"]) == (0, 0)
    volume = np.asarray(ours[0]["volume"][:], np.float32)
    recorded = newest_file(beamline)
    pipeline = read_pipeline(beamline.fleet.pipelines["tomography"])
    batch = reconstruct_file(recorded, pipeline, None, show=False)
    difference = largest_difference(volume, batch.arrays["volume"].__getitem__)
    assert difference <= 1e-5

    wait_until(lambda: recorded_stop(client, run_uid), "the recorded stop")
    run = client[RAW_PATH][run_uid]
    events = run.metadata["stop"]["num_events"]
    assert events == {"dark": 3, "flat": 3, "pair": 2, "primary": N}
    for stream, n in events.items():
        numbers = run[stream].read(["seq_num"])["seq_num"]
        assert sorted(np.asarray(numbers)) == list(range(1, n + 1))


def recorded_stop(client: Any, run_uid: str) -> Any:
    """Give the raw run's stop; there is no run while it is recorded anew."""
    try:
        return client[RAW_PATH][run_uid].metadata.get("stop")
    except KeyError:
        return None


def newest_file(beamline: Beamline) -> Path:
    files = beamline.fleet.data_root.rglob("*.h5")
    return max(files, key=lambda path: path.stat().st_mtime_ns)


@pytest.mark.parametrize("victim", ["reconstructor", "tiled"])
def test_killed_in_mid_scan(
    beamline: Beamline, victim: str, connected: list[Any]
) -> None:
    first, second = BEFORE + N // 3, N // 3
    scan = beamline.scan(
        angles=N, exposure_s=0.05, darks=3, flats=3, hold_at=(first, first + second)
    )
    scan.go()
    scan.wait_for_events(first)
    with beamline.killed(victim):
        scan.go()
        # The scan goes on without it.
        scan.wait_for_events(second)
    scan.go()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"
    client = complete_result(beamline, outcome["run_uid"], connected)
    check(beamline, outcome["run_uid"], client)


def test_an_ioc_that_stalls_is_waited_for(
    beamline: Beamline, connected: list[Any]
) -> None:
    scan = beamline.scan(angles=4, exposure_s=0.05, darks=3, flats=3)
    twin = beamline.process("twin")
    twin.suspend()
    scan.go()
    # As when its disk or network hangs.
    time.sleep(STALL_S)
    twin.resume()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"
    complete_result(beamline, outcome["run_uid"], connected)


@pytest.fixture
def client(beamline: Beamline) -> Iterator[ControlClient]:
    with ControlClient.of_state(beamline.fleet.state, by="jane@hutch") as client:
        yield client


@pytest.fixture
def tiled(beamline: Beamline, connected: list[Any]) -> Any:
    connected.append(connect(beamline.fleet.tiled_uri, beamline.fleet.api_key()))
    return connected[-1]


def in_work(client: ControlClient) -> str:
    """Wait until projections are in the running result; give its uid."""
    wait_until(lambda: client.status().frames_used > 0, "projections in the result")
    return client.status().result_uid


def follow_until(
    follower: StatusFollower, uid: str, holds: Callable[[ResultStatus], bool]
) -> ResultStatus:
    """Read status messages until one of a result says what is waited for."""
    found: list[ResultStatus] = []

    def is_there() -> bool:
        follower.read(0.5)
        found[:] = [one for one in follower.results.values() if one.result_uid == uid]
        return bool(found) and holds(found[0])

    wait_until(is_there, f"the status of {uid}")
    return found[0]


def test_what_is_set_is_in_force_outlives_a_crash_and_is_repeated(
    beamline: Beamline, client: ControlClient, tiled: Any
) -> None:
    first, second = BEFORE + FEW // 3, 5
    scan = beamline.scan(
        angles=FEW, exposure_s=0.05, darks=3, flats=3, hold_at=(first, first + second)
    )
    with client.follow() as follower:
        scan.go()
        scan.wait_for_events(first)
        uid = in_work(client)
        assert client.fan(count=5)["slices"].shape == (5, 64, 64)
        exact = client.sinogram(20, exact=True)
        assert exact["sinogram"].shape == (len(exact["angles_rad"]), 64)
        client.center(33.25)
        status = follow_until(
            follower, uid, lambda one: one.parameters.get("center_px") == 33.25
        )
        assert status.parameters["center_source"] == "set"
        assert status.parameters["set_by"]["center_px"]["by"] == "jane@hutch"
        with beamline.killed("reconstructor"):
            scan.go()
            scan.wait_for_events(second)
        scan.go()
        outcome = scan.outcome()
        assert outcome["exit_status"] == "success"
        ended = follow_until(follower, uid, lambda one: one.ended)
        assert (ended.status, ended.frames_used) == ("complete", FEW)

        again = client.rerun(uid, filter="hann")
        follow_until(follower, again, lambda one: one.status == "complete")
    first, second = (tiled[RECON_PATH][one].metadata for one in (uid, again))
    for metadata in (first, second):
        in_force = metadata["in_force"]
        assert (in_force["center_px"], metadata["geometry"]["center_px"]) == (
            33.25,
        ) * 2
        assert metadata["raw_uid"] == outcome["run_uid"]
        assert metadata["frames"]["used"] == FEW
    assert first["in_force"]["center_source"] == "set"
    assert first["in_force"]["set_by"]["center_px"]["by"] == "jane@hutch"
    assert first["rerun"] == {}
    assert second["rerun"]["by"] == "jane@hutch"
    assert second["rerun"]["parameters"] == {"center_px": 33.25, "filter": "hann"}
    ours, smooth = (tiled[RECON_PATH][one]["volume"][32] for one in (uid, again))
    assert ours.shape == smooth.shape
    assert np.abs(np.diff(smooth)).sum() < np.abs(np.diff(ours)).sum()


def test_an_abort_leaves_the_scan_alone(
    beamline: Beamline, client: ControlClient, tiled: Any
) -> None:
    first = BEFORE + FEW // 3
    scan = beamline.scan(
        angles=FEW, exposure_s=0.05, darks=3, flats=3, hold_at=(first,)
    )
    with client.follow() as follower:
        scan.go()
        scan.wait_for_events(first)
        uid = in_work(client)
        client.abort(uid, reason="wrong sample")
        ended = follow_until(follower, uid, lambda one: one.ended)
        assert ended.status == "incomplete"
        with pytest.raises(UnavailableError):
            client.slices(1, 1, 1)
        with beamline.killed("reconstructor"):
            scan.go()
            scan.wait_for_events(1)
        outcome = scan.outcome()
        assert outcome["exit_status"] == "success"
    assert beamline.result_uid(outcome["run_uid"]) == uid
    metadata = tiled[RECON_PATH][uid].metadata
    assert metadata["status"] == "incomplete"
    assert metadata["message"] == "aborted by jane@hutch: wrong sample"
    assert 0 < metadata["frames"]["received"] < FEW


def test_the_key_is_nowhere_but_in_its_file(beamline: Beamline) -> None:
    state = Path(beamline.fleet.state)
    key = (state / "control_key").read_bytes()
    files = [
        one
        for one in state.rglob("*")
        if one.is_file() and one.suffix in {".log", ".json", ".yml", ".err", ".out"}
    ]
    assert len(files) > 5
    assert [one for one in files if key in one.read_bytes()] == []
