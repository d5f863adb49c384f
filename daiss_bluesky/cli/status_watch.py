"""`daiss status --watch`: how far each reconstruction is, as it goes on."""

import json
import time
from collections.abc import Callable, Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_follower import StatusFollower
from daiss_bluesky.services.result_status import ResultStatus

SHOWN = 6
REFRESH_S = 0.5
UNKNOWN = "-"


def watch(
    address: ControlAddress,
    console: Console,
    *,
    json_lines: bool,
    go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Follow until `go_on` says no, or Ctrl-C."""
    with StatusFollower(address) as follower:
        if json_lines:
            _print_lines(follower, console, go_on)
            return
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while go_on():
                follower.read(REFRESH_S)
                live.update(picture(follower), refresh=True)


def _print_lines(
    follower: StatusFollower, console: Console, go_on: Callable[[], bool]
) -> None:
    connected: bool | None = None
    while go_on():
        changed = follower.read(REFRESH_S)
        if follower.connected != connected:
            connected = follower.connected
            _print(console, {"connected": connected})
        for one in changed:
            eta_s = one.eta_s(time.time())
            _print(console, {**one.as_dict(), "eta_s": eta_s})


def _print(console: Console, values: dict[str, object]) -> None:
    # Not wrapped to the width of a terminal: a line is one object.
    console.file.write(json.dumps(values) + "\n")
    console.file.flush()


def picture(follower: StatusFollower) -> RenderableType:
    """Draw the newest results; says where they are old because nobody answers."""
    newest = list(follower.results.values())[-SHOWN:]
    table = status_table(reversed(newest), time.time())
    if follower.connected:
        return table
    away = Text("the reconstructor does not answer; waiting for it", style="red")
    return Group(table, away)


def status_table(results: Iterable[ResultStatus], now_s: float) -> Table:
    """Draw one result a row; what is not known is a dash."""
    table = Table()
    for name in ("scan", "sample", "status", "frames", "covered", "lag", "rate"):
        table.add_column(name, no_wrap=True)
    table.add_column("last frame in", no_wrap=True)
    table.add_column("quality")
    for one in results:
        table.add_row(
            UNKNOWN if one.scan_id is None else str(one.scan_id),
            one.sample or UNKNOWN,
            _state(one),
            f"{one.frames_received}/{_or_dash(one.frames_expected, '{}')}",
            f"{one.coverage:.0%}",
            _or_dash(one.lag_s, "{:.2f} s"),
            _or_dash(one.frames_per_s, "{:.1f}/s"),
            duration(one.eta_s(now_s)),
            _quality(one),
        )
    return table


def duration(seconds: float | None) -> str:
    """Say it in the largest units that are not zero."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _or_dash(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else form.format(value)


def _state(one: ResultStatus) -> str:
    if not one.ended and one.steps:
        return f"step {one.step} of {one.steps}"
    if one.ended or not one.message:
        return one.status
    return one.message


def _quality(one: ResultStatus) -> str:
    said = [f"{name} {value:.3g}" for name, value in one.quality.items()]
    center_px = one.parameters.get("center_px")
    if center_px is not None:
        source = one.parameters.get("center_source")
        said.insert(0, f"center {center_px:.2f} px ({source})")
    return ", ".join(said) or UNKNOWN
