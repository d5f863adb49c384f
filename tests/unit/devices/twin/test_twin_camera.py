"""The camera exposes on time, whatever becomes of its frames."""

import threading
import time
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_devices.twin.camera import Camera, Sequence, Stage
from daiss_devices.twin.clock import now_s
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.motion import Axis, Switch
from daiss_devices.twin.piezo import PiezoSettings, PiezoStage
from daiss_devices.twin.scene import BeamState


class States:
    """A scene that remembers what it was asked for."""

    shape = (2, 3)
    dtype = np.dtype(np.uint16)
    center_px = None
    out_position_mm = 1.0
    attenuation = None
    travel_um = 0.0
    facts: ClassVar[dict[str, Any]] = {}

    def __init__(self, delay_s: float = 0.0) -> None:
        self.asked: list[BeamState] = []
        self.delay_s = delay_s

    def picture(self, state: BeamState) -> NDArray[Any]:
        self.asked.append(state)
        time.sleep(self.delay_s)
        return np.zeros(self.shape, np.uint16)


def camera(delay_s: float = 0.0) -> Camera:
    rotation = Axis()
    stage = Stage(rotation, Axis(), Axis(), Switch(True), rotation.position_at)
    cam = Camera(States(delay_s), stage)
    cam.prepared.set()
    return cam


def take(cam: Camera, images: int, period_s: float) -> list[Frame]:
    frames: list[Frame] = []
    cam.plugins = [frames.append]
    assert cam.acquire(Sequence(images, period_s / 2, period_s, 0), lambda *_: None)
    return frames


def test_frames_are_equally_spaced_although_pictures_are_slow() -> None:
    frames = take(camera(delay_s=0.02), 10, 0.005)
    times = [frame.time_s for frame in frames]
    np.testing.assert_allclose(np.diff(times), 0.005, atol=1e-6)
    assert [frame.unique_id for frame in frames] == list(range(1, 11))


def test_theta_and_picture_are_of_mid_exposure() -> None:
    cam = camera()
    start = now_s()
    cam.stage.rotation.move(start - 1.0, 1000.0, 20.0, 1e4)
    frames = take(cam, 5, 0.01)
    for frame, state in zip(frames, cam.scene.asked, strict=True):  # type: ignore[attr-defined]
        expected = cam.stage.rotation.position_at(frame.time_s)
        assert frame.theta_deg == pytest.approx(expected)
        assert np.rad2deg(state.angle_rad) == pytest.approx(expected)
    spacing = np.diff([frame.theta_deg for frame in frames])
    np.testing.assert_allclose(spacing, 0.2, atol=1e-4)


def test_a_frame_has_the_stages_readback_and_the_picture_its_true_place() -> None:
    cam = camera()
    y, x = Axis(), Axis()
    piezo = PiezoStage(y, x, PiezoSettings(error_um=0.5))
    cam.stage.piezo = piezo
    y.move(now_s() - 9.0, 3.0, 1e3, 1e6)
    x.move(now_s() - 9.0, -4.0, 1e3, 1e6)
    (frame,) = take(cam, 1, 0.001)
    (state,) = cam.scene.asked  # type: ignore[attr-defined]
    assert frame.position_um == (3.0, -4.0)
    expected = np.add((3.0, -4.0), piezo.error_at((3.0, -4.0)))
    np.testing.assert_allclose(state.position_um, expected)


def test_lost_frames_keep_their_number() -> None:
    cam = camera()
    lost = iter([False, True, False])
    cam.loses = lambda: next(lost)
    assert [frame.unique_id for frame in take(cam, 3, 0.001)] == [1, 3]


def test_stop_ends_an_endless_sequence() -> None:
    cam = camera()
    arrived = threading.Event()
    cam.plugins = [lambda _: arrived.set()]
    results: list[bool] = []

    def run() -> None:
        results.append(cam.acquire(Sequence(None, 0.001, 0.002, 0), lambda *_: None))

    thread = threading.Thread(target=run)
    thread.start()
    assert arrived.wait(60)
    cam.stop()
    thread.join(60)
    assert results == [False]
