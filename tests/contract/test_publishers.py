"""Every publisher holds to the contract; what is special to one follows it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from p4p.client.thread import Context
from tiled.queries import Key

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Publisher, Result, Update
from daiss_bluesky.publishers.memory import MemoryPublisher
from daiss_bluesky.publishers.pacing import PacedPublisher
from daiss_bluesky.publishers.pv_names import pv_name
from daiss_bluesky.publishers.pva import PvaPublisher
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.epics_environment import EpicsPorts, results_environment
from daiss_bluesky.services.reconstructor import publishers_of
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.testing.publisher_contract import (
    VIEWS,
    PublisherContract,
    make_final,
    make_result,
    make_update,
    make_views,
)
from tests.conftest import TiledServer


class TestMemoryPublisher(PublisherContract):
    @pytest.fixture
    def publisher(self) -> Publisher:
        self._publisher = MemoryPublisher()
        return self._publisher

    def views(self, result: Result) -> Mapping[str, NDArray[Any]]:
        final = self._publisher.finals.get(result.uid)
        return final.views if final else self._publisher.updates[result.uid][-1].views

    def status(self, result: Result) -> Mapping[str, Any]:
        final = self._publisher.finals.get(result.uid)
        progress = final.progress if final else Progress()
        return {
            "status": final.status if final else "running",
            "frames_received": progress.frames_received,
            "frames_missing": progress.frames_missing,
            "center_px": progress.parameters.get("center_px"),
        }


@pytest.mark.system
class TestTiledPublisher(PublisherContract):
    @pytest.fixture
    def publisher(self, tiled_server: TiledServer) -> Publisher:
        self._root = tiled_server.connect()
        return tiled_server.publisher()

    def views(self, result: Result) -> Mapping[str, NDArray[Any]]:
        live = self._root["recon", result.uid, "live"]
        return {name: live[name].read() for name in live}

    def status(self, result: Result) -> Mapping[str, Any]:
        metadata = self._root["recon", result.uid].metadata
        return {
            "status": metadata["status"],
            "frames_received": metadata["frames"]["received"],
            "frames_missing": metadata["frames"].get("missing"),
            "center_px": metadata["geometry"].get("center_px"),
        }

    def numbers(self, result: Result) -> list[int]:
        table = self._root["recon", result.uid, "progress"].read()
        return [int(n) for n in table["number"]]

    def test_the_volume_is_registered_and_read(self, publisher: Publisher) -> None:
        result = make_result(pixel_size_um=0.5)
        publisher.open(result)
        final = make_final(1)
        publisher.close(final)
        assert isinstance(publisher, TiledPublisher)
        # As after an end that had to wait, without its arrays.
        publisher.close(publisher.keep(final))
        container = self._root["recon", result.uid]
        np.testing.assert_array_equal(
            container["volume"].read(), final.arrays["volume"]
        )
        (source,) = container["volume"].include_data_sources().data_sources()
        assert str(source.management) == "external"
        (found,) = (
            self._root["recon"].search(Key("raw_uid") == result.scan.run_uid).values()
        )
        assert found.metadata["result_uid"] == result.uid
        assert found.metadata["geometry"]["pixel_size_um"] == 0.5
        assert [spec.name for spec in found.specs] == ["DaissReconstruction"]

    def test_there_is_one_row_an_update(self, publisher: Publisher) -> None:
        result = make_result()
        publisher.open(result)
        for number in (1, 1, 2, 5):
            publisher.write(make_update(number))
        publisher.close(make_final(6))
        assert self.numbers(result) == [1, 2, 5, 6]
        table = self._root["recon", result.uid, "progress"].read()
        assert (table["lag_s"][:3] >= 0.5).all()
        assert list(table["center_px"]) == [3.5, 3.5, 3.5, 3.25]
        publisher.open(result)
        publisher.write(make_update(1))
        assert self.numbers(result) == [1]

    def test_a_subscriber_sees_every_update(self, publisher: Publisher) -> None:
        result = make_result()
        publisher.open(result)
        publisher.write(make_update(1))
        subscription = self._root["recon", result.uid, "live", "slice_xy"].subscribe()
        seen: list[float] = []
        five = threading.Event()

        def note(update: Any) -> None:
            seen.append(float(update.data()[3, 3]))
            if len(seen) == 5:
                five.set()

        subscription.new_data.add_callback(note)
        subscription.start_in_thread(1)
        for number in range(2, 6):
            publisher.write(make_update(number))
        assert five.wait(60)
        subscription.disconnect()
        assert seen == [1, 2, 3, 4, 5]

    def test_a_view_may_change_its_shape(self, publisher: Publisher) -> None:
        result = make_result()
        publisher.open(result)
        publisher.write(make_update(1))
        picture = np.ones((3, 4), np.float32)
        publisher.write(Update(2, 0.0, Progress(), {"slice_xy": picture}))
        np.testing.assert_array_equal(self.views(result)["slice_xy"], picture)

    def test_a_wrong_key_is_refused(self, tiled_server: TiledServer) -> None:
        with closing(TiledHttp(tiled_server.uri, "0123")) as http:
            publisher = TiledPublisher(http, tiled_server.results_dir)
            with pytest.raises(InputError, match="refuses the API key"):
                publisher.open(make_result())

    def test_an_absent_server_is_known_soon(self, tmp_path: Path) -> None:
        with closing(TiledHttp("http://127.0.0.1:9", "0123")) as http:
            publisher = TiledPublisher(http, tmp_path)
            with pytest.raises(UnavailableError, match="does not answer"):
                publisher.open(make_result())


@pytest.mark.system
def test_a_publisher_catches_up_when_tiled_was_away(
    own_tiled_server: TiledServer,
) -> None:
    own_tiled_server.start()
    tiled = own_tiled_server.publisher()
    published: list[tuple[int, float]] = []
    first = threading.Event()

    def note(update: Update, readable_s: float) -> None:
        published.append((update.number, readable_s))
        first.set()

    paced = PacedPublisher(tiled, on_published=note)
    result = make_result()
    paced.open(result)
    paced.write(make_update(1))
    assert first.wait(60)
    own_tiled_server.kill()
    for number in range(2, 10):
        paced.write(make_update(number))
    closing = threading.Thread(target=paced.close, args=(make_final(10),))
    closing.start()
    own_tiled_server.start()
    closing.join(60)
    assert paced.settled.is_set()
    container = own_tiled_server.connect()["recon", result.uid]
    assert container.metadata["status"] == "complete"
    numbers = list(container["progress"].read()["number"])
    assert numbers[0] == 1
    assert len(set(numbers)) == len(numbers)
    assert container["live", "slice_xy"].read()[3, 3] == 10


@pytest.mark.system
def test_results_leave_no_connections(
    tiled_server: TiledServer, tmp_path: Path
) -> None:
    before = connections_to(tiled_server.port)
    results = 6
    with closing(TiledHttp(tiled_server.uri, tiled_server.api_key)) as http:
        known = publishers_of(StateDirectory(tmp_path), http, "TEST:")
        kept = [known["tiled"]() for _ in range(results)]
        for one in kept:
            one.open(make_result())
        assert connections_to(tiled_server.port) - before < results


def connections_to(port: int) -> int:
    """Count those of this process, also what the server has closed on its side."""
    found = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == port for one in found)


class PvaClientContract(PublisherContract):
    @pytest.fixture
    def publisher(self) -> Iterator[Publisher]:
        ports = EpicsPorts.free()
        self._environment = results_environment(ports)
        publisher = PvaPublisher("TEST:", environment=self._environment)
        with Context("pva", conf=self._environment, useenv=False) as self._client:
            yield publisher
        publisher.shut_down()

    def get(self, name: str) -> Any:
        return self._client.get(f"TEST:{name}", timeout=30)

    def text(self, name: str) -> str:
        return str(self.get(name).raw.value)

    def views(self, result: Result) -> Mapping[str, NDArray[Any]]:
        assert self.text("Recon:ResultUid") == result.uid
        return {view: np.asarray(self.get(pv_name(view))) for view in VIEWS}

    def status(self, result: Result) -> Mapping[str, Any]:
        return {
            "status": self.text("Recon:Status"),
            "frames_received": int(self.get("Recon:FramesReceived")),
            "frames_missing": int(self.get("Recon:FramesMissing")),
            "center_px": float(self.get("Recon:Center")),
        }


class TestPvaPublisher(PvaClientContract):
    def test_the_pvs_are_there_before_any_result(self, publisher: Publisher) -> None:
        assert self.get("Recon:SliceXY").shape == (2, 2)
        assert self.text("Recon:Status") == ""
        assert self.get("Recon:Status").timestamp > time.time() - 600

    def test_pictures_say_what_they_are(self, publisher: Publisher) -> None:
        result = make_result()
        publisher.open(result)
        update = make_update(3)
        publisher.write(update)
        picture = self.get("Recon:SliceXY")
        assert picture.raw.uniqueId == 3
        assert [d.size for d in picture.raw.dimension] == [8, 6]
        assert picture.attrib["scan_id"] == 7
        assert picture.attrib["raw_uid"] == result.scan.run_uid
        assert picture.attrib["center_px"] == 3.5
        assert picture.attrib["angle_deg"] == pytest.approx(np.degrees(0.3))
        assert picture.attrib["frames_used"] == 3
        newest_s = picture.raw.dataTimeStamp.secondsPastEpoch
        assert newest_s == int(update.progress.newest_time_s or 0)
        assert picture.timestamp - newest_s >= 0.5
        assert self.get("Recon:Lag") >= 0.5
        publisher.close(make_final(4))
        publisher.open(make_result())
        publisher.write(make_update(1))
        assert self.get("Recon:SliceXY").raw.uniqueId == 5

    def test_another_process_follows(self, publisher: Publisher) -> None:
        code = (
            "import json, queue, sys\n"
            "from p4p.client.thread import Context\n"
            "conf = json.loads(sys.argv[1]); q = queue.Queue()\n"
            "with Context('pva', conf=conf, useenv=False) as c:\n"
            "    s = c.monitor('TEST:Recon:SliceXY', q.put)\n"
            "    while True:\n"
            "        v = q.get(timeout=60)\n"
            "        print(v.raw.uniqueId, v.shape, float(v[0, 1]), flush=True)\n"
            "        if v.raw.uniqueId == 3: break\n"
        )

        command = [sys.executable, "-c", code, json.dumps(self._environment)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline().split()[0] == "0"
            publisher.open(make_result())
            for number in (1, 2, 3):
                publisher.write(make_update(number))
                line = client.stdout.readline().strip()
                assert line == f"{number} (6, 8) -1.0"
            assert client.wait(60) == 0

    def test_a_taken_port_is_refused(self, publisher: Publisher) -> None:
        with pytest.raises(UnavailableError, match="in use"):
            PvaPublisher("OTHER:", environment=self._environment)

    def test_views_of_other_techniques_get_names(self, publisher: Publisher) -> None:
        publisher.open(make_result())
        phase = {"object_phase": np.ones((3, 4), np.float32)}
        publisher.write(Update(1, 0.0, Progress(), phase))
        assert self.get("Recon:ObjectPhase").shape == (3, 4)
        assert make_views(1).keys() == set(VIEWS)


def test_a_failed_end_needs_no_result() -> None:
    paced = PacedPublisher(MemoryPublisher())
    paced.close(Final("failed", Progress(), message="does not fit"))
    assert paced.settled.is_set()
