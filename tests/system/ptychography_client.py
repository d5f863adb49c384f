"""A client of a ptychography twin in a process of its own: scans, tells what came."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import ophyd
from bluesky import RunEngine
from bluesky.utils import RunEngineInterrupted
from numpy.typing import NDArray
from ophyd.signal import EpicsSignalBase

from daiss_bluesky.cli.session import READ_TIMEOUT_S
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.resources import resource
from daiss_bluesky.plans import ptychography
from daiss_devices.station import load_station

ATTRIBUTES = "entry/instrument/NDAttributes"
Documents = list[tuple[str, Any]]


def of(documents: Documents, name: str) -> list[Any]:
    return [doc for kind, doc in documents if kind == name]


def step_frames(documents: Documents) -> tuple[Path, list[int], NDArray[Any]]:
    """File, indices in it and positions of the diffraction frames, as events say."""
    streams = {d["uid"]: d["name"] for d in of(documents, "descriptor")}
    events = [
        e for e in of(documents, "event") if streams[e["descriptor"]] == "primary"
    ]
    points = {d["datum_id"]: d["datum_kwargs"]["point_number"]
              for d in of(documents, "datum")}  # fmt: skip
    (file,) = of(documents, "resource")
    said = [[e["data"][key] for key in ("piezo_y", "piezo_x")] for e in events]
    indices = [points[e["data"]["camera_image"]] for e in events]
    return Path(file["root"]) / file["resource_path"], indices, np.array(said)


def fly_frames(documents: Documents) -> tuple[Path, list[int], NDArray[Any]]:
    """The same, as streams say."""
    files = {d["data_key"]: d for d in of(documents, "stream_resource")}
    indices = {
        key: [
            i
            for d in of(documents, "stream_datum")
            if d["stream_resource"] == file["uid"]
            for i in range(d["indices"]["start"], d["indices"]["stop"])
        ]
        for key, file in files.items()
    }
    path = Path(files["camera_image"]["uri"].removeprefix("file://localhost"))
    with h5py.File(path, "r") as file:
        said = [
            file[files[key]["parameters"]["dataset"]][()][indices[key]]
            for key in ("piezo_y", "piezo_x")
        ]
    return path, indices["camera_image"], np.stack(said, axis=1)


def main() -> None:
    prefix, data_root, plan, arguments, trouble = sys.argv[1:]
    ophyd.set_cl("pyepics")
    EpicsSignalBase.set_defaults(timeout=READ_TIMEOUT_S)
    station = load_station(
        resource("profiles/twin.yml"), prefix=prefix, data_root=data_root
    )
    missing = station.missing(30.0)
    documents: Documents = []
    engine = RunEngine(context_managers=[])
    engine.subscribe(lambda name, doc: documents.append((str(name), doc)))
    happened = threading.Event()

    def make_trouble(name: str, _doc: Any) -> None:
        if name not in {"event", "stream_datum"} or len(documents) < 20:
            return
        if trouble.isdigit():
            os.kill(int(trouble), signal.SIGKILL)
        elif not happened.is_set():
            happened.set()
            threading.Thread(target=engine.abort).start()

    if trouble != "-":
        engine.subscribe(make_trouble)
    error = ""
    piezo = station.ptychography
    try:
        engine(getattr(ptychography, plan)(piezo, **json.loads(arguments)))
    except RunEngineInterrupted:
        error = "interrupted"
    except DaissError as refusal:
        error = str(refusal)
    answer: dict[str, Any] = {
        "missing": [one.pv for one in missing],
        "error": error,
        "exit_status": of(documents, "stop")[-1]["exit_status"],
        "shutter": station.shutter.position if station.shutter.connected else None,
    }
    if not error:
        answer |= facts(plan, documents)
    if not trouble.isdigit() and piezo is not None:
        answer["acquiring"] = piezo.camera.acquire.get(use_monitor=False)
        answer["speed"] = piezo.piezo_x.velocity.get(use_monitor=False)
        answer["place"] = [piezo.piezo_y.position, piezo.piezo_x.position]
    sys.stdout.write(json.dumps(answer) + "\n")


def facts(plan: str, documents: Documents) -> dict[str, Any]:
    read = fly_frames if plan == "ptycho_fly" else step_frames
    path, indices, said = read(documents)
    with h5py.File(path, "r") as file:
        names = ("piezo_y", "piezo_x")
        measured = np.stack([file[f"{ATTRIBUTES}/{n}"][()] for n in names], axis=1)
        frames = file["entry/data/data"][()]
    record = of(documents, "start")[0][PTYCHOGRAPHY_KEY]
    return {
        "num_events": of(documents, "stop")[0]["num_events"],
        "planned": record["positions_um"],
        "indices": indices,
        "said": said.tolist(),
        "measured": measured[indices].tolist(),
        "file": str(path),
        "darks": frames[: indices[0]].max(axis=(1, 2)).tolist(),
    }


if __name__ == "__main__":
    main()
