"""How old pictures are when a window takes them, and what they cost in memory.

A window is stood in for by a loop that empties the mailbox every 40 ms, as a timer of
25 Hz does. Every source runs in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

import numpy as np
import psutil

from daiss_bluesky.bench.viewer_source import RESULT_UID, VIEWS, Pace, test_frames
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
    free_ports,
    results_environment,
)
from daiss_bluesky.services.tiled_server import (
    read_or_make_key,
    results_dir,
    server_uri,
    start_command,
)
from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.intake import Intake
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.sources.pva import PvaPlace, PvaSource

WINDOW_S = 0.04
HISTORY_BYTES = 64 * 2**20
"""Full after some seconds, so that memory must be flat from then on."""
TILED_SIZE, TILED_FPS = 512, 2.0
SETTLE_S = 2.0
LIMIT_S = 120.0
PAINT_S = 5.0
"""Of painting as fast as it goes."""
PREFIX = "BENCH:"

Told = Callable[[str], None]
Take = Callable[[], Mapping[str, Picture]]


@dataclass(slots=True)
class Watch:
    """What a stand-in for a window saw."""

    take: Take
    taken: list[tuple[str, float, float, float]] = field(default_factory=list)
    """View, first pixel, when published and when taken (Unix s)."""
    resident_bytes: list[int] = field(default_factory=list)
    most_waiting: int = 0
    _ended: Event = field(default_factory=Event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look until the end of the block."""
        thread = Thread(target=self._look, name="stand-in-window")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _look(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(WINDOW_S):
            pictures, now_s = self.take(), time.time()
            self.most_waiting = max(self.most_waiting, len(pictures))
            for view, one in pictures.items():
                first = float(one.pixels[0, 0])
                self.taken.append((view, first, one.published_s, now_s))
            self.resident_bytes.append(process.memory_info().rss)

    def figures(self, ages_s: list[float], published: int) -> dict[str, Any]:
        """Sum up; memory is compared between the second and the last third."""
        if not ages_s:
            raise UnavailableError("no picture came through; is the machine too busy?")
        third = len(self.resident_bytes) // 3
        middle = max(self.resident_bytes[third : 2 * third])
        growth_bytes = max(self.resident_bytes[2 * third :]) - middle
        return {
            "published": published,
            "taken": len(ages_s),
            "age_p50_ms": 1e3 * float(np.percentile(ages_s, 50)),
            "age_p95_ms": 1e3 * float(np.percentile(ages_s, 95)),
            "age_max_ms": 1e3 * max(ages_s),
            "most_waiting": self.most_waiting,
            "resident_mb": self.resident_bytes[-1] / 1e6,
            "growth_mb": growth_bytes / 1e6,
        }


def measure(pace: Pace, told: Told) -> list[dict[str, Any]]:
    """Measure all three ways; the pace is that of the first two."""
    rows = []
    for name, one in (("in process", in_process), ("PVA", over_pva)):
        told(f"{pace.size} x {pace.size} uint16 at {pace.fps:g} Hz, {name}")
        rows.append({"case": "viewer", "name": name} | one(pace))
    told(f"three {TILED_SIZE} x {TILED_SIZE} float32 at {TILED_FPS:g} Hz, Tiled")
    slow = Pace(TILED_SIZE, TILED_FPS, pace.seconds)
    return [*rows, {"case": "viewer", "name": "Tiled"} | through_tiled(slow)]


def painted(pace: Pace, told: Told) -> list[dict[str, Any]]:
    """Set and paint as fast as it goes, then what comes at a pace."""
    from daiss_bluesky.viewers.qt.painting_speed import (  # noqa: PLC0415 - needs Qt
        ages_on_screen,
        measure_painting,
    )

    told(f"set and paint {pace.size} x {pace.size} uint16")
    speed = measure_painting(test_frames(pace.size), min(PAINT_S, pace.seconds))
    told(f"{pace.size} x {pace.size} uint16 at {pace.fps:g} Hz, on the screen")
    intake, mailbox = _intake()
    thread = Thread(target=_hand_on, args=(intake, pace), name="test-source")
    thread.start()
    ages_s = ages_on_screen(mailbox, pace.seconds)
    thread.join()
    if not ages_s:
        raise UnavailableError("no picture was painted; is the machine too busy?")
    shown = {
        "published": int(pace.fps * pace.seconds),
        "taken": len(ages_s),
        "age_p50_ms": 1e3 * float(np.percentile(ages_s, 50)),
        "age_p95_ms": 1e3 * float(np.percentile(ages_s, 95)),
        "age_max_ms": 1e3 * max(ages_s),
    }
    return [
        {"case": "viewer", "name": "set and paint"} | speed,
        {"case": "viewer", "name": "on the screen"} | shown,
    ]


def in_process(pace: Pace) -> dict[str, Any]:
    """Hand frames to the model from a thread of this process."""
    intake, watch = _model()
    with watch.watching():
        _hand_on(intake, pace)
        time.sleep(SETTLE_S * WINDOW_S)
    ages_s = [taken_s - published_s for *_, published_s, taken_s in watch.taken]
    return watch.figures(ages_s, int(pace.fps * pace.seconds))


def over_pva(pace: Pace) -> dict[str, Any]:
    """Have frames served over PV Access, and follow them."""
    intake, watch = _model()
    ports = EpicsPorts.free()
    with _source(["pva", PREFIX], pace, results_environment(ports)) as source:
        place = PvaPlace(PREFIX, _only_pva(client_environment(ports)))
        pva = PvaSource(place, intake)
        pva.start()
        pva.wait_until_connected("slice_xy", LIMIT_S)
        with watch.watching():
            published = source.run()
        pva.close()
    ages_s = [taken_s - published_s for *_, published_s, taken_s in watch.taken]
    return watch.figures(ages_s, len(published))


def through_tiled(pace: Pace) -> dict[str, Any]:
    """Have views published to a Tiled server of its own, and follow them.

    The age counts from when the publisher was given the update. What is given while the
    places of the views are still being made is left out.
    """
    with _tiled_server() as (uri, state):
        key = read_or_make_key(state)
        arguments = ["tiled", uri, str(results_dir(state))]
        model = ViewModel(uri, key, history_bytes=HISTORY_BYTES)
        watch = Watch(model.mailbox.take)
        try:
            with _source(arguments, pace, {"TILED_API_KEY": key}) as source:
                _wait(lambda: model.followed().result_uid == RESULT_UID, "the result")
                with watch.watching():
                    published = source.run()
                    time.sleep(SETTLE_S)
        finally:
            model.close()
    begun_s = min(published.values()) + SETTLE_S
    counted = {number: at_s for number, at_s in published.items() if at_s > begun_s}
    ages_s = [
        taken_s - counted[int(first)]
        for view, first, _, taken_s in watch.taken
        if view in VIEWS and int(first) in counted
    ]
    return watch.figures(ages_s, len(VIEWS) * len(counted))


def _model() -> tuple[Intake, Watch]:
    intake, mailbox = _intake()
    return intake, Watch(mailbox.take)


def _intake() -> tuple[Intake, Mailbox]:
    mailbox, history = Mailbox(), History(HISTORY_BYTES)
    intake = Intake(mailbox, history.keep)
    intake.result(RESULT_UID, {"status": "running", "started": time.time()})
    return intake, mailbox


def _hand_on(intake: Intake, pace: Pace) -> None:
    frames = test_frames(pace.size)
    for number in pace.ticks():
        pixels = frames[number % len(frames)].copy()
        intake.picture(RESULT_UID, "slice_xy", pixels, time.time(), "push", number)


def _only_pva(environment: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in environment.items() if k.startswith("EPICS_PVA_")}


@dataclass(frozen=True, slots=True)
class _Source:
    process: subprocess.Popen[str]

    def run(self) -> dict[int, float]:
        """Let it publish; gives when, by number."""
        stdin, stdout = _pipes(self.process)
        stdin.write("\n")
        stdin.flush()
        return {int(k): when_s for k, when_s in json.loads(stdout.readline()).items()}


@contextmanager
def _source(
    arguments: list[str], pace: Pace, environment: Mapping[str, str]
) -> Iterator[_Source]:
    module = [sys.executable, "-m", "daiss_bluesky.bench.viewer_source"]
    figures = [str(pace.size), str(pace.fps), str(pace.seconds)]
    process = subprocess.Popen(
        [*module, *arguments, *figures],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if _pipes(process)[1].readline().strip() != "ready":
            raise UnavailableError("the source of test pictures did not start")
        yield _Source(process)
    finally:
        process.kill()
        process.communicate()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise UnavailableError("the source of test pictures has no pipes")
    return process.stdin, process.stdout


@contextmanager
def _tiled_server() -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory(prefix="daiss-bench-") as place:
        state, [port] = Path(place), free_ports(1)
        ready = state / "ready"
        command = [*start_command(state, port), "--ready-file", str(ready)]
        with (state / "tiled.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(ready.exists, "the Tiled server")
            yield server_uri(port), state
        finally:
            process.kill()
            process.wait()


def _wait(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise UnavailableError(f"waited {LIMIT_S:g} s for {what}")
        time.sleep(0.05)
