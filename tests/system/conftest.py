"""The simulated beamline, for tests that talk EPICS.

EPICS clients read their environment once, so all tests of one pytest process share the
ports chosen here, before anything imports epics, p4p or aioca. A test that needs a twin
of its own on other ports runs its client with `TwinProcess.run_client`.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from daiss_bluesky.core.resources import resource
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.services.epics_environment import EpicsPorts, client_environment
from tests.browser import open_browser
from tests.conftest import TiledServer
from tests.system.twin_process import LIMIT_S, TwinProcess, start_twin

SESSION_PORTS = EpicsPorts.free()
os.environ.update(client_environment(SESSION_PORTS))
# ophyd wants this before epics, and warns where a test imports epics first.
import_module("epicscorelibs.path.pyepics")


def unique_prefix() -> str:
    """Make a prefix that nobody else has."""
    return f"T{uuid.uuid4().hex[:8]}:"


@pytest.fixture(scope="session")
def epics_ports() -> EpicsPorts:
    """Ports of this pytest process; its environment already points there."""
    return SESSION_PORTS


@pytest.fixture(scope="session")
def twin(
    epics_ports: EpicsPorts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwinProcess]:
    """A twin of 64 rows and 96 columns that clients in this process can reach."""
    root = tmp_path_factory.mktemp("frames")
    twin = start_twin(
        unique_prefix(), epics_ports, root, "--rows", "64", "--columns", "96",
        "--motor-speed", "360",
    )  # fmt: skip
    yield twin
    status, errors = twin.stop()
    assert status == 0, errors


@pytest.fixture(scope="module")
def station(twin: TwinProcess) -> Iterator[Any]:
    """Give the station of that twin."""
    # Here, since these import epics.
    import ophyd  # noqa: PLC0415

    from daiss_devices.station import load_station  # noqa: PLC0415

    ophyd.set_cl("pyepics")
    station = load_station(
        resource("profiles/twin.yml"), prefix=twin.prefix, data_root=str(twin.data_root)
    )
    assert station.missing(LIMIT_S) == []
    # The twin is shared: others may have left another speed.
    station.rotation.velocity.set(360.0).wait(LIMIT_S)
    yield station
    station.close()


@pytest.fixture
def make_twin(tmp_path: Path) -> Iterator[Callable[..., TwinProcess]]:
    """Start twins with options of the test's own; on ports of their own."""
    made: list[TwinProcess] = []

    def make(*options: str, prefix: str | None = None) -> TwinProcess:
        ports = EpicsPorts.free()
        made.append(start_twin(prefix or unique_prefix(), ports, tmp_path, *options))
        return made[-1]

    yield make
    for twin in made:
        if twin.process.poll() is None:
            twin.stop()


@pytest.fixture
def publisher(tiled_server: TiledServer) -> TiledPublisher:
    """Publish to the server that all tests share."""
    return tiled_server.publisher()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the pages of one file."""
    with open_browser() as browser:
        yield browser
