"""Iterative reconstructions are those of the CPU."""

from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.iterative import (
    CglsAlgorithm,
    SirtAlgorithm,
    TvAlgorithm,
)
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.ball_scan import make_ball_scan

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("algorithm", [SirtAlgorithm, CglsAlgorithm, TvAlgorithm])
def test_the_volume_is_the_cpus(algorithm: type[Any]) -> None:
    stored = make_ball_scan(projection_angles_deg(21), rows=19, columns=33)
    found, expected = (
        reconstruct_scan(stored, algorithm(iterations=6, device=device))
        for device in ("cuda:0", "cpu")
    )
    assert found.progress.parameters["device"] == "cuda:0"
    right = expected.arrays["volume"]
    close = 2e-4 * np.abs(right).max()
    np.testing.assert_allclose(found.arrays["volume"], right, atol=close)
