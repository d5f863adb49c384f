"""Motor records of the sample stage."""

from typing import Any

from ophyd import Component, EpicsMotor, EpicsSignalRO
from ophyd.status import MoveStatus

MARGIN_S = 10.0
"""Beyond the time a move needs, until it counts as failed."""


class StageMotor(EpicsMotor):
    """A motor whose moves end in bounded time, even when its IOC goes away."""

    max_velocity = Component(EpicsSignalRO, ".VMAX", kind="omitted", auto_monitor=True)

    def __init__(
        self,
        prefix: str,
        *,
        name: str,
        limits: tuple[float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, name=name, **kwargs)
        self._narrower = limits
        self.configuration_attrs = ["velocity", "acceleration", "motor_egu"]

    @property
    def position(self) -> Any:
        """Where it is.

        ophyd waits for no readback where EpicsMotor is subclassed, and does not hear
        one that comes while it subscribes: then the motor had no place until it moved.
        """
        heard = super().position
        return self.user_readback.get() if heard is None else heard

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest position; equal where there is no limit."""
        low, high = super().limits
        if self._narrower is None:
            return low, high
        if low >= high:
            return self._narrower
        return max(low, self._narrower[0]), min(high, self._narrower[1])

    def check_value(self, pos: float) -> None:
        """Refuse a position outside the limits."""
        low, high = self.limits
        if low < high and not low <= pos <= high:
            raise ValueError(
                f"{self.name} cannot go to {pos:g} {self.egu}:"
                f" its limits are {low:g} and {high:g}"
            )
        super().check_value(pos)

    def set(self, new_position: float, **kwargs: Any) -> MoveStatus:
        """Start a move; its status fails when it takes much longer than it should."""
        kwargs.setdefault("timeout", self.duration_s(new_position) + MARGIN_S)
        return super().set(new_position, **kwargs)

    def duration_s(self, target: float) -> float:
        """Give the longest a move to target may take: its ramps and its way."""
        velocity = abs(self.velocity.get()) or 1.0
        return float(
            1.5 * abs(target - self.position) / velocity + 2 * self.acceleration.get()
        )
