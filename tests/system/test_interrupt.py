"""Ctrl-C at any moment of a demo: it ends quietly and leaves nothing."""

import json
import signal
import time
from pathlib import Path

import pytest

from daiss_bluesky.services.exit_codes import INTERRUPTED
from tests.system.demo_process import Demo, start_demo

pytestmark = pytest.mark.system


def interrupt(
    demo: Demo, *signals: signal.Signals, pause_s: float = 0.3
) -> tuple[str, str]:
    for number in signals or [signal.SIGINT]:
        demo.process.send_signal(number)
        time.sleep(pause_s)
    code, output, errors = demo.finish()
    assert code == INTERRUPTED, errors
    assert "Traceback" not in output + errors
    demo.assert_nothing_left()
    return output, errors


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGTERM]],
    ids=["once", "impatient", "terminated"],
)
def test_while_the_services_start(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    output, errors = interrupt(starting_demo(tmp_path), *signals)
    assert output == ""
    assert errors == "interrupted: everything was stopped\n"


def test_by_a_terminal_that_goes_away(tmp_path: Path) -> None:
    assert interrupt(starting_demo(tmp_path), signal.SIGHUP) == ("", "")


def starting_demo(folder: Path) -> Demo:
    """Start a demo, and wait for the first of its services."""
    demo = start_demo(folder, "--size", "64", "--angles", "20")

    def services_start() -> bool:
        state = demo.state()
        return state is not None and (state / "services.json").exists()

    demo.wait_until(services_start, "the first service")
    return demo


def test_in_mid_scan(tmp_path: Path) -> None:
    demo = start_demo(tmp_path, "--size", "64", "--angles", "900")

    def projections_come() -> bool:
        state = demo.state()
        journals = state.glob("journal/*") if state else ()
        # Darks, flats and the pair come first: 23 documents of 2 and less than 1 kB.
        return sum(one.stat().st_size for one in journals) > 40_000

    demo.wait_until(projections_come, "projections")
    output, _errors = interrupt(demo)
    report = json.loads(output.splitlines()[-1])
    assert report["interrupted"]
    assert report["status"] == "incomplete"
    assert 0 < report["frames_received"] < report["frames_expected"] == 900
    assert report["volume_shape"] == [64, 64, 64]
