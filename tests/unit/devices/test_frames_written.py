"""Waiting for frames ends, whatever becomes of the IOC."""

import pytest

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.frames_written import FramesWritten
from tests.unit.devices.fake_camera import fake_camera


def test_an_ioc_that_is_gone_ends_the_wait() -> None:
    def gone() -> int:
        raise TimeoutError("it does not answer")

    camera = fake_camera([])
    camera.hdf.frames_now = gone
    status = FramesWritten(camera).trigger()
    with pytest.raises(UnavailableError, match="camera: it does not answer"):
        status.wait(30)
