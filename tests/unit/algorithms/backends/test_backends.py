"""Other programs give our volume: orientation, half pixel, gain, without any fit."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.backends import registry
from daiss_bluesky.algorithms.backends.registry import (
    BACKENDS,
    find_backend,
    load_peer,
)
from daiss_bluesky.algorithms.backends.sinograms import moved
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.geometry import angle_weights
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_bluesky.testing.ball_scan import BALLS
from daiss_bluesky.testing.measures import relative_error

TOLERANCES = {
    "astra:fbp": 0.04,
    "astra:sirt": 0.04,
    "astra:cgls": 0.07,
    "algotom:fbp": 0.01,
    "algotom:dfi": 0.05,
    "tomopy:gridrec": 0.05,
    "tomopy:fbp": 0.05,
    "tomopy:sirt": 0.04,
}
"""What the docstrings of the adapters state; half a pixel would be 0.2."""

FILTERED = ("astra:fbp", "algotom:fbp", "algotom:dfi", "tomopy:gridrec", "tomopy:fbp")
ROWS = 3


def peer(name: str) -> Any:
    try:
        return load_peer(find_backend(name))
    except UnavailableError as error:
        pytest.skip(str(error))


def line_integrals(
    angles_rad: NDArray[np.float64], n: int, center_px: float
) -> NDArray[np.float32]:
    geometry = FieldGeometry(ROWS, n, center_px)
    return np.stack([project(BALLS, angle, geometry) for angle in angles_rad])


def test_every_backend_has_a_stated_tolerance() -> None:
    assert set(TOLERANCES) == set(BACKENDS)


@pytest.mark.parametrize("name", sorted(BACKENDS))
@pytest.mark.parametrize(("n", "center_px"), [(75, 40.3), (64, 30.7)])
def test_a_peer_gives_our_volume(name: str, n: int, center_px: float) -> None:
    reconstruct = peer(name)
    angles_rad = 0.02 + np.arange(120) * np.pi / 120
    p = line_integrals(angles_rad, n, center_px)
    volume = reconstruct(p, angles_rad, center_px)
    weights = np.full(120, np.pi / 120)
    ours = reference.reconstruct(p.astype(float), angles_rad, weights, center_px)
    assert volume.shape == ours.shape
    assert volume.dtype == np.float32
    assert volume.flags.c_contiguous
    assert relative_error(volume, ours) < TOLERANCES[name]


@pytest.mark.parametrize("name", FILTERED)
def test_uneven_angles_are_weighed_alike(name: str) -> None:
    """Golden angles, backwards: weights differ by a factor of 1.6."""
    reconstruct = peer(name)
    angles_rad = -np.mod(np.arange(120) * 0.618034, 1.0) * np.pi
    p = line_integrals(angles_rad, 65, 33.4)
    weights = angle_weights(angles_rad)
    ours = reference.reconstruct(p.astype(float), angles_rad, weights, 33.4)
    volume = reconstruct(p, angles_rad, 33.4)
    assert relative_error(volume, ours) < 1.5 * TOLERANCES[name]


def test_gridrec_keeps_the_mean_whatever_the_padding() -> None:
    gridrec = peer("tomopy:gridrec")
    angles_rad = np.arange(120) * np.pi / 120
    p = line_integrals(angles_rad, 64, 30.7)
    weights = np.full(120, np.pi / 120)
    ours = reference.reconstruct(p.astype(float), angles_rad, weights, 30.7)
    for padding, tolerance in ((2, 0.02), (4, 0.01)):
        volume = gridrec(p, angles_rad, 30.7, padding=padding)
        assert relative_error(volume, ours) < 0.05
        assert volume.sum() == pytest.approx(ours.sum(), rel=tolerance)


def test_both_ends_of_half_turn_count_once() -> None:
    """As stages end a scan: at 180 degrees, give or take a thousandth."""
    dfi = peer("algotom:dfi")
    angles_rad = np.deg2rad(np.linspace(0, 180, 121) + np.append(np.zeros(120), 1e-3))
    p = line_integrals(angles_rad, 64, 30.7)
    weights = angle_weights(angles_rad)
    ours = reference.reconstruct(p.astype(float), angles_rad, weights, 30.7)
    assert relative_error(dfi(p, angles_rad, 30.7), ours) < TOLERANCES["algotom:dfi"]


def test_a_missing_wedge_is_refused_where_it_cannot_be_taken() -> None:
    dfi = peer("algotom:dfi")
    angles_rad = np.deg2rad(np.arange(0.0, 120.0, 2.0))
    p = line_integrals(angles_rad, 32, 16.0)
    with pytest.raises(InputError, match=r"algotom:dfi.*62\.0 degrees"):
        dfi(p, angles_rad, 16.0)


def test_an_unknown_backend_is_refused_with_those_there_are() -> None:
    here = "astra:fbp" if find_spec("astra") else "none|algotom|tomopy"
    with pytest.raises(
        InputError, match=rf"'astra:fpb'.*known: .*tomopy:gridrec.*importable.*{here}"
    ):
        find_backend("astra:fpb")


def test_a_missing_package_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"tomopy.*not installed.*conda-forge"):
        load_peer(find_backend("tomopy:gridrec"))
    with pytest.raises(InputError, match="importable here: none"):
        find_backend("nothing")


def test_moving_projections_is_exact_for_smooth_ones() -> None:
    x = np.arange(65.0)
    profile = np.exp(-(((x - 30.0) / 4.0) ** 2))
    p = np.broadcast_to(profile, (2, 3, 65)).astype(np.float32)
    shifted = moved(p, np.array([2.25, -1.5]))
    for i, shift_px in enumerate((2.25, -1.5)):
        expected = np.exp(-(((x - 30.0 - shift_px) / 4.0) ** 2))
        np.testing.assert_allclose(shifted[i, 1], expected, atol=1e-6)
