"""Frames that stay on a GPU hold the contract of tomography."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.device_contract import DeviceContract
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
