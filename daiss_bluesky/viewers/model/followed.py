"""Which result the windows show, and what the catalog says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Followed:
    """The result whose pictures come; all of it empty before there is one."""

    result_uid: str = ""
    raw_uid: str = ""
    technique: str = ""
    scan_id: int | None = None
    sample: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Of the result, as docs/reference/tiled-layout.md lists it."""
    pinned: bool = False
    """False: the newest result is followed as it comes."""
    behind: int = 0
    """Results that are newer than this one."""
    arrays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shapes of the final arrays there are: volume, or object, probe ..."""
    problem: str = ""
    """One sentence: unknown, damaged, of an unknown version; else empty."""

    @property
    def finished(self) -> bool:
        """Tell whether nothing will change any more."""
        return self.metadata.get("status") in {"complete", "incomplete", "failed"}
