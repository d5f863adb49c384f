"""The first write of every kind to a new Tiled server, done before anyone waits for it.

Tiled imports and connects when first asked; that took one to four seconds, which were
those between the first projection of the day and its slice.
"""

import logging
import shutil
import time
from pathlib import Path

import numpy as np

from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import RECON_PATH, Final, Result, Update
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.publishers.tiled import TiledPublisher
from daiss_bluesky.publishers.tiled_http import TiledHttp

logger = logging.getLogger(__name__)

UID = "warm-up"
START_TIMEOUT_S = 120.0
POLL_S = 0.1


def warm_up(uri: str, api_key: str, results_dir: Path) -> None:
    """Write a small result and remove it; a server that refuses it is left as it is."""
    http = TiledHttp(uri, api_key)
    publisher = TiledPublisher(uri, api_key, results_dir)
    try:
        _wait_until_up(http)
        publisher.open(
            Result(UID, Scan(run_uid=UID), "none", {}, (2, 2), {}, "", 0, time.time())
        )
        view = np.zeros((2, 2), np.float32)
        publisher.write(Update(1, time.time(), Progress(), {"slice_xy": view}))
        volume = np.zeros((2, 2, 2), np.float32)
        publisher.close(Final("complete", Progress(), arrays={"volume": volume}))
        http.delete(f"{RECON_PATH}/{UID}")
    except DaissError as error:
        logger.warning("the server could not be warmed up: %s", error)
    finally:
        shutil.rmtree(results_dir / UID, ignore_errors=True)
        publisher.shut_down()
        http.close()


def _wait_until_up(http: TiledHttp) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            http.get("")
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)
        else:
            return
