"""Phase retrieval on a device is its reference, for fast lengths and slow ones."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.kernels import reference_phase
from daiss_bluesky.kernels.cuda.phase import DevicePhase
from daiss_bluesky.kernels.phase import METHODS, PhaseFilter
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(24, 40), (23, 37), (1, 29), (45, 1)])
def test_frames_are_the_reference(cp: Any, shape: tuple[int, int], method: str) -> None:
    phase = PhaseFilter(method, 300.0, 20.0, 150.0, 1.2)
    t = np.random.default_rng(0).uniform(0.3, 1.2, (11, *shape)).astype(np.float32)
    made = DevicePhase(phase, *shape)
    frames = poisoned(cp, t.shape)
    sinograms = poisoned(cp, (shape[0], 11, shape[1]), "float16")
    made.retrieve(cp.asarray(t), frames)
    made.retrieve(cp.asarray(t), sinograms.transpose(1, 0, 2))
    right = np.array([reference_phase.retrieve(frame, phase) for frame in t])
    np.testing.assert_allclose(frames.get(), right, atol=1e-5 * np.abs(right).max())
    found = sinograms.get().transpose(1, 0, 2)
    np.testing.assert_allclose(found, right, atol=5e-3 * np.abs(right).max())


def test_the_transmission_may_be_overwritten(cp: Any) -> None:
    phase = PhaseFilter("paganin", 300.0, 20.0, 150.0, 1.2)
    t = np.random.default_rng(1).uniform(0.3, 1.2, (3, 16, 20)).astype(np.float32)
    frames = cp.asarray(t)
    DevicePhase(phase, 16, 20).retrieve(frames, frames)
    right = np.array([reference_phase.retrieve(frame, phase) for frame in t])
    np.testing.assert_allclose(frames.get(), right, atol=1e-5 * np.abs(right).max())
