"""`%recon`: the newest reconstructions, and wishes to the one under way."""

from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from rich.console import Console

from daiss_bluesky.cli.assignments import assignments
from daiss_bluesky.cli.live_lag import newest_lag_s
from daiss_bluesky.cli.results_table import connect, newest_results, results_table
from daiss_bluesky.core.errors import DaissError, InputError, unknown
from daiss_bluesky.services.control_client import ControlClient

SWITCHES = {
    "object": "update_object",
    "probe": "update_probe",
    "positions": "refine_positions",
}
WAYS = {"on": True, "off": False}


@magics_class
class ReconMagics(Magics):
    """Magics that ask the Tiled server and the reconstructor of this beamline."""

    def __init__(
        self, shell: Any, tiled_uri: str, api_key: str, client: ControlClient
    ) -> None:
        super().__init__(shell)
        self._client = client
        self._tiled_uri = tiled_uri
        self._api_key = api_key

    @line_magic
    def recon(self, line: str) -> None:
        """%recon status | look Z Y X | center [PX] | update PART on|off.

        %recon set NAME=VALUE ... | rerun [NAME=VALUE ...] | abort [WHY].

        Results, live slices, center, whether object, probe or positions improve, other
        parameters, the newest run once more, and the end of a reconstruction.
        """
        console = Console()
        command, *arguments = line.split() or ["status"]
        commands = {
            "status": self._status,
            "look": self._look,
            "center": self._center,
            "update": self._update,
            "set": self._set,
            "rerun": self._rerun,
            "abort": self._abort,
        }
        try:
            if command not in commands:
                raise unknown("%recon command", command, commands)
            commands[command](console, arguments)
        except DaissError as error:
            console.print(f"error: {error}", highlight=False)

    def _status(self, console: Console, _arguments: list[str]) -> None:
        results = newest_results(self._tiled_uri, self._api_key)
        if not results:
            console.print("no reconstruction yet")
            return
        console.print(results_table(results))
        lag_s = newest_lag_s(connect(self._tiled_uri, self._api_key))
        if lag_s is not None:
            console.print(
                f"newest view: {lag_s:.2f} s behind the camera when published"
            )

    def _look(self, console: Console, arguments: list[str]) -> None:
        try:
            z, y, x = (int(one) for one in arguments)
        except ValueError:
            raise InputError(
                f"%recon look {' '.join(arguments)}: three slice numbers Z Y X"
            ) from None
        self._client.look(z, y, x)
        console.print(f"the live views show slices z = {z}, y = {y}, x = {x}")

    def _center(self, console: Console, arguments: list[str]) -> None:
        numbers: list[float | None] = [None]
        try:
            if arguments:
                numbers = [float(one) for one in arguments]
            [center_px] = numbers
        except ValueError:
            raise InputError(
                f"%recon center {' '.join(arguments)}: one number in columns, or none"
            ) from None
        self._client.center(center_px)
        console.print("the projections so far are read again with this center")

    def _update(self, console: Console, arguments: list[str]) -> None:
        try:
            part, way = arguments
            wanted: dict[str, Any] = {SWITCHES[part]: WAYS[way]}
        except (ValueError, KeyError):
            raise InputError(
                f"%recon update {' '.join(arguments)}: one of {', '.join(SWITCHES)},"
                " then on or off"
            ) from None
        self._client.update(**wanted)
        console.print(f"{part}: {way}, from now on")

    def _set(self, console: Console, arguments: list[str]) -> None:
        changes = assignments("%recon set", arguments)
        self._client.parameters(**changes)
        console.print(f"in force from now on: {' '.join(arguments)}", highlight=False)

    def _rerun(self, console: Console, arguments: list[str]) -> None:
        uid = self._client.rerun(**assignments("%recon rerun", arguments))
        console.print(f"the newest run once more: result {uid}", highlight=False)

    def _abort(self, console: Console, arguments: list[str]) -> None:
        self._client.abort(reason=" ".join(arguments))
        console.print("the reconstruction ends as incomplete; the scan goes on")
