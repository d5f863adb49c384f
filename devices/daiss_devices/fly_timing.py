"""When to start a camera beside a turning stage; pure arithmetic, no hardware."""

import math
from dataclasses import dataclass

from daiss_bluesky.core.errors import InputError

LEAD_S = 0.15
"""How far off the software start of a camera may be, early or late."""
SETTLE_S = 0.2
"""At constant speed, before the first frame."""
SLACK = 0.05
"""How much slower than asked a camera may run before the stage gets to its end."""
SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class FlyTiming:
    """A continuous rotation with over-scan: frames before the start and past the end.

    The camera is started by software, so frame i is near, not at, `angles_deg[i]`;
    the extra frames on both sides keep the range covered whatever the offset.
    """

    start_deg: float
    range_deg: float
    n_angles: int
    exposure_s: float
    period_s: float
    acceleration_s: float

    def __post_init__(self) -> None:
        """Refuse an exposure that does not fit between two frames."""
        if self.exposure_s > self.period_s:
            raise InputError(
                f"exposure_s = {self.exposure_s:g} is longer than the"
                f" {self.period_s:g} s from frame to frame"
            )

    @property
    def step_deg(self) -> float:
        """From frame to frame."""
        return self.range_deg / self.n_angles

    @property
    def speed_deg_s(self) -> float:
        """Of the rotation while frames are taken."""
        return self.step_deg / self.period_s

    @property
    def extra(self) -> int:
        """Frames of over-scan on either side."""
        return max(1, math.ceil(LEAD_S / self.period_s))

    @property
    def n_frames(self) -> int:
        """Frames asked from the camera."""
        return self.n_angles + 2 * self.extra

    @property
    def angles_deg(self) -> list[float]:
        """Where the frames are meant to be, at mid-exposure."""
        return [
            self.start_deg + (i - self.extra) * self.step_deg
            for i in range(self.n_frames)
        ]

    @property
    def first_exposure_deg(self) -> float:
        """Where the first exposure begins, and the camera is started."""
        return self.angles_deg[0] - self.speed_deg_s * self.exposure_s / 2

    @property
    def run_up_deg(self) -> float:
        """Where the rotation starts from rest."""
        ramp = self.speed_deg_s * self.acceleration_s / 2
        return self.first_exposure_deg - ramp - self.speed_deg_s * SETTLE_S

    @property
    def constant_from_deg(self) -> float:
        """Where the rotation has its speed."""
        return self.run_up_deg + self.speed_deg_s * self.acceleration_s / 2

    @property
    def run_out_deg(self) -> float:
        """Where the rotation would come to rest; it is stopped when frames are in."""
        ramp = self.speed_deg_s * self.acceleration_s / 2
        slack = self.range_deg * SLACK + self.speed_deg_s * SLACK_S
        return self.angles_deg[-1] + slack + ramp

    @property
    def duration_s(self) -> float:
        """From the first frame to the last."""
        return self.n_frames * self.period_s

    def start_in_s(self, position_deg: float) -> float:
        """Tell how long after being seen at a position the camera is to be started."""
        return (self.first_exposure_deg - position_deg) / self.speed_deg_s
