"""`daiss rerun` and `daiss abort`: a finished run once more, or none of this one."""

from typing import Annotated

import typer

from daiss_bluesky.cli.assignments import assignments
from daiss_bluesky.cli.look import client_of, tell
from daiss_bluesky.cli.options import Json, State


def rerun(
    parameters: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=VALUE that are others", show_default=False),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="uid of a run or result, or scan id; newest if not given"),
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """Reconstruct a finished run once more; the first result stays.

    Begins with what was set for the run, and waits while a scan is reconstructed.
    Examples: daiss rerun filter=hann; daiss rerun algorithm=sirt iterations=50
    """
    changes = assignments("daiss rerun", parameters or [])
    with client_of(state) as client:
        uid = client.rerun(run, **changes)
    tell({"result_uid": uid}, json_output)


def abort(
    reason: Annotated[str, typer.Argument(help="why; stands in the result")] = "",
    run: Annotated[
        str | None, typer.Option(help="uid of a run or result; the newest if not given")
    ] = None,
    state: State = None,
    json_output: Json = False,
) -> None:
    """End a reconstruction as incomplete; the scan goes on.

    Example: daiss abort "wrong sample"
    """
    with client_of(state) as client:
        client.abort(run, reason=reason)
    tell({"aborted": run or "the newest"}, json_output)
