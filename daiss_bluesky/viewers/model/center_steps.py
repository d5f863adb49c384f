"""The rotation center as a user moves it: steps, a lock, undo."""

from dataclasses import dataclass, field

STEP_PX = 1.0
FINE_PX = 0.1
COARSE_PX = 10.0
_HISTORY = 50


@dataclass(slots=True)
class CenterSteps:
    """What is in force, what the user wants, and what was wanted before.

    Values count columns from the left edge of the detector; `relative_px` counts from
    the middle of the detector.
    """

    in_force_px: float | None = None
    wanted_px: float | None = None
    """None: what is in force is wanted."""
    locked: bool = False
    columns: int | None = None
    _before: list[float | None] = field(default_factory=list)

    @property
    def value_px(self) -> float | None:
        """What a spin box shows."""
        return self.in_force_px if self.wanted_px is None else self.wanted_px

    @property
    def relative_px(self) -> float | None:
        """How far the value is right of the middle of the detector."""
        if self.value_px is None or self.columns is None:
            return None
        return self.value_px - self.columns / 2

    def nudge(self, step_px: float) -> bool:
        """Move it; False while it is locked or nothing is known of it."""
        if self.value_px is None:
            return False
        return self.want(self.value_px + step_px)

    def want(self, center_px: float) -> bool:
        """Set it; False while it is locked or where it is that already."""
        value_px = round(center_px, 4)
        if self.locked or value_px == self.value_px:
            return False
        self._before = [*self._before[-_HISTORY:], self.value_px]
        self.wanted_px = value_px
        return True

    def undo(self) -> bool:
        """Go back by one change."""
        if self.locked or not self._before:
            return False
        self.wanted_px = self._before.pop()
        return True

    def can_undo(self) -> bool:
        """Tell whether there is something to go back to."""
        return bool(self._before) and not self.locked

    def heard(self, in_force_px: float | None) -> None:
        """Take what the newest update says is in force."""
        self.in_force_px = in_force_px
        if self.wanted_px is not None and in_force_px is not None:
            arrived = abs(self.wanted_px - in_force_px) < FINE_PX / 100
            self.wanted_px = None if arrived else self.wanted_px
