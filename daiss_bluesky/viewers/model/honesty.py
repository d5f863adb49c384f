"""What every picture says of itself: how much is in it, how old it is, how good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Honesty:
    """State of a result at its newest update; None is unknown, never zero."""

    status: str = "running"
    """running, complete, incomplete or failed."""
    message: str = ""
    frames_expected: int | None = None
    frames_received: int = 0
    frames_used: int = 0
    frames_missing: int | None = None
    coverage: float = 0.0
    lag_s: float | None = None
    published_s: float | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """In force: center_px, center_source ..."""

    def line(self, now_s: float) -> str:
        """Say it in one line, as all windows show it."""
        parts = [self.status, self._frames(), f"{self.coverage:.0%} covered"]
        if self.frames_missing and self.status != "running":
            parts.append(f"{self.frames_missing} missing")
        if self.published_s is not None:
            parts.append(self._age(max(0.0, now_s - self.published_s)))
        if self.lag_s is not None:
            parts.append(f"lag {self.lag_s:.2f} s")
        if self.steps:
            parts.append(f"step {self.step} of {self.steps}")
        parts += [f"{name} {value:.3g}" for name, value in self.quality.items()]
        return " · ".join(parts)

    def _age(self, age_s: float) -> str:
        if self.status == "running":
            return f"{age_s:.1f} s old"
        for unit, length_s in (("d", 86_400), ("h", 3600), ("min", 60)):
            if age_s >= 2 * length_s:
                return f"ended {int(age_s // length_s)} {unit} ago"
        return f"ended {int(age_s)} s ago"

    def _frames(self) -> str:
        total = "so far" if self.frames_expected is None else self.frames_expected
        of = f"{total}" if self.frames_expected is None else f"of {total}"
        return f"{self.frames_used} used, {self.frames_received} received {of}"
