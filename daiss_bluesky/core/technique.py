"""Which technique a run is of, and its scan."""

from collections.abc import Mapping
from typing import Any

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY, PtychographyScan
from daiss_bluesky.core.scan import START_KEY, Scan

AnyScan = Scan | PtychographyScan


def technique_of(start: Mapping[str, Any]) -> str | None:
    """Tell what a start document says its run is; None where it says nothing."""
    found = [key for key in (START_KEY, PTYCHOGRAPHY_KEY) if key in start]
    if len(found) > 1:
        raise InputError(
            f"the start document of run {start['uid']} says both {' and '.join(found)}"
        )
    return found[0] if found else None


def scan_from_start(start: Mapping[str, Any]) -> AnyScan:
    """Read a start document; one that says nothing is taken for tomography."""
    if technique_of(start) == PTYCHOGRAPHY_KEY:
        return PtychographyScan.from_start(start)
    return Scan.from_start(start)
