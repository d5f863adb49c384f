"""The newest reconstructions, as every client shows them."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from tiled.client import from_uri

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.results import RECON_PATH

NEWEST = 10


def newest_results(uri: str, api_key: str, n: int = NEWEST) -> list[dict[str, Any]]:
    """Ask Tiled for the newest results, newest first."""
    try:
        client = from_uri(uri, api_key=api_key)
    except OSError:
        raise UnavailableError(f"no Tiled server answers at {uri}") from None
    if RECON_PATH not in client:
        return []
    newest = list(client[RECON_PATH].items())[-n:]
    return [{"result_uid": uid, **node.metadata} for uid, node in reversed(newest)]


def results_table(results: Sequence[dict[str, Any]]) -> Table:
    """Draw results, one a row."""
    table = Table("scan", "sample", "status", "frames", "center (px)", "result")
    for one in results:
        frames = f"{one.get('frames_received')}/{one.get('frames_expected')}"
        center = one.get("geometry", {}).get("center_px")
        table.add_row(
            str(one.get("scan_id")),
            str(one.get("sample")),
            str(one.get("status")),
            frames,
            "-" if center is None else f"{center:.2f}",
            one["result_uid"],
        )
    return table
