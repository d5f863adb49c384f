"""The `daiss` command line: a refusal is one sentence, Ctrl-C is quiet.

Imports nothing that takes long, so that Ctrl-C is quiet from the beginning.
"""

import os
import signal
import sys

from daiss_bluesky.services.exit_codes import INTERRUPTED, REFUSED
from daiss_bluesky.services.interrupts import interrupts_held


def main() -> None:
    """Run the command line."""
    # Threads that spin while they wait take the cores from whatever else runs, and from
    # each other: groups of small frames were ten times slower on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        with interrupts_held():
            from daiss_bluesky.cli.app import app  # noqa: PLC0415
            from daiss_bluesky.core.errors import DaissError  # noqa: PLC0415

        try:
            app()
        except DaissError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201 - for the user
            sys.exit(REFUSED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        # All is done, and threads that are waited for must not end in a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
