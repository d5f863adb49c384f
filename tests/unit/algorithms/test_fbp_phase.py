"""Phase retrieval inside the reconstruction: before the sum, with the scan's values."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.lane_fft import fast_length
from daiss_bluesky.kernels.phase import PhaseFilter, retrieve
from daiss_bluesky.testing.ball_scan import make_ball_scan, true_transmission

BEAM = {"energy_kev": 20.0, "distance_mm": 50.0, "pixel_size_um": 1.0}
N, ROWS, COLUMNS, CENTER_PX = 40, 18, 32, 16.0


def stored(**beam: float) -> StoredScan:
    made = make_ball_scan(projection_angles_deg(N), center_px=CENTER_PX)
    scan = made.scan.model_copy(update=beam)
    return dataclasses.replace(made, scan=scan, pair=None, pair_angles_rad=None)


def volume_of(scan: StoredScan, **parameters: Any) -> Any:
    algorithm = FbpAlgorithm(center_px=CENTER_PX, zingers=False, **parameters)
    return reconstruct_scan(scan, algorithm).arrays["volume"]


def test_the_volume_is_that_of_the_retrieved_projections() -> None:
    scan = stored(**BEAM)
    volume = volume_of(scan, phase={"method": "paganin", "delta_beta": 300.0})
    t = true_transmission(scan)
    made = PhaseFilter("paganin", 300.0, 20.0, 50.0, 1.0)
    p = retrieve(t.astype(np.float32), made).astype(np.float64)
    weights = np.full(N, np.pi / N)
    right = reference.interpolate_exactly(
        p, scan.angles_rad, weights, CENTER_PX, length=fast_length(2 * COLUMNS)
    )
    np.testing.assert_allclose(volume, right, atol=2e-3 * np.abs(right).max())
    plain = volume_of(scan)
    assert np.abs(volume - plain).max() > 0.2 * np.abs(plain).max()


def test_the_pipelines_values_come_before_the_scans() -> None:
    by_scan = volume_of(stored(**BEAM), phase={"delta_beta": 300.0})
    by_file = volume_of(stored(), phase={"delta_beta": 300.0, **BEAM})
    np.testing.assert_array_equal(by_scan, by_file)


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ({"delta_beta": 300.0}, "needs energy_kev"),
        ({**BEAM}, "needs delta_beta"),
        ({"delta_beta": -1.0, **BEAM}, "delta_beta = -1.0"),
        ({"delta_beta": 300.0, **BEAM, "distance_mm": -5.0}, "distance_mm = -5.0"),
        ({"method": "fresnel", "delta_beta": 3.0}, "'fresnel'"),
        ({"delta_beta": 300.0, "colour": 1}, "'phase.colour'"),
    ],
)
def test_what_is_missing_or_wrong_is_named(phase: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        volume_of(stored(), phase=phase)
