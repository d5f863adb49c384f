"""Ptychography on a GPU holds to the contract, its kernels run by the processor."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography import algorithm, refinement
from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels import ptychography_guess
from daiss_bluesky.kernels.devices import ChosenDevice, Gpu
from daiss_bluesky.kernels.frame_moments_device import DeviceMoments
from daiss_bluesky.kernels.ptychography_device import Bench, DeviceSolver
from daiss_bluesky.kernels.ptychography_solver import Forms
from daiss_bluesky.testing.ptychography_contract import PtychographyContract
from tests.unit.kernels.cuda.on_host import COMPILER, HostQueue

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

GPU = Gpu(0, "this processor", 1 << 40, (9, 0))


class TestDevice(PtychographyContract):
    """With one guess of the probe and few passes, so that it is done soon."""

    n_frames = 70

    @pytest.fixture(autouse=True)
    def _device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        chosen = ChosenDevice((GPU,), "there is one")
        make = partial(DeviceSolver, bench=BENCH)
        forms = Forms(make, DeviceMoments(BENCH.queue), str(GPU), BENCH.queue)
        monkeypatch.setattr(ptychography_guess, "RADII", (0.1,))
        monkeypatch.setattr(refinement, "HALF_PASSES", 1)
        monkeypatch.setattr(algorithm, "choose_device", lambda _: chosen)
        monkeypatch.setattr(algorithm, "forms_on", lambda *_, **__: forms)

    def make(self, **parameters: Any) -> Algorithm:
        return RpieAlgorithm(**QUICK | parameters)

    def test_the_device_has_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make: Any = self.make
        assert make().device_name() == str(GPU)
        monkeypatch.undo()
        assert make(device="cpu").device_name().startswith("CPU ")

    def test_the_answer_is_that_of_the_cpu(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = reconstruct_scan(self.stored(), self.make())
        monkeypatch.undo()
        monkeypatch.setattr(ptychography_guess, "RADII", (0.1,))
        expected = reconstruct_scan(self.stored(), self.make(device="cpu"))
        assert found.progress.parameters["device"] == "cuda:0 (this processor, 1100 GB)"
        assert expected.progress.parameters["device"] == "cpu"
        assert found.progress.quality["residual"] == pytest.approx(
            expected.progress.quality["residual"], rel=1e-4
        )
        away = found.arrays["object"] - expected.arrays["object"]
        assert np.abs(away).mean() < 1e-3


@pytest.mark.parametrize(
    ("device_memory_gb", "beyond"), [(None, 0.0), (2.0, 0.0), (1.0, 0.64)]
)
def test_frames_on_a_device_need_no_memory_of_the_host(
    monkeypatch: pytest.MonkeyPatch, device_memory_gb: float | None, beyond: float
) -> None:
    """25,000 frames take 0.82 GB, twice that where they have to be put in order."""
    scan = PtychographyScan(run_uid="", counts={"diffraction": 25_000})
    stated = []
    for chosen in (ChosenDevice((), "none"), ChosenDevice((GPU,), "there is one")):
        monkeypatch.setattr(algorithm, "choose_device", lambda _, one=chosen: one)
        made = RpieAlgorithm(device_memory_gb=device_memory_gb)
        stated.append(made.memory_bytes(scan, (128, 128)))
    frames = 2 * 25_000 * 128 * 128
    assert stated[0] - stated[1] == pytest.approx(4 * frames - beyond * 1e9, rel=0.01)


BENCH = Bench(HostQueue())
QUICK: dict[str, Any] = {"modes": 2, "passes": 2, "visits_per_frame": 8}
