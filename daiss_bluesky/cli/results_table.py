"""The newest reconstructions, as every client shows them."""

import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from rich.table import Table
from rich.text import Text

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.results import RECON_PATH

NEWEST = 10
PROBE_S = 2.0
SAMPLE_LENGTH = 40
"""What is shown of a sample's name, at most."""


def connect(uri: str, api_key: str) -> Any:
    """Open a Tiled client; a server that is away or a wrong key is one sentence."""
    from tiled.client import from_uri  # noqa: PLC0415 - half a second

    refuse_absent(uri)
    try:
        return from_uri(uri, api_key=api_key)
    except httpx.TransportError:
        raise UnavailableError(f"no Tiled server answers at {uri}") from None
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        raise InputError(f"Tiled at {uri} refuses the API key ({code})") from None


def refuse_absent(tiled_uri: str) -> None:
    """Raise UnavailableError at once if nobody listens; Tiled's client takes 25 s."""
    parts = urlsplit(tiled_uri)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        socket.create_connection((parts.hostname or "", port), PROBE_S).close()
    except OSError:
        raise UnavailableError(f"no Tiled server answers at {tiled_uri}") from None


def newest_results(uri: str, api_key: str, n: int = NEWEST) -> list[dict[str, Any]]:
    """Ask Tiled for the newest results, newest first."""
    client = connect(uri, api_key)
    if RECON_PATH not in client:
        return []
    newest = client[RECON_PATH].items().tail(n)
    return [{"result_uid": uid, **node.metadata} for uid, node in reversed(newest)]


def find_result(client: Any, uid: str) -> dict[str, Any] | None:
    """Give one result's metadata as it is now; None before it was opened."""
    try:
        return dict(client[RECON_PATH][uid].metadata)
    except KeyError:
        return None


def results_table(results: Sequence[dict[str, Any]]) -> Table:
    """Draw results, one a row; the figure is the center, or the residual.

    Below stands of those that are not complete, why.
    """
    table = Table("scan", "sample", "status", "frames", "figure", "device", "result")
    table.caption = Text("\n".join(one for one in map(_why, results) if one), "default")
    table.caption_justify = "left"
    for one in results:
        expected = one["frames"]["expected"]
        frames = f"{one['frames']['received']}/{'?' if expected is None else expected}"
        table.add_row(
            str(one.get("scan_id")),
            _short(str(one.get("sample"))),
            _status(one),
            frames,
            _figure(one),
            _device(one),
            one["result_uid"],
        )
    return table


def _figure(one: dict[str, Any]) -> str:
    center_px = one["geometry"].get("center_px")
    if center_px is not None:
        return f"center {center_px:.2f} px"
    residual = one.get("quality", {}).get("residual")
    return "-" if residual is None else f"residual {residual:.3f}"


def _device(one: dict[str, Any]) -> str:
    """Say where it computes, and what lies where while it runs."""
    in_force = one.get("in_force", {})
    arrays = in_force.get("arrays", {})
    lines = [str(in_force.get("device", "-"))]
    return "\n".join(lines + [f"{name}: {where}" for name, where in arrays.items()])


def _short(sample: str) -> str:
    if len(sample) <= SAMPLE_LENGTH:
        return sample
    return f"{sample[: SAMPLE_LENGTH - 1]}…"


def _why(one: dict[str, Any]) -> str:
    message = one.get("message")
    return f"scan {one.get('scan_id')} {one['status']}: {message}" if message else ""


def _status(one: dict[str, Any]) -> str:
    steps = one.get("steps", {})
    if one.get("status") == "running" and steps.get("of"):
        return f"running, step {steps['done']} of {steps['of']}"
    return str(one.get("status"))
