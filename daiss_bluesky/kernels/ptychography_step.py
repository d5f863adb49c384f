"""How an update of a ptychographic reconstruction is made, and what it found."""

import math
from dataclasses import dataclass

GROUP = 16
"""Frames of one parallel update, at most."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one parallel update is made; a step of 0 leaves that part alone."""

    object_step: float = 1.0
    probe_step: float = 1.0
    position_step: float = 0.0
    alpha: float = 0.5
    """Regularization of the object: 0 divides by what was seen, 1 is the gradient."""
    beta: float = 1.0
    """The same for the probe."""
    reach_px: float = 0.5
    """The farthest a position may move in one update, along each axis."""
    limit_px: float = 5.0
    """The farthest it may come from where it was measured, along each axis."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """How far the model was from a group's frames before an update."""

    squared: float
    """Σ (model amplitude - √I)² over good pixels."""
    power: float
    """Σ I over good pixels."""

    @property
    def residual(self) -> float:
        """The amplitude residual |model - √I| / |√I|."""
        return math.sqrt(self.squared / self.power) if self.power else 0.0
