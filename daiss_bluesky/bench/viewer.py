"""How old pictures are when a window takes them, and what they cost in memory.

A window is stood in for by a loop that empties the mailbox every 40 ms, as a timer of
25 Hz does. Every source runs in a process of its own.
"""

import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

import numpy as np

from daiss_bluesky.bench.viewer_processes import (
    LIMIT_S,
    source_process,
    tiled_server,
    wait_for,
)
from daiss_bluesky.bench.viewer_source import RESULT_UID, VIEWS, Pace, test_frames
from daiss_bluesky.bench.viewer_watch import WINDOW_S, Watch, age_figures
from daiss_bluesky.services.epics_environment import (
    EpicsPorts,
    client_environment,
    results_environment,
)
from daiss_bluesky.services.tiled_server import read_or_make_key, results_dir
from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.intake import Intake
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.sources.pva import PvaPlace, PvaSource

HISTORY_BYTES = 64 * 2**20
"""Full after some seconds, so that memory must be flat from then on."""
TILED_SIZE, TILED_FPS = 512, 2.0
SETTLE_S = 2.0
PAINT_S = 5.0
"""Of painting as fast as it goes."""
PREFIX = "BENCH:"

Told = Callable[[str], None]


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
    shown = age_figures(ages_s, int(pace.fps * pace.seconds))
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
    with source_process(["pva", PREFIX], pace, results_environment(ports)) as source:
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

    The age counts from when the publisher was given the update; `viewer_p95_ms` from
    when the server sent it on. What is given while the places of the views are still
    being made is left out.
    """
    with tiled_server() as (uri, state):
        key = read_or_make_key(state)
        arguments = ["tiled", uri, str(results_dir(state))]
        model = ViewModel(uri, key, history_bytes=HISTORY_BYTES)
        watch = Watch(model.mailbox.take)
        try:
            with source_process(arguments, pace, {"TILED_API_KEY": key}) as source:
                wait_for(
                    lambda: model.followed().result_uid == RESULT_UID, "the result"
                )
                with watch.watching():
                    published = source.run()
                    time.sleep(SETTLE_S)
        finally:
            model.close()
    begun_s = min(published.values()) + SETTLE_S
    counted = {number: at_s for number, at_s in published.items() if at_s > begun_s}
    seen = [one for one in watch.taken if one[0] in VIEWS and int(one[1]) in counted]
    ages_s = [taken_s - counted[int(first)] for _, first, _, taken_s in seen]
    found = watch.figures(ages_s, len(VIEWS) * len(counted))
    own_s = [taken_s - sent_s for *_, sent_s, taken_s in seen]
    return found | {"viewer_p95_ms": 1e3 * float(np.percentile(own_s, 95))}


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
