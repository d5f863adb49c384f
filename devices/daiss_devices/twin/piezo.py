"""A two-axis piezo stage: it rings after a step, its readbacks are noisy and miss."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, pi, sin

import numpy as np

from daiss_devices.twin.motion import Axis

RINGING_HZ = 60.0
DECAYS = 6.0
"""Time constants after which ringing is over: e**-6 is 0.25 %."""
TICK_UM = 1e-4
"""Places closer than this are the same one."""


@dataclass(frozen=True, slots=True)
class PiezoSettings:
    """What the stage is; lengths in micrometers."""

    noise_um: float = 0.005
    """Standard deviation of the readback of each axis."""
    error_um: float = 0.0
    """Standard deviation of what the readback does not show, along each axis."""
    overshoot: float = 0.05
    """First swing beyond the end of a motion, as a part of the way moved."""
    settling_s: float = 0.005
    """Time constant of the swings."""
    travel_um: float = 50.0
    """To either side of 0."""
    seed: int = 1


class PiezoAxis(Axis):
    """An axis that swings about its target when it has come to it."""

    def __init__(self, overshoot: float, settling_s: float) -> None:
        super().__init__()
        self._overshoot = overshoot
        self._settling_s = settling_s

    def position_at(self, time_s: float) -> float:
        """Tell where the axis is, was or will be."""
        planned = super().position_at(time_s)
        motion = self.profile_at(time_s)
        since_s = time_s - motion.end_s
        if not 0 < since_s < DECAYS * self._settling_s:
            return planned
        way = motion.target - motion.segments[0].position
        swing = sin(2 * pi * RINGING_HZ * since_s) * exp(-since_s / self._settling_s)
        return planned + self._overshoot * way * swing


@dataclass(frozen=True, slots=True)
class PiezoStage:
    """Both axes together, as camera and sample see them: row, then column."""

    y: Axis
    x: Axis
    settings: PiezoSettings = PiezoSettings()
    readbacks: tuple[Callable[[float], float], ...] = ()
    """What the axes say in user units, noise included; none: where they are."""

    def readback_um(self, time_s: float) -> tuple[float, float]:
        """Give what the stage says of itself at a time."""
        read_y, read_x = self.readbacks or (self.y.position_at, self.x.position_at)
        return read_y(time_s), read_x(time_s)

    def true_position_um(self, time_s: float) -> tuple[float, float]:
        """Tell where the stage is: off by an error of its own for each target."""
        targets = self.y.profile_at(time_s).target, self.x.profile_at(time_s).target
        off_y, off_x = self.error_at(targets)
        return self.y.position_at(time_s) + off_y, self.x.position_at(time_s) + off_x

    def error_at(self, target_um: tuple[float, float]) -> tuple[float, float]:
        """Give by how much a place is missed, always the same at the same place."""
        error_um = self.settings.error_um
        if not error_um:
            return 0.0, 0.0
        place = [round(target / TICK_UM) % 2**32 for target in target_um]
        rng = np.random.default_rng([self.settings.seed, *place])
        off_y, off_x = error_um * rng.standard_normal(2)
        return float(off_y), float(off_x)
