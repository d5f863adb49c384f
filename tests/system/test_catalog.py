"""A run with frames and its reconstruction, found the ways users look for them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from event_model import compose_run, compose_stream_resource

from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final
from daiss_bluesky.services.tiled_server import write_profile
from daiss_bluesky.testing.publisher_contract import make_result, make_update
from daiss_callbacks.document_publisher import DocumentPublisher
from tests.conftest import Proxy, RecorderProcess, TiledServer, wait_until

pytestmark = pytest.mark.system
SHAPE = (3, 4, 5)


def run_documents(data_root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Compose a run with frames in an HDF5 file and pictures inside its events."""
    path = data_root / "frames.h5"
    frames = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)
    with h5py.File(path, "w") as file:
        file.create_dataset("/entry/data/data", data=frames, chunks=(1, *SHAPE[1:]))
    run = compose_run()
    yield "start", run.start_doc
    key = {"source": "test", "shape": [1, *SHAPE[1:]], "dtype": "array"}
    descriptor = run.compose_descriptor(
        name="primary",
        data_keys={
            "camera": key | {"external": "STREAM:", "dtype_numpy": "<u2"},
            "picture": {"source": "test", "shape": [6, 6], "dtype": "array"},
            "angle": {"source": "test", "shape": [], "dtype": "number"},
        },
    )
    yield "descriptor", descriptor.descriptor_doc
    resource = compose_stream_resource(
        mimetype="application/x-hdf5",
        uri=f"file://localhost{path}",
        data_key="camera",
        parameters={"dataset": "/entry/data/data", "chunk_shape": (1, *SHAPE[1:])},
        start=run.start_doc,
    )
    yield "stream_resource", resource.stream_resource_doc
    for i in range(SHAPE[0]):
        data = {"picture": np.full((6, 6), float(i)), "angle": 10.0 * i}
        stamps = dict.fromkeys(data, 0.0)
        event = descriptor.compose_event(data=data, timestamps=stamps)
        yield (
            "stream_datum",
            resource.compose_stream_datum(
                indices={"start": i, "stop": i + 1},
                seq_nums={"start": i + 1, "stop": i + 2},
                descriptor=descriptor.descriptor_doc,
            ),
        )
        yield "event", event
    yield "stop", run.compose_stop()


LOOK = """
import sys
from databroker import catalog
from tiled.client import from_profile
from tiled.queries import Key
uid = sys.argv[1]
for root in (catalog["daiss"], from_profile("daiss")):
    run = root["raw"][uid]
    print(run.metadata["start"]["uid"] == uid, root["raw"][-1].metadata["start"]["uid"])
    print(run["primary"]["camera"].read().shape, run["primary"]["picture"].read().shape)
    (found,) = root["recon"].search(Key("raw_uid") == uid).values()
    print(found.metadata["status"], found["volume"].read().shape)
"""


def test_a_run_and_its_reconstruction_are_found(
    own_tiled_server: TiledServer,
    tmp_path: Path,
    proxy: Proxy,
    make_recorder: Callable[[Path, TiledServer], RecorderProcess],
) -> None:
    own_tiled_server.start()
    proxy.start()
    make_recorder(tmp_path, own_tiled_server).start()
    with DocumentPublisher(tmp_path / "journal", proxy.in_address) as publisher:
        documents = list(run_documents(tmp_path / "raw"))
        for name, doc in documents:
            publisher(name, doc)
    uid = documents[0][1]["uid"]
    root = own_tiled_server.connect()
    wait_until(lambda: "raw" in root, "the catalog of runs")
    wait_until(lambda: uid in root["raw"], "the run")
    wait_until(lambda: "stop" in root["raw"][uid].metadata, "the end of the run")

    tiled = own_tiled_server.publisher()
    result = make_result(run_uid=uid)
    tiled.open(result)
    tiled.write(make_update(1))
    volume = np.ones((2, 3, 4), np.float32)
    tiled.close(Final("complete", Progress(3, 3, 3), arrays={"volume": volume}))

    profiles = write_profile(own_tiled_server.state_dir, own_tiled_server.port)
    environment = os.environ | {"TILED_PROFILES": str(profiles)}
    environment.pop("TILED_API_KEY", None)
    seen = subprocess.run(
        [sys.executable, "-c", LOOK, uid],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = seen.stdout.strip().splitlines()
    once = [f"True {uid}", "(3, 1, 4, 5) (3, 6, 6)", "complete (2, 3, 4)"]
    assert lines[-6:] == once * 2
