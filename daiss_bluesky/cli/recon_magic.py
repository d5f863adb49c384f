"""`%recon status`: the newest reconstructions, from the prompt."""

from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from rich.console import Console

from daiss_bluesky.cli.live_lag import newest_lag_s
from daiss_bluesky.cli.results_table import connect, newest_results, results_table
from daiss_bluesky.core.errors import DaissError, unknown

COMMANDS = ("status",)


@magics_class
class ReconMagics(Magics):
    """Magics that ask the Tiled server of this beamline."""

    def __init__(self, shell: Any, tiled_uri: str, api_key: str) -> None:
        super().__init__(shell)
        self._tiled_uri = tiled_uri
        self._api_key = api_key

    @line_magic
    def recon(self, line: str) -> None:
        """%recon status: newest results with status, frames, lag and center."""
        console = Console()
        command = line.strip() or "status"
        try:
            if command not in COMMANDS:
                raise unknown("%recon command", command, COMMANDS)
            results = newest_results(self._tiled_uri, self._api_key)
        except DaissError as error:
            console.print(f"error: {error}", highlight=False)
            return
        if not results:
            console.print("no reconstruction yet")
            return
        console.print(results_table(results))
        lag_s = newest_lag_s(connect(self._tiled_uri, self._api_key))
        if lag_s is not None:
            console.print(
                f"newest view: {lag_s:.2f} s behind the camera when published"
            )
