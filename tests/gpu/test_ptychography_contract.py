"""Ptychography on a device holds the contract of its technique."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.ptychography_contract import PtychographyContract
from daiss_bluesky.testing.ptychography_phantom import ptychography_phantom
from daiss_bluesky.testing.ptychography_scan import FAR, NEAR, make_ptychography_scan

pytestmark = pytest.mark.gpu


class TestDevice(PtychographyContract):
    def make(self, **parameters: Any) -> Algorithm:
        quick: dict[str, Any] = {"passes": 5, "modes": 2, "visits_per_frame": 6}
        return RpieAlgorithm(**quick | parameters, device="cuda:0")


@pytest.mark.parametrize("field", ["far", "near"])
def test_the_residual_is_that_of_the_cpu_after_equal_visits(field: str) -> None:
    """With modes and positions, through the whole of a scan."""
    phantom = ptychography_phantom(FAR if field == "far" else NEAR)
    stored = make_ptychography_scan(phantom, noise_seed=2)
    parameters: dict[str, Any] = {"passes": 12, "least_gain": 0.0, "modes": 2}
    found = [
        reconstruct_scan(stored, RpieAlgorithm(**parameters, device=device))
        for device in ("cpu", "cuda:0")
    ]
    residuals = [one.progress.quality["residual"] for one in found]
    assert residuals[1] == pytest.approx(residuals[0], rel=1e-4)
    assert found[1].progress.parameters["device"].startswith("cuda:0 (")
    visits = [one.progress.parameters["frame_iterations"] for one in found]
    assert visits[0] == visits[1]
    assert np.isfinite(found[1].arrays["object"]).all()
