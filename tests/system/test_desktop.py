"""The desktop window on a running beamline: it follows, steers, outlives trouble.

With DAISS_PICTURES=docs/images it makes pictures for the documentation on the way.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QApplication
from tiled.client import from_uri

from daiss_bluesky.cli.view import fast_lane
from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.model.reconstructor_watch import AWAY, ReconstructorWatch
from daiss_bluesky.viewers.qt.app import save_small
from daiss_bluesky.viewers.qt.theme import DARK, LIGHT
from daiss_bluesky.viewers.qt.window import ViewerWindow
from tests.conftest import LIMIT_S, wait_until
from tests.docs.pages import ROOT
from tests.system.live_beamline import Beamline, running_beamline

pytestmark = pytest.mark.system

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
SLICES = ("slice_xy", "slice_xz", "slice_yz")
PICTURES = os.environ.get("DAISS_PICTURES")
SIZE, ANGLES = ("256", 181) if PICTURES else ("64", 40)
ENOUGH_TO_SEE = 0.25
"""Coverage."""
BEFORE = 10 + 10 + 2
"""Events of darks, flats and the pair."""


@contextmanager
def opened_window(beamline: Beamline) -> Iterator[ViewerWindow]:
    fleet = beamline.fleet
    model = ViewModel(fleet.tiled_uri, fleet.api_key(), pva=fast_lane(fleet))
    with ControlClient(fleet.control_address()) as client:
        watch = ReconstructorWatch(client.follow())
        window = ViewerWindow(model, steering=client, watch=watch)
        window.show()
        yield window
        window.close()
        watch.close()
    model.close()


def until(condition: Callable[[], Any], what: str) -> None:
    """Let Qt work until something holds."""

    def turn() -> Any:
        QApplication.processEvents()
        return condition()

    wait_until(turn, what)


def test_the_window_follows_steers_and_recovers(tmp_path: Path) -> None:
    application = QApplication.instance() or QApplication([])
    with (
        running_beamline(tmp_path / "state", "--size", SIZE) as beamline,
        opened_window(beamline) as window,
    ):
        until(lambda: window.feed.connection().state == "connected", "Tiled")
        first = BEFORE + 3 * ANGLES // 4
        scan = beamline.scan(
            angles=ANGLES, exposure_s=0.05, md={"sample": "chalk"}, hold_at=(first,)
        )
        scan.go()
        wanted_px = center_of_a_running_scan(window)
        take_pictures(window, beamline, Path(PICTURES or tmp_path))
        with beamline.killed("reconstructor"):
            until(lambda: window.banner.text() == AWAY, "the banner")
        until(lambda: window.banner.text() == "", "the banner to go")
        scan.go()
        run_uid = scan.outcome()["run_uid"]
        until(lambda: window.followed.finished, "the end of the reconstruction")
        assert window.followed.raw_uid == run_uid
        until(lambda: f"{ANGLES} used" in window.honesty.text(), "the last update")
        client = from_uri(beamline.fleet.tiled_uri, api_key=beamline.fleet.api_key())
        result = client["recon"][window.followed.result_uid]
        finished_result(window, result, wanted_px)
        client.context.http_client.close()
        window.set_theme(LIGHT)
        look_at_the_middle(window)
        save(window, Path(PICTURES or tmp_path) / "desktop-tomography-light.png")
        made_again(window)
    assert application is not None


def look_at_the_middle(window: ViewerWindow) -> None:
    """Move the crosshair there."""
    middle = int(SIZE) // 2
    panes = window.tomography.panes
    panes["slice_xy"].crosshair_moved.emit(middle + 0.5, middle + 0.5)
    until(
        lambda: all(
            (shown := panes[view].picture) and shown.place == middle for view in SLICES
        ),
        "the slices of the middle",
    )


def made_again(window: ViewerWindow) -> None:
    """A press has the run reconstructed once more, and shows that."""
    old = window.followed
    window.end.click()
    until(lambda: window.followed.result_uid != old.result_uid, "the result made again")
    until(lambda: window.followed.finished, "its end")
    assert window.followed.metadata["status"] == "complete"
    assert window.followed.raw_uid == old.raw_uid


def take_pictures(window: ViewerWindow, beamline: Beamline, folder: Path) -> None:
    """Show the running scan in both windows, as the README does."""
    window.set_theme(DARK)
    window.resize(1600, 1000)
    until(lambda: window.tomography.panes["projection"].picture, "a projection")
    until(lambda: window.feed.honesty().coverage > ENOUGH_TO_SEE, "enough to see")
    until(lambda: not window.tomography.half_turn.empty, "0 and 180 degrees")
    save(window, folder / "desktop-tomography-dark.png")
    if shutil.which("chromium") is None and not os.environ.get("CI"):
        return
    script = ROOT / "docs/how-to/draw_web.py"
    paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, str(script), str(folder), "web"],
        env=os.environ | {"DAISS_STATE": str(beamline.fleet.state), "PATH": paths},
        timeout=LIMIT_S,
        check=True,
    )
    with Image.open(folder / "web.png") as page:
        assert len(page.convert("L").getcolors() or []) > 100


def save(window: ViewerWindow, path: Path) -> None:
    """Write what the window shows, once it has made room for its words."""
    QApplication.processEvents()
    save_small(window.grab().toImage(), path)
    with Image.open(path) as picture:
        assert len(picture.convert("L").getcolors() or []) > 100


def center_of_a_running_scan(window: ViewerWindow) -> float:
    """Set a center in the window; give it once an update carries it."""
    panes, center = window.tomography.panes, window.steering.center
    until(lambda: all(panes[view].picture for view in SLICES), "the first slices")
    until(lambda: center.steps.value_px is not None, "a center")
    center.nudge(0.5)
    wanted_px = center.steps.value_px
    assert wanted_px is not None
    until(
        lambda: window.feed.honesty().parameters.get("center_px") == wanted_px,
        "an update with the new center",
    )
    assert window.feed.honesty().parameters["center_source"] == "set"
    return wanted_px


def finished_result(window: ViewerWindow, result: Any, wanted_px: float) -> None:
    """The metadata records the center; the window shows the volume's own elements."""
    assert result.metadata["in_force"]["center_px"] == wanted_px
    assert result.metadata["in_force"]["center_source"] == "set"
    panes = window.tomography.panes
    panes["slice_xy"].crosshair_moved.emit(20.5, 41.5)
    shown = panes["slice_yz"]
    until(lambda: shown.picture and shown.picture.place == 41, "the slice at x = 41")
    assert shown.picture is not None
    z = round(shown.crosshair()[0] - 0.5)
    volume = np.asarray(result["volume"][z])
    assert shown.picture.value_at(z, 20) == volume[20, 41]
    assert panes["slice_xz"].picture is not None
    assert panes["slice_xz"].picture.value_at(z, 41) == volume[20, 41]
    until(lambda: panes["sinogram"].picture, "the sinogram")
