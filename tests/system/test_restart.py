"""A service is killed in mid-scan and comes back: nothing is lost, nothing doubled."""

from collections.abc import Iterator
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
from tests.conftest import wait_until
from tests.system.live_beamline import Beamline, running_beamline

pytestmark = pytest.mark.system

N = 60
BEFORE = 3 + 3 + 2
"""Events of darks, flats and the pair."""


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

    run = client[RAW_PATH][run_uid]
    wait_until(lambda: run.refresh().metadata.get("stop"), "the recorded stop")
    events = run.metadata["stop"]["num_events"]
    assert events == {"dark": 3, "flat": 3, "pair": 2, "primary": N}
    for stream, n in events.items():
        numbers = run[stream].read(["seq_num"])["seq_num"]
        assert sorted(np.asarray(numbers)) == list(range(1, n + 1))


def newest_file(beamline: Beamline) -> Path:
    files = beamline.fleet.data_root.rglob("*.h5")
    return max(files, key=lambda path: path.stat().st_mtime_ns)


@pytest.mark.parametrize("victim", ["reconstructor", "tiled"])
def test_killed_in_mid_scan(
    beamline: Beamline, victim: str, connected: list[Any]
) -> None:
    scan = beamline.scan(angles=N, exposure_s=0.05, darks=3, flats=3)
    scan.go()
    scan.wait_for_events(BEFORE + N // 3)
    with beamline.killed(victim):
        # The scan goes on without it.
        scan.wait_for_events(N // 4)
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"
    client = complete_result(beamline, outcome["run_uid"], connected)
    check(beamline, outcome["run_uid"], client)
