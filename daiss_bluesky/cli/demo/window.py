"""The desktop window beside a demo."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

DAISS = "from daiss_bluesky.cli.main import main; main()"
_PATIENCE_S = 10.0


def view_command(state: Path) -> list[str]:
    """Give the command that opens the window on a state directory."""
    return [sys.executable, "-c", DAISS, "view", "--state", str(state)]


@contextmanager
def window(command: Sequence[str] | None, console: Console) -> Iterator[None]:
    """Keep a window open, and at the end wait until it is closed; None opens none.

    Whatever ends the demo early closes it.
    """
    if command is None:
        yield
        return
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield
            if process.poll() is None:
                with console.status("close the window to end the demo"):
                    process.wait()
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
