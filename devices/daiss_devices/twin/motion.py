"""Motion of one axis as a function of time: trapezoids, without I/O.

Times are seconds on the twin's clock. The position is analytic, so the camera can ask
where the axis was in the middle of an exposure, also a while after the fact.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import copysign, sqrt

HISTORY = 512
"""Profiles kept, so that a late frame still finds the motion it was taken in."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Constant acceleration from a state of motion."""

    start_s: float
    position: float
    velocity: float
    acceleration: float

    def position_at(self, time_s: float) -> float:
        """Extrapolate the position."""
        t = time_s - self.start_s
        return self.position + (self.velocity + 0.5 * self.acceleration * t) * t

    def velocity_at(self, time_s: float) -> float:
        """Extrapolate the velocity."""
        return self.velocity + self.acceleration * (time_s - self.start_s)


@dataclass(frozen=True, slots=True)
class Profile:
    """A motion from its start to rest; the last segment is the rest."""

    segments: tuple[Segment, ...]

    @property
    def start_s(self) -> float:
        """When the motion begins."""
        return self.segments[0].start_s

    @property
    def end_s(self) -> float:
        """When the axis is at rest."""
        return self.segments[-1].start_s

    @property
    def target(self) -> float:
        """Where it comes to rest."""
        return self.segments[-1].position

    def at(self, time_s: float) -> Segment:
        """Find the segment in force."""
        found = self.segments[0]
        for segment in self.segments:
            if segment.start_s > time_s:
                break
            found = segment
        return found


def rest(time_s: float, position: float) -> Profile:
    """Stand still."""
    return Profile((Segment(time_s, position, 0.0, 0.0),))


def halt(start: Segment, acceleration: float) -> Profile:
    """Slow down to rest from a state of motion."""
    if start.velocity == 0:
        return rest(start.start_s, start.position)
    duration_s = abs(start.velocity) / acceleration
    slowing = Segment(
        start.start_s,
        start.position,
        start.velocity,
        -copysign(acceleration, start.velocity),
    )
    end_s = start.start_s + duration_s
    return Profile((slowing, Segment(end_s, slowing.position_at(end_s), 0.0, 0.0)))


def trapezoid(
    start_s: float, position: float, target: float, speed: float, acceleration: float
) -> Profile:
    """Move from rest to rest; a triangle where the way is too short for the speed."""
    way = target - position
    if way == 0:
        return rest(start_s, position)
    peak = min(speed, sqrt(acceleration * abs(way)))
    ramp_s = peak / acceleration
    # The least of ways underflows to a peak of 0.
    cruise_s = max(0.0, abs(way) / peak - ramp_s) if peak else 0.0
    v, a = copysign(peak, way), copysign(acceleration, way)
    up = Segment(start_s, position, 0.0, a)
    top_s = start_s + ramp_s
    cruise = Segment(top_s, up.position_at(top_s), v, 0.0)
    down_s = top_s + cruise_s
    down = Segment(down_s, cruise.position_at(down_s), v, -a)
    return Profile((up, cruise, down, Segment(down_s + ramp_s, target, 0.0, 0.0)))


@dataclass(slots=True)
class Axis:
    """One axis with its past; safe to ask from another thread than moves it."""

    position: float = 0.0
    _past: tuple[Profile, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at rest, for all times before the first motion as well."""
        self._past = (rest(float("-inf"), self.position),)

    def profile_at(self, time_s: float) -> Profile:
        """Give the motion that was begun last, or the rest after it."""
        past = self._past
        for profile in reversed(past):
            if profile.start_s <= time_s:
                return profile
        return past[0]

    def _state(self, time_s: float) -> Segment:
        return self.profile_at(time_s).at(time_s)

    def position_at(self, time_s: float) -> float:
        """Tell where the axis is, was or will be."""
        state = self._state(time_s)
        return (
            state.position
            if state.velocity == state.acceleration == 0
            else (state.position_at(time_s))
        )

    def velocity_at(self, time_s: float) -> float:
        """Tell how fast it is."""
        state = self._state(time_s)
        return (
            0.0
            if state.velocity == state.acceleration == 0
            else (state.velocity_at(time_s))
        )

    @property
    def end_s(self) -> float:
        """When it is, or came, to rest."""
        return self._past[-1].end_s

    @property
    def target(self) -> float:
        """Where it is, or will be, at rest."""
        return self._past[-1].target

    def move(
        self, time_s: float, target: float, speed: float, acceleration: float
    ) -> None:
        """Go to the target from now on; an axis in motion first comes to rest."""
        stopped = self._halted(time_s, acceleration)
        onward = trapezoid(stopped.end_s, stopped.target, target, speed, acceleration)
        self._append(Profile((*stopped.segments[:-1], *onward.segments)))

    def stop(self, time_s: float, acceleration: float) -> None:
        """Slow down to rest from now on."""
        self._append(self._halted(time_s, acceleration))

    def place(self, time_s: float, position: float) -> None:
        """Be somewhere else at once; for tests and a fresh start."""
        self._append(rest(time_s, position))

    def _halted(self, time_s: float, acceleration: float) -> Profile:
        now = Segment(time_s, self.position_at(time_s), self.velocity_at(time_s), 0.0)
        return halt(now, acceleration)

    def _append(self, profile: Profile) -> None:
        self._past = (*self._past[-HISTORY:], profile)


@dataclass(slots=True)
class Switch:
    """Something that is on or off, with its past: a shutter's blade."""

    on: bool = False
    _changes: tuple[tuple[float, bool], ...] = field(init=False)

    def __post_init__(self) -> None:
        """Begin in a state that holds for all times before."""
        self._changes = ((float("-inf"), self.on),)

    def turn(self, time_s: float, on: bool) -> None:
        """Be on or off from this time."""
        self.on = on
        self._changes = (*self._changes[-HISTORY:], (time_s, on))

    def fraction_on(self, start_s: float, end_s: float) -> float:
        """Tell which part of a span of time it was on; 0 or 1 for no span."""
        if end_s <= start_s:
            return float(self.on_at(start_s))
        changes = (*self._changes, (float("inf"), False))
        total = 0.0
        for (since_s, on), (until_s, _) in pairwise(changes):
            if on:
                total += max(0.0, min(until_s, end_s) - max(since_s, start_s))
        return min(1.0, total / (end_s - start_s))

    def on_at(self, time_s: float) -> bool:
        """Tell the state at a time."""
        state = self._changes[0][1]
        for since_s, on in self._changes:
            if since_s <= time_s:
                state = on
        return state
