"""Progress and time left, from documents alone."""

import io
from typing import Any

import pytest
from rich.console import Console

from daiss_bluesky.cli.progress_bar import ScanProgressBar
from daiss_bluesky.cli.scan_progress import ScanProgress

START = {
    "uid": "run",
    "scan_id": 7,
    "tomography": {
        "counts": {"projection": 10, "dark": 2},
        "image_key": "camera_image",
    },
}


def begin(progress: ScanProgress) -> None:
    progress.see("start", START, 0.0)
    for stream in ("dark", "primary"):
        progress.see("descriptor", {"uid": f"{stream}-d", "name": stream}, 0.0)


def test_frames_are_counted_by_kind() -> None:
    progress = ScanProgress()
    begin(progress)
    for i in range(2):
        progress.see("event", {"descriptor": "dark-d"}, i)
    assert progress.kind == "dark"
    for i in range(4):
        progress.see("event", {"descriptor": "primary-d"}, 2 + 0.5 * i)
    assert progress.done == {"dark": 2, "projection": 4}
    assert progress.frames_per_s == pytest.approx(2.0)
    assert progress.eta_s(3.5) == pytest.approx(3.0)


def test_time_left_is_not_claimed_without_grounds_and_grows_in_silence() -> None:
    progress = ScanProgress()
    begin(progress)
    progress.see("event", {"descriptor": "primary-d"}, 1.0)
    progress.see("event", {"descriptor": "primary-d"}, 1.5)
    assert progress.eta_s(1.5) is None
    progress.see("event", {"descriptor": "primary-d"}, 2.0)
    soon = progress.eta_s(2.0)
    later = progress.eta_s(60.0)
    assert soon is not None
    assert later is not None
    assert later > soon + 50


def test_frames_of_a_stream_are_counted_once_though_angles_come_with_them() -> None:
    progress = ScanProgress()
    begin(progress)
    for key in ("camera_image", "rotation"):
        progress.see("stream_resource", {"uid": key, "data_key": key}, 0.0)
    for key in ("camera_image", "rotation"):
        datum: dict[str, Any] = {
            "stream_resource": key,
            "descriptor": "primary-d",
            "indices": {"start": 5, "stop": 9},
        }
        progress.see("stream_datum", datum, 1.0)
    assert progress.done == {"projection": 4}


def test_runs_of_other_plans_are_left_alone() -> None:
    progress = ScanProgress()
    progress.see("start", {"uid": "u", "tomography": {"nonsense": 1}}, 0.0)
    progress.see("event", {"descriptor": "d"}, 0.0)
    assert progress.scan is None
    assert progress.done == {}


def test_the_bar_is_silent_without_a_terminal_and_speaks_on_one() -> None:
    for terminal in (False, True):
        output = io.StringIO()
        bar = ScanProgressBar(
            Console(file=output, force_terminal=terminal, width=120), lambda: 0.25
        )
        bar("start", START)
        bar("descriptor", {"uid": "d", "name": "primary"})
        bar("event", {"descriptor": "d"})
        bar("stop", {"exit_status": "success"})
        assert bool(output.getvalue()) is terminal
        if terminal:
            assert "1/10 projections, live view 0.2 s behind" in output.getvalue()


def test_the_bar_leaves_the_line_while_the_engine_is_paused() -> None:
    output = io.StringIO()
    bar = ScanProgressBar(Console(file=output, force_terminal=True, width=120))
    bar("start", START)
    bar.engine_is("paused", "running")
    assert output.getvalue().endswith("starting\n\x1b[?25h")
    bar.engine_is("running", "paused")
    bar("descriptor", {"uid": "d", "name": "primary"})
    bar("event", {"descriptor": "d"})
    bar("stop", {"exit_status": "success"})
    assert "1/10 projections" in output.getvalue()
    bar.engine_is("running", "idle")
