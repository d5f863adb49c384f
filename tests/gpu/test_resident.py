"""Frames that stay on a GPU hold the contract of tomography."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.cuda.operators import CudaOperators
from daiss_bluesky.kernels.devices import find_gpus
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.testing.device_contract import VARIANTS, DeviceContract
from daiss_bluesky.testing.on_hosts import Cramped

pytestmark = pytest.mark.gpu


class TestOnGpu(DeviceContract):
    # Logarithms differ by 6e-8, which changes the order of values that are as near.
    sorted_tolerance = 5e-3

    def make(self, **parameters: Any) -> Algorithm:
        return FbpAlgorithm(device="cuda:0", **parameters)

    def test_half_precision_is_good_to_a_few_thousandths(self) -> None:
        stored = self.odd_scan()
        exact = reconstruct_scan(stored, self.make()).arrays["volume"]
        half = reconstruct_scan(stored, self.make(precision="half")).arrays["volume"]
        assert half.dtype == np.float32
        assert np.linalg.norm(half - exact) <= 5e-3 * np.linalg.norm(exact)

    def test_a_gpu_that_is_too_small_is_said(self) -> None:
        stored = self.odd_scan()
        algorithm = self.make(device_memory_gb=0.01)
        with pytest.raises(InputError, match="on cuda:0 are too few"):
            algorithm.start(stored.scan, stored.frame_shape)


class TestOnCrampedGpu(DeviceContract):
    sorted_tolerance = 5e-3

    def make(self, **parameters: Any) -> Algorithm:
        return Cramped(device="cuda:0", **parameters)


class Shared(FbpAlgorithm):
    """On one GPU that is taken for two."""

    def operators(self) -> list[Operators]:
        return [CudaOperators(0), CudaOperators(0)]


class TestOnPartsOfAGpu(DeviceContract):
    sorted_tolerance = 5e-3

    def make(self, **parameters: Any) -> Algorithm:
        return Shared(device="cuda:0", **parameters)


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_gpus_give_what_one_gives(variant: str) -> None:
    if len(find_gpus().found) < 2:
        pytest.skip("needs two CUDA devices")
    stored = TestOnGpu().odd_scan()
    one, two = (
        reconstruct_scan(stored, FbpAlgorithm(device=device, **VARIANTS[variant]))
        for device in ("cuda:0", "cuda:0,1")
    )
    volume = one.arrays["volume"]
    close = 2e-5 * np.abs(volume).max()
    np.testing.assert_allclose(two.arrays["volume"], volume, atol=close)
    assert two.progress.parameters["device"] == "cuda:0, cuda:1"
