"""The camera: exposures equally spaced in time, each with its own frame.

A real camera exposes on time whatever its readers do. So does this one: the frame of
an exposure is the picture at its middle, computed afterwards, and being late with that
shows as delay, not as a gap. Only when it is MOST_LATE_S behind does it slow down.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import radians

from daiss_devices.twin.clock import now_s
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.motion import Axis, Switch
from daiss_devices.twin.piezo import PiezoStage
from daiss_devices.twin.scene import BeamState, Scene

MOST_LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class Sequence:
    """One acquisition as asked for."""

    images: int | None
    """None: until stopped."""
    exposure_s: float
    period_s: float
    frame_type: int


@dataclass(slots=True)
class Stage:
    """What moves in front of the camera; axes are in dial units."""

    rotation: Axis
    """Degrees."""
    x: Axis
    z: Axis
    shutter: Switch
    readback_deg: Callable[[float], float]
    """The rotation's readback, in user units, at a time."""
    piezo: PiezoStage = field(default_factory=lambda: PiezoStage(Axis(), Axis()))

    def beam_state(self, start_s: float, exposure_s: float) -> BeamState:
        """Tell what the exposure sees, at its middle."""
        middle_s = start_s + exposure_s / 2
        return BeamState(
            angle_rad=radians(self.rotation.position_at(middle_s)),
            x_mm=self.x.position_at(middle_s),
            z_mm=self.z.position_at(middle_s),
            brightness=self.shutter.fraction_on(start_s, start_s + exposure_s),
            position_um=self.piezo.true_position_um(middle_s),
        )


class Camera:
    """Takes sequences of frames and hands each to the plugins, in order."""

    def __init__(self, scene: Scene, stage: Stage) -> None:
        self.scene = scene
        self.stage = stage
        self.counter = 0
        """Frames taken; the unique id of the newest one."""
        self.plugins: list[Callable[[Frame], None]] = []
        self.loses: Callable[[], bool] = lambda: False
        """Asked once a frame: True if this one is never delivered."""
        self.prepared = threading.Event()
        """Set once pictures can be made without delay; sequences begin after that."""
        self._stop = threading.Event()
        self._busy = threading.Lock()

    def acquire(self, sequence: Sequence, taken: Callable[[int, Frame], None]) -> bool:
        """Take a sequence; `taken` hears of each frame. True if it was not stopped.

        Blocks; call it in a thread of its own. A second call waits for the first.
        """
        with self._busy:
            self._stop.clear()
            self.prepared.wait()
            for number, frame in enumerate(self._frames(sequence), start=1):
                if not self.loses():
                    for plugin in self.plugins:
                        plugin(frame)
                taken(number, frame)
            return not self._stop.is_set()

    def stop(self) -> None:
        """End the sequence; the exposure under way is not delivered."""
        self._stop.set()

    def _frames(self, sequence: Sequence) -> Iterator[Frame]:
        first_s = now_s()
        for number in count():
            if sequence.images is not None and number >= sequence.images:
                return
            start_s = first_s + number * sequence.period_s
            late_s = now_s() - start_s - sequence.exposure_s
            if late_s > MOST_LATE_S:
                first_s += late_s - MOST_LATE_S
                start_s += late_s - MOST_LATE_S
            if self._stop.wait(max(0.0, -late_s)):
                return
            yield self._expose(start_s, sequence)

    def _expose(self, start_s: float, sequence: Sequence) -> Frame:
        middle_s = start_s + sequence.exposure_s / 2
        self.counter += 1
        return Frame(
            pixels=self.scene.picture(
                self.stage.beam_state(start_s, sequence.exposure_s)
            ),
            unique_id=self.counter,
            time_s=middle_s,
            theta_deg=self.stage.readback_deg(middle_s),
            frame_type=sequence.frame_type,
            shutter_open=self.stage.shutter.on_at(middle_s),
            position_um=self.stage.piezo.readback_um(middle_s),
        )
