"""Rows of the run browser."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """One reconstruction, as the catalog lists it."""

    uid: str
    raw_uid: str
    technique: str
    algorithm: str
    status: str
    started_s: float


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run, newest first in every list, with the reconstructions there are."""

    uid: str
    scan_id: int | None
    time_s: float
    plan: str
    sample: str
    status: str
    """running, success, abort or fail: the run's own; not that of its results."""
    points: int | None
    """Planned, or taken once it has ended."""
    results: tuple[ResultEntry, ...] = field(default=())
