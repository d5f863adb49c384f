"""Others follow a scan while it runs: with tiled.client alone, and over PVA."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daiss_bluesky.cli.results_table import connect, find_result
from daiss_bluesky.core.results import RECON_PATH
from tests.conftest import wait_until
from tests.system.live_beamline import Beamline, daiss, last_words, running_beamline

pytestmark = pytest.mark.system

N = 60
FEW = 24
BEFORE = 3 + 3 + 2
"""Events of darks, flats and the pair."""

FOLLOW_TILED = """
import hashlib, json, os, sys, threading, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from tiled.client import from_uri

uri, recon = sys.argv[1:]
client = from_uri(uri, api_key=os.environ["TILED_API_KEY"])
before = set(client[recon]) if recon in client else set()
print("ready", flush=True)
deadline = time.monotonic() + 120
while not (new := set(client[recon] if recon in client else ()) - before):
    assert time.monotonic() < deadline, "no result was opened"
    time.sleep(0.05)
result = client[f"{recon}/{new.pop()}"]
while "live" not in result or "slice_xy" not in result["live"]:
    assert time.monotonic() < deadline, "no view was made"
    time.sleep(0.05)
states, enough = set(), threading.Event()

def take(update):
    picture = np.ascontiguousarray(update.data())
    if picture.any():
        states.add(hashlib.sha256(picture.tobytes()).hexdigest())
    if len(states) >= 5:
        enough.set()

subscription = result["live/slice_xy"].subscribe()
subscription.new_data.add_callback(take)
subscription.start_in_thread(1)
print("subscribed", flush=True)
enough.wait(60)
status = client[f"{recon}/{result.item['id']}"].metadata["status"]
subscription.disconnect()
print(json.dumps({"states": len(states), "status": status}))
"""

FOLLOW_PVA = """
import json, math, sys, threading
from p4p.client.thread import Context

prefix, n = sys.argv[1], int(sys.argv[2])
context = Context("pva")
status = context.get(f"{prefix}Recon:Status", timeout=30)
seen, statuses, complete = [], [], threading.Event()

def take(value):
    raw = value.raw
    attributes = {one["name"]: one["value"] for one in raw["attribute"]}
    seen.append({
        "id": raw["uniqueId"],
        "shape": [one["size"] for one in raw["dimension"]],
        "type": raw.getID(),
        "pixels": raw["value"].size,
        "attributes": {k: v if isinstance(v, str) else float(v)
                       for k, v in attributes.items()},
    })

def told(value):
    statuses.append(value.raw["value"])
    if statuses[-1] == "complete":
        complete.set()

first = context.monitor(f"{prefix}Recon:SliceXY", take)
second = context.monitor(f"{prefix}Recon:Status", told)
print("ready", flush=True)
complete.wait(120)
names = ("FramesReceived", "FramesExpected", "FramesMissing", "Center", "RunUid")
values = {}
for name in names:
    got = context.get(f"{prefix}Recon:{name}", timeout=30)
    values[name] = got.raw["value"]
first.close()
second.close()
context.close()
print(json.dumps({"seen": seen, "statuses": statuses, "values": values}))
"""


@pytest.fixture(scope="module")
def beamline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beamline]:
    with running_beamline(tmp_path_factory.mktemp("beamline")) as running:
        yield running


def hear(follower: subprocess.Popen[str], word: str) -> None:
    """Wait for a follower's word."""
    assert follower.stdout is not None
    assert follower.stdout.readline() == f"{word}\n", follower.communicate()[1]


def test_two_followers_see_one_scan(beamline: Beamline) -> None:
    fleet = beamline.fleet
    tiled = beamline.client(FOLLOW_TILED, fleet.tiled_uri, RECON_PATH)
    pva = beamline.client(FOLLOW_PVA, fleet.prefix, str(N))
    first = BEFORE + N // 6
    scan = beamline.scan(
        angles=N, exposure_s=0.1, darks=3, flats=3, center_px=33.3, hold_at=(first,)
    )
    hear(tiled, "ready")
    hear(pva, "ready")
    scan.go()
    scan.wait_for_events(first)
    hear(tiled, "subscribed")
    scan.go()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"

    followed = last_words(tiled)
    assert followed["states"] >= 5
    assert followed["status"] == "running"

    shown = last_words(pva)
    pictures = [one for one in shown["seen"] if one["id"] > 0]
    ids = [one["id"] for one in pictures]
    assert len(ids) >= 5
    assert ids == sorted(set(ids))
    assert all(one["type"].startswith("epics:nt/NTNDArray:1") for one in pictures)
    assert all(one["shape"] == [64, 64] for one in pictures)
    assert all(one["pixels"] == 64 * 64 for one in pictures)
    attributes = pictures[-1]["attributes"]
    assert attributes["raw_uid"] == outcome["run_uid"]
    assert attributes["center_px"] == pytest.approx(33.3)
    assert attributes["frames_used"] == N
    assert attributes["angle_deg"] == pytest.approx(180 - 180 / N, abs=0.1)
    assert attributes["scan_id"] == 1
    assert shown["statuses"][-2:] == ["running", "complete"]
    assert shown["values"] == {
        "FramesReceived": N,
        "FramesExpected": N,
        "FramesMissing": 0,
        "Center": pytest.approx(33.3),
        "RunUid": outcome["run_uid"],
    }


def test_what_runs_already_is_not_started_again(beamline: Beamline) -> None:
    state = str(beamline.fleet.state)
    second = daiss("up", "--state", state, "--json")
    assert second.returncode == 2
    [line] = second.stderr.splitlines()
    assert line.startswith("error: ")
    assert "twin" in line
    assert state in line
    told = json.loads(daiss("status", "--state", state, "--json").stdout)
    assert all(one["running"] for one in told["services"])
    assert [one["status"] for one in told["results"]] == ["complete"]


def test_wishes_in_mid_scan_are_granted(beamline: Beamline, tmp_path: Path) -> None:
    fleet = beamline.fleet
    place = ("--state", str(fleet.state), "--json")
    refused = daiss("look", "--z", "10", *place)
    assert refused.returncode == 2
    assert refused.stderr == "error: no run is being reconstructed\n"
    first = BEFORE + FEW // 4
    scan = beamline.scan(
        angles=FEW, exposure_s=0.05, darks=3, flats=3, hold_at=(first,)
    )
    scan.go()
    scan.wait_for_events(first)
    picture = tmp_path / "slices.png"
    looked = daiss("look", "--z", "10", "--picture", str(picture), *place)
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["slices_zyx"] == [10, 32, 32]
    assert picture.stat().st_size > 1000
    moved = daiss("recenter", "33.0", *place)
    assert moved.returncode == 0, moved.stderr
    scan.go()
    outcome = scan.outcome()
    assert outcome["exit_status"] == "success"
    client = connect(fleet.tiled_uri, fleet.api_key())
    uid = beamline.result_uid(outcome["run_uid"])

    def ended() -> bool:
        found = find_result(client, uid)
        return found is not None and found["status"] != "running"

    wait_until(ended, "the result")
    result = find_result(client, uid)
    client.context.http_client.close()
    assert result is not None
    assert result["status"] == "complete"
    assert result["frames"]["used"] == FEW
    assert result["in_force"]["center_px"] == 33.0
    assert result["in_force"]["center_source"] == "set"
    assert list(result["in_force"]["slices_zyx"]) == [10, 32, 32]
