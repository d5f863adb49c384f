"""Moments of frames on a device, its kernel run by the processor."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.frame_moments_device import DeviceMoments
from daiss_bluesky.kernels.reference_frame_moments import frame_moments
from tests.unit.kernels.cuda.on_host import COMPILER, HostQueue

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("masked", [False, True])
def test_moments_are_as_defined(dtype: type, masked: bool) -> None:
    rng = np.random.default_rng(0)
    frames: NDArray[Any] = rng.integers(0, 60000, (5, 33, 50)).astype(dtype)
    frames[2] = 0
    bad = rng.random((33, 50)) < 0.2 if masked else None
    found = DeviceMoments(HostQueue())(frames, bad)
    expected = frame_moments(frames, bad)
    np.testing.assert_allclose(found.total, expected.total)
    np.testing.assert_allclose(found.center_px, expected.center_px, atol=1e-9)


def test_what_is_no_stack_of_frames_is_refused() -> None:
    with pytest.raises(InputError, match="expected"):
        DeviceMoments(HostQueue())(np.ones((4, 4), np.uint16))
