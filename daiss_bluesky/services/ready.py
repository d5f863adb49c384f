"""How a service says that it is ready, is told to end, and refuses."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.services.exit_codes import REFUSED
from daiss_bluesky.services.state import write_json

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def announce(ready_file: Path | None, **facts: Any) -> None:
    """Write the ready file, with what a client needs to know."""
    if ready_file is not None:
        write_json(ready_file, {"pid": os.getpid(), **facts})


def end_event() -> threading.Event:
    """Make an event that SIGTERM and SIGINT set; call in the main thread."""
    event = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        event.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return event


def run_service(main: Callable[[], None]) -> None:
    """Run a service's main; a refusal is one sentence on stderr and exit code 2."""
    level = os.environ.get("DAISS_LOG", "WARNING").upper()
    logging.basicConfig(level=level, format=LOG_FORMAT)
    try:
        main()
    except DaissError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - it is for the user
        sys.exit(REFUSED)
