"""How far a reconstruction is, as the reconstructor tells it while it runs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from daiss_bluesky.core.errors import InputError


@dataclass(frozen=True, slots=True)
class ResultStatus:
    """State of one result; None is unknown, never zero."""

    result_uid: str
    raw_uid: str
    scan_id: int | None = None
    sample: str | None = None
    technique: str = ""
    algorithm: str = ""
    status: str = "running"
    """running, complete, incomplete or failed."""
    message: str = ""
    started_s: float = 0.0
    time_s: float = 0.0
    """When this was so."""
    number: int = 0
    """Of the newest update; 0 before the first."""
    frames_expected: int | None = None
    frames_received: int = 0
    frames_used: int = 0
    frames_missing: int | None = None
    duplicates: int = 0
    coverage: float = 0.0
    lag_s: float | None = None
    """Age of the newest frame in the views when they were made."""
    frames_per_s: float | None = None
    """That arrived, over the last seconds; None before that can be told."""
    quality: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """In force: center_px, center_source, slices_zyx ..."""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come."""
        return self.status != "running"

    def eta_s(self, now_s: float) -> float | None:
        """Tell in how many seconds the last frame comes at the measured rate.

        None where nothing says how many will come, where no rate is known, and where
        frames stay away for longer than the rate lets one expect.
        """
        rate = self.frames_per_s
        if self.ended or self.frames_expected is None or not rate:
            return None
        age_s = max(0.0, now_s - self.time_s)
        if age_s > STALLED_S + 1 / rate:
            return None
        left = max(0, self.frames_expected - self.frames_received)
        return max(0.0, left / rate - age_s)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read one that was sent; keys of a later version are left out."""
        known = {one.name for one in fields(cls)}
        try:
            return cls(**{k: v for k, v in values.items() if k in known})
        except (AttributeError, TypeError):
            raise InputError("not the status of a result") from None


STALLED_S = 3.0
"""Without news, beyond the time of one frame, a rate is no longer believed."""
