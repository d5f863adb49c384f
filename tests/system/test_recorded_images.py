"""Images of every stream read from Tiled are that stream's frames in the file."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import event_model
import h5py
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from numpy.typing import NDArray
from ophyd_async.core import (
    StaticPathProvider,
    TriggerInfo,
    UUIDFilenameProvider,
    init_devices,
)
from ophyd_async.epics import adcore, adsimdetector

from daiss_bluesky.core.results import RAW_PATH
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.journal import Record
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.recorder import RAW_SPEC
from daiss_bluesky.services.recording import Recording
from daiss_bluesky.testing.documents import (
    ATTRIBUTES,
    DATASET,
    IMAGE_KEY,
    Style,
    compose_scan,
)
from daiss_bluesky.testing.stages import FLY_ANGLE, ROTATION_KEY
from daiss_devices.station import TomographyStation
from tests.conftest import TiledServer
from tests.system.twin_process import LIMIT_S, TwinProcess

pytestmark = pytest.mark.system

THETA = f"{ATTRIBUTES}/theta"
NEWS = ("event", "stream_datum")


class Recorder:
    """Records documents as they come, and reads back what they tell of at once."""

    def __init__(self, server: TiledServer, position: Path) -> None:
        self._http = TiledHttp(server.uri, server.api_key)
        self._http.create(RAW_PATH, "container", specs=[RAW_SPEC])
        place = Position(position, "journal")
        self._recording = Recording(self._http, server.api_key, place, Counter())
        self._raw = server.connect(RAW_PATH)
        self._streams: dict[str, str] = {}
        self._sequence = 0
        self.uid = ""
        self.image_key = IMAGE_KEY
        self.seen: dict[str, list[NDArray[Any]]] = defaultdict(list)
        """Each stream's image array, as it was read during the run."""
        self.path: Path | None = None

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        self._sequence += 1
        record = Record(self._sequence, 0.0, str(name), doc)
        self._recording.take([record], 0.0)
        if name == "start":
            self.uid = doc["uid"]
        elif name == "resource":
            self.path = Path(doc["root"]) / doc["resource_path"]
        elif name == "stream_resource":
            self.path = Path(urlsplit(doc["uri"]).path)
        elif name == "descriptor":
            self._streams[doc["uid"]] = doc["name"]
        elif name in NEWS:
            self._look(self._streams[doc["descriptor"]])

    def take_at_once(self, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Record documents that have waited."""
        records = [Record(k, 0.0, name, doc) for k, (name, doc) in enumerate(documents)]
        self.uid = records[0].doc["uid"]
        self._recording.take(records, 60.0)

    def _look(self, stream: str) -> None:
        node = self._raw[self.uid][stream]
        if self.image_key in node:
            self.seen[stream].append(node[self.image_key].read())

    def lengths(self, stream: str) -> list[int]:
        return [len(array) for array in self.seen[stream]]

    def read(self, stream: str, key: str | None = None) -> NDArray[Any]:
        array: NDArray[Any] = self._raw[self.uid][stream][key or self.image_key].read()
        return array

    def close(self) -> None:
        self._recording.close()
        self._http.close()


@pytest.fixture
def recorder(tiled_server: TiledServer, tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tiled_server, tmp_path / "position")
    yield recorder
    recorder.close()


@pytest.mark.parametrize(
    ("style", "frames_per_event"),
    [("resource", 3), ("stream", 3), ("fly", 1), ("async_fly", 2)],
)
def test_streams_that_share_a_file(
    tiled_server: TiledServer, recorder: Recorder, style: Style, frames_per_event: int
) -> None:
    path = tiled_server.data_roots[0] / f"{style}{frames_per_event}.h5"
    scan = compose_scan(style, path, frames_per_event=frames_per_event)
    for name, doc in scan.documents:
        recorder(name, doc)
    for stream in ("dark", "flat", "primary"):
        frames = [
            scan.pixels[key] for key in sorted(scan.pixels) if key.stream == stream
        ]
        read = recorder.read(stream)
        assert read.shape == (len(frames) // frames_per_event, frames_per_event, 4, 6)
        np.testing.assert_array_equal(read.reshape(-1, 4, 6), frames)
        for seen in recorder.seen[stream]:
            np.testing.assert_array_equal(seen, read[: len(seen)])
        assert len(recorder.seen[stream][-1]) == len(read)
    if style == "fly":
        with h5py.File(path) as file:
            angles = file[f"{ATTRIBUTES}/{FLY_ANGLE}"][4 * frames_per_event :]
        read = recorder.read("primary", ROTATION_KEY)
        np.testing.assert_array_equal(read.ravel(), angles)


@pytest.fixture(scope="module")
def server(
    twin: TwinProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TiledServer]:
    """A server that may read the twin's files."""
    server = TiledServer(tmp_path_factory.mktemp("images"), [twin.data_root])
    server.start()
    yield server
    server.close()


@pytest.fixture
def live(server: TiledServer, tmp_path: Path) -> Iterator[Recorder]:
    live = Recorder(server, tmp_path / "position")
    yield live
    live.close()


@pytest.fixture
def engine(live: Recorder) -> RunEngine:
    engine = RunEngine(context_managers=[])
    engine.subscribe(live)
    return engine


def check(live: Recorder, rows: Mapping[str, Sequence[int]]) -> None:
    """Compare every stream with its rows of the file, as the plan wrote them."""
    with h5py.File(live.path, "r") as file:
        frames = file[DATASET][()]
    every = sorted(row for part in rows.values() for row in part)
    assert every == list(range(len(frames)))
    assert len({frame.tobytes() for frame in frames}) == len(frames)
    for stream, part in rows.items():
        read = live.read(stream)
        np.testing.assert_array_equal(read[:, 0], frames[list(part)])
        for seen in live.seen[stream]:
            np.testing.assert_array_equal(seen, read[: len(seen)])
        lengths = live.lengths(stream)
        assert lengths == sorted(lengths)
        assert lengths[-1] == len(part)


def test_a_step_scan(
    station: TomographyStation, engine: RunEngine, live: Recorder
) -> None:
    engine(tomo_scan(station, 5, exposure_s=0.005, darks=2, flats=3, flats_after=2))
    rows = {"dark": [0, 1], "flat": [2, 3, 4, 12, 13], "pair": [5, 6]}
    check(live, rows | {"primary": range(7, 12)})
    assert live.lengths("flat") == [1, 2, 3, 4, 5]
    assert live.lengths("primary") == [1, 2, 3, 4, 5]


def test_a_fly_scan(
    station: TomographyStation, engine: RunEngine, live: Recorder
) -> None:
    engine(tomo_fly(station, 45, exposure_s=0.02, darks=2, flats=2, flats_after=1))
    n = len(live.read("primary"))
    rows = {"dark": [0, 1], "flat": [2, 3, 6 + n], "pair": [4, 5]}
    check(live, rows | {"primary": range(6, 6 + n)})
    with h5py.File(live.path, "r") as file:
        angles = file[THETA][6 : 6 + n]
    read = live.read("primary", station.rotation.name)
    np.testing.assert_array_equal(read.ravel(), angles)


def test_an_ophyd_async_camera_with_two_streams(
    twin: TwinProcess, engine: RunEngine, live: Recorder
) -> None:
    provider = StaticPathProvider(UUIDFilenameProvider(), twin.data_root)
    with init_devices(timeout=LIMIT_S):
        camera = adsimdetector.SimDetector(
            twin.prefix, adcore.ADWriterFactory.hdf(provider), name="camera"
        )

    @bpp.stage_decorator([camera])
    @bpp.run_decorator()
    def plan() -> Any:
        exposure = TriggerInfo(number_of_events=1, livetime=0.01, deadtime=0.0)
        yield from bps.prepare(camera, exposure, wait=True)
        for stream in ("dark", "dark", "primary", "primary", "primary", "dark"):
            yield from bps.trigger_and_read([camera], name=stream)

    live.image_key = "camera"
    engine(plan())
    check(live, {"dark": [0, 1, 5], "primary": [2, 3, 4]})


def write_frames(path: Path, n: int, first: int = 0) -> NDArray[Any]:
    """Write frames that hold numbers from first on; give them."""
    numbers = np.arange(first, first + n, dtype=np.uint16)
    frames = np.broadcast_to(numbers[:, None, None], (n, 4, 6))
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset(DATASET, data=frames, chunks=(1, 4, 6))
    return np.array(frames)


def compose_by_hand(
    parts: Sequence[tuple[Path, Sequence[int]]],
) -> Iterator[tuple[str, Any]]:
    """Compose a stream that begins anew, with a descriptor, for each part.

    A part is a file and the point numbers of its events; a file is announced once.
    """
    run = event_model.compose_run()
    yield "start", run.start_doc
    image = {"source": "camera", "dtype": "array", "shape": [1, 4, 6]}
    image |= {"dtype_numpy": "<u2", "external": "FILESTORE:"}
    resources: dict[Path, Any] = {}
    for path, points in parts:
        bundle = run.compose_descriptor(name="primary", data_keys={IMAGE_KEY: image})
        yield "descriptor", bundle.descriptor_doc
        if path not in resources:
            resources[path] = run.compose_resource(
                spec="AD_HDF5",
                root=str(path.parent),
                resource_path=path.name,
                resource_kwargs={"frame_per_point": 1},
            )
            yield "resource", resources[path].resource_doc
        for point in points:
            datum = resources[path].compose_datum({"point_number": point})
            yield "datum", datum
            yield (
                "event",
                bundle.compose_event(
                    data={IMAGE_KEY: datum["datum_id"]},
                    timestamps={IMAGE_KEY: 0.0},
                    filled={IMAGE_KEY: False},
                ),
            )
    yield "stop", run.compose_stop()


def test_a_point_taken_again_after_a_pause(
    tiled_server: TiledServer, recorder: Recorder
) -> None:
    path = tiled_server.data_roots[0] / "paused.h5"
    frames = write_frames(path, 5)
    for name, doc in compose_by_hand([(path, [0, 1]), (path, [3, 4])]):
        recorder(name, doc)
    np.testing.assert_array_equal(recorder.read("primary")[:, 0], frames[[0, 1, 3, 4]])
    assert recorder.lengths("primary") == [1, 2, 3, 4]


def test_documents_that_come_all_at_once(
    tiled_server: TiledServer, recorder: Recorder
) -> None:
    path = tiled_server.data_roots[0] / "waited.h5"
    frames = write_frames(path, 7)
    parts = [(path, [0, 1]), (path, [3, 4, 6])]
    recorder.take_at_once(compose_by_hand(parts))
    rows = [0, 1, 3, 4, 6]
    np.testing.assert_array_equal(recorder.read("primary")[:, 0], frames[rows])


def test_files_one_after_the_other(
    tiled_server: TiledServer, recorder: Recorder
) -> None:
    first, second = (tiled_server.data_roots[0] / f"part{i}.h5" for i in (1, 2))
    frames = [write_frames(first, 3), write_frames(second, 2, 3)]
    recorder.image_key = "not read meanwhile: the second file has frames to come"
    for name, doc in compose_by_hand([(first, range(3)), (second, range(2))]):
        recorder(name, doc)
    read = recorder.read("primary", IMAGE_KEY)
    np.testing.assert_array_equal(read[:, 0], np.concatenate(frames))
