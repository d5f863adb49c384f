"""How far the live view is behind, asked in the background and only while wanted."""

import threading
import time
from typing import Any

import httpx

from daiss_bluesky.cli.results_table import connect
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.results import RECON_PATH

PERIOD_S = 2.0
WANTED_S = 5.0
"""Asking stops this long after the last call."""


class LiveLag:
    """Callable that never waits: it gives what was heard last, if that is recent.

    A scan's progress bar calls it, and a scan must not wait for Tiled.
    """

    def __init__(self, tiled_uri: str, api_key: str) -> None:
        self._tiled_uri = tiled_uri
        self._api_key = api_key
        self._lock = threading.Lock()
        self._asking = False
        self._wanted_s = 0.0
        self._heard: tuple[float, float] | None = None

    def __call__(self) -> float | None:
        """Give the lag of the newest view in seconds; None if not known."""
        now_s = time.monotonic()
        with self._lock:
            self._wanted_s = now_s
            if not self._asking:
                self._asking = True
                threading.Thread(target=self._ask, daemon=True, name="lag").start()
            heard = self._heard
        return heard[1] if heard and now_s - heard[0] < 3 * PERIOD_S else None

    def _ask(self) -> None:
        try:
            client = connect(self._tiled_uri, self._api_key)
            while time.monotonic() - self._wanted_s < WANTED_S:
                lag_s = newest_lag_s(client, running_only=True)
                if lag_s is not None:
                    self._heard = (time.monotonic(), lag_s)
                time.sleep(PERIOD_S)
        except (DaissError, OSError, KeyError, httpx.HTTPError):
            time.sleep(PERIOD_S)  # Tiled is away: no lag to show, and no haste to ask
        finally:
            with self._lock:
                self._asking = False


def newest_lag_s(client: Any, *, running_only: bool = False) -> float | None:
    """Read the lag that the newest result's newest view had when it was published."""
    if RECON_PATH not in client:
        return None
    results = client[RECON_PATH]
    newest = results.values().last() if len(results) else None
    if newest is None or "progress" not in newest:
        return None
    if running_only and newest.metadata.get("status") != "running":
        return None
    lags = newest["progress"].read(["lag_s"])["lag_s"].dropna()
    return float(lags.iloc[-1]) if len(lags) else None
