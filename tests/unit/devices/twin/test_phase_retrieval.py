"""What the twin propagates, phase retrieval undoes."""

import numpy as np
import pytest

from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.kernels.phase import METHODS, PhaseFilter, retrieve
from daiss_bluesky.testing.phantoms import porous_grain
from daiss_devices.twin.phase_contrast import with_phase
from daiss_devices.twin.settings import parse

N = 128
ARGUMENTS = [
    "--phase-contrast", "--size", str(N), "--pixel-size-um", "1", "--distance-mm", "30"
]  # fmt: skip


def error(method: str, factor: float = 1.0) -> float:
    """RMS error inside the grain over its RMS; δ/β is off by the factor."""
    settings = parse(ARGUMENTS)
    grain, propagation = with_phase(porous_grain(), settings)
    lengths = project(grain.table, 0.5, FieldGeometry(N, N, N / 2))
    truth = (grain.attenuation * lengths).astype(np.float32)
    setting = PhaseFilter(
        method=method,
        delta_beta=settings.delta / settings.beta * factor,
        energy_kev=settings.energy_kev,
        distance_mm=settings.distance_mm,
        pixel_size_um=settings.pixel_size_um,
    )
    found = retrieve(propagation.intensity(-truth)[None], setting)[0]
    inside = truth > 0
    difference = (found - truth)[inside]
    return float(np.sqrt(np.mean(difference**2) / np.mean(truth[inside] ** 2)))


@pytest.mark.parametrize("method", METHODS)
def test_grain_is_found_to_a_percent(method: str) -> None:
    assert error(method) < 0.01
    assert error(method, 0.8) > 0.02
    assert error(method, 1.2) > 0.02
