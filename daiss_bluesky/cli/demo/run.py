"""A demo from start to end: services, scan, result, figures; nothing left behind."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from daiss_bluesky.cli.demo.interrupt import ScanInterrupts, end_when_told_to
from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.demo.outcome import Outcome
from daiss_bluesky.cli.demo.ptychography import PtychographyDemo
from daiss_bluesky.cli.demo.tomography import TomographyDemo
from daiss_bluesky.cli.demo.window import view_command, window
from daiss_bluesky.cli.fleet import STATION, Fleet
from daiss_bluesky.cli.fleet_plan import plan_fleet
from daiss_bluesky.cli.results_table import connect, find_result
from daiss_bluesky.cli.services import start_fleet, stop_fleet
from daiss_bluesky.cli.view import refuse_blind
from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.core.pipeline import read_pipeline
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.results import result_uid
from daiss_bluesky.services.interrupts import interrupts_held
from daiss_bluesky.services.state import StateDirectory
from daiss_bluesky.viewers.web.address import page_uri

CONNECT_TIMEOUT_S = 5.0
RESULT_TIMEOUT_S = 120.0
POLL_S = 0.1


class Report(Protocol):
    """What a demo found."""

    @property
    def interrupted(self) -> bool: ...  # noqa: D102

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        ...

    def show(self, console: Console) -> None:
        """Print the figures."""
        ...


class Demo(Protocol):
    """What the technique of a demo decides."""

    technique: str

    def check(self) -> None:
        """Refuse before anything is started what the plan would refuse after it."""
        ...

    def plan(self, session: Any) -> Any:
        """Make the plan."""
        ...

    def watching(self, fleet: Fleet) -> AbstractContextManager[object]:
        """Follow the scan from outside while it runs."""
        ...

    def measure(self, fleet: Fleet, outcome: Outcome) -> Report:
        """Read the result back from Tiled and judge it."""
        ...


def demo_of(options: DemoOptions) -> Demo:
    """Choose by technique."""
    return PtychographyDemo(options) if options.ptycho else TomographyDemo(options)


def run_demo(options: DemoOptions, console: Console) -> Report:
    """Run one demo; raises DaissError for what is refused or could not be done."""
    end_when_told_to()
    demo = demo_of(options)
    demo.check()
    if options.view:
        refuse_blind()
    if options.beamline is not None:
        _refuse_absent(options.beamline)
    with place_of_its_own() as root:
        plan = plan_fleet(
            root,
            prefix=options.prefix,
            beamline=options.beamline,
            twin_arguments=options.twin_arguments() if not options.beamline else None,
            tiled_uri=options.tiled_uri,
            tiled_port=options.tiled_port,
        )
        fleet = start_fleet(plan, console)
        console.print(
            f"in a browser: {page_uri(fleet.tiled_uri)}"
            f" (daiss web --open --state {root})",
            highlight=False,
            soft_wrap=True,
        )
        with window(view_command(root) if options.view else None, console):
            outcome = scan_and_wait(fleet, demo, console)
            return demo.measure(fleet, outcome)


def _refuse_absent(beamline: Path) -> None:
    station = load(STATION)(beamline)
    try:
        missing = station.missing(CONNECT_TIMEOUT_S)
    finally:
        station.close()
    if missing:
        raise UnavailableError(
            f"{len(missing)} PVs of {beamline.name} do not answer, the first is"
            f" {missing[0].pv}: daiss doctor --beamline {beamline}"
        )


@contextmanager
def place_of_its_own() -> Iterator[Path]:
    """Make a directory for everything; however the demo ends, nothing is left of it."""
    root = Path(tempfile.mkdtemp(prefix="daiss-demo-"))
    try:
        yield root
    finally:
        with interrupts_held():
            if StateDirectory(root).services.exists():
                stop_fleet(Fleet.load(root))
            shutil.rmtree(root, ignore_errors=True)


def scan_and_wait(fleet: Fleet, demo: Demo, console: Console) -> Outcome:
    """Scan as at a beamline, and wait until the result is published."""
    interrupts = ScanInterrupts()
    with demo.watching(fleet):
        with _session(fleet, console, interrupts) as session:
            run_uid, error = _scan(session, demo)
        if interrupts.asked and error is None:
            raise KeyboardInterrupt  # it came after the last thing that could be paused
        if run_uid is None:
            raise error or UnavailableError("no run was opened")
        if isinstance(error, DaissError):
            raise error
        pipeline = read_pipeline(fleet.pipelines[demo.technique])
        result = await_result(fleet, result_uid(run_uid, pipeline.digest), console)
    if result["status"] == "failed" and error is None:
        raise InputError(f"the reconstruction failed: {result['message']}")
    return Outcome(run_uid, result, interrupted=error is not None)


@contextmanager
def _session(
    fleet: Fleet, console: Console, interrupts: ScanInterrupts
) -> Iterator[Any]:
    # Before anything that imports EPICS: its libraries read this once.
    os.environ.update(fleet.client_environment())
    with ExitStack() as stack:
        # EPICS libraries swallow what is raised while they import or connect.
        with interrupts_held():
            from daiss_bluesky.cli.session import open_session  # noqa: PLC0415

            pausing = [interrupts.pausing]
            opened = open_session(fleet, console, context_managers=pausing)
            session = stack.enter_context(opened)
        yield session
        with interrupts_held():
            stack.close()


def _scan(session: Any, demo: Demo) -> tuple[str | None, Exception | None]:
    """Run the plan; give the run's uid, and what ended it if it did not succeed."""
    from bluesky.utils import RunEngineInterrupted  # noqa: PLC0415

    # It logs with a traceback what is reported here in one sentence.
    logging.getLogger("bluesky").setLevel(logging.CRITICAL)
    uids: list[str] = []
    session.RE.subscribe(lambda _, start: uids.append(start["uid"]), "start")
    ended: Exception | None = None
    try:
        session.RE(demo.plan(session))
    except RunEngineInterrupted as interrupted:
        ended = interrupted
        # A plan that cannot be resumed has been aborted by the pause itself.
        while session.RE.state == "paused":
            with suppress(RunEngineInterrupted):
                session.RE.abort(reason="interrupted by Ctrl-C")
    except DaissError as error:
        ended = error
    return (uids[0] if uids else None), ended


def await_result(fleet: Fleet, uid: str, console: Console) -> dict[str, Any]:
    """Wait until a result has ended; gives its metadata."""
    client = connect(fleet.tiled_uri, fleet.api_key())
    deadline = time.monotonic() + RESULT_TIMEOUT_S
    with console.status("waiting for the final result"):
        while time.monotonic() < deadline:
            found = find_result(client, uid)
            if found is not None and found["status"] != "running":
                return found
            time.sleep(POLL_S)
    raise UnavailableError(
        f"the result did not come within {RESULT_TIMEOUT_S:g} s; see the log of the"
        " reconstructor"
    )
