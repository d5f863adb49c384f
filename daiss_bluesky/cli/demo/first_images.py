"""The first pictures of an object, seen in Tiled as a viewer sees them."""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.bench.measuring import RECOGNIZED, alike
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.results_table import connect
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.results import RECON_PATH

PERIOD_S = 0.2
ENOUGH_FRAMES = 160
LEAST_PIXELS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One look at the live object."""

    time_s: float
    frames: int
    computing_s: float
    phase: NDArray[np.float32]


class FirstImages:
    """Looks at the newest result every now and then while its first frames come."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ended = threading.Event()
        self._seen: list[Seen] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        client = connect(self._fleet.tiled_uri, self._fleet.api_key())
        while not self._ended.wait(PERIOD_S):
            try:
                one = _look(client)
            except (DaissError, KeyError, IndexError, httpx.HTTPError):
                continue  # not there yet, or being made anew
            if one is None or (self._seen and one.frames == self._seen[-1].frames):
                continue
            self._seen.append(one)
            if one.frames > ENOUGH_FRAMES:
                return

    def recognized(self, phase: NDArray[np.float32]) -> Seen | None:
        """Give the first look that shows what the final phase shows, where covered."""
        for one in self._seen:
            if one.phase.shape != phase.shape:
                continue
            # Where nothing was seen it is exactly 0.
            lit = one.phase != 0
            if lit.sum() < LEAST_PIXELS:
                continue
            if alike(one.phase[lit], phase[lit]) > RECOGNIZED:
                return one
        return None


def _look(client: Any) -> Seen | None:
    """Take the picture first: the row read after it never claims too little."""
    if RECON_PATH not in client:
        return None
    result = client[RECON_PATH].values().last()
    live = result["live"]
    if "object_phase" not in live:
        return None
    phase = live["object_phase"].read()
    rows = result["progress"].read(["frames_used", "parameters"])
    told = json.loads(rows["parameters"].iloc[-1])
    return Seen(
        time.time(),
        int(rows["frames_used"].iloc[-1]),
        float(told.get("computing_s", 0.0)),
        np.asarray(phase, np.float32),
    )
