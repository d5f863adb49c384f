import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.arcs import angle_arcs
from daiss_bluesky.core.geometry import ORDERS, angle_weights, projection_angles_deg

PI = np.pi


def arcs_of(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    angles = np.deg2rad(angles_deg)
    return angle_arcs(angles, angle_weights(angles))


@pytest.mark.parametrize("order", ORDERS)
def test_a_half_circle_is_one_arc(order: str) -> None:
    found = arcs_of(projection_angles_deg(90, start_deg=10, order=order))  # type: ignore[arg-type]
    assert len(found) == 1
    start, stop, density = found[0]
    assert (stop - start) * density == pytest.approx(PI, rel=1e-9)
    assert stop - start == pytest.approx(PI, abs=0.05)
    assert start == pytest.approx(np.deg2rad(10), abs=0.05)


def test_a_full_turn_has_half_the_density() -> None:
    found = arcs_of(projection_angles_deg(200, range_deg=360))
    np.testing.assert_allclose(found, [[0, 2 * PI, 0.5]])


def test_a_scan_under_way_is_the_arc_it_covered() -> None:
    found = arcs_of(projection_angles_deg(180)[:61])
    expected = np.deg2rad([[-0.5, 60.5, np.rad2deg(1.0)]])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_where_the_turn_repeats_the_half_circle_it_counts_half() -> None:
    found = arcs_of(np.arange(0.0, 270.0))
    found = found[np.argsort(found[:, 0])]
    np.testing.assert_allclose(found[:, 2], [0.5, 1.0, 0.5], atol=0.02)
    np.testing.assert_allclose(np.rad2deg(found[:, 0]), [0, 90, 180], atol=1.1)


def test_integrals_are_those_of_the_sum() -> None:
    rng = np.random.default_rng(3)
    angles = np.sort(rng.choice(np.arange(0, 360.0, 0.5), 500, replace=False))
    angles = angles[(angles < 40) | (angles > 70)]
    radians = np.deg2rad(angles)
    weights = angle_weights(radians)
    found = angle_arcs(radians, weights)
    start, stop, density = found.T
    assert np.sum(density * (stop - start)) == pytest.approx(weights.sum())
    sines = np.sum(density * (np.cos(start) - np.cos(stop)))
    assert sines == pytest.approx(np.sum(weights * np.sin(radians)), abs=0.06)


@pytest.mark.parametrize(
    "degrees",
    [
        pytest.param(np.arange(0.0, 361, 2), id="0 to 360 with both ends"),
        pytest.param(np.arange(0.0, 721, 2), id="two turns"),
        pytest.param(np.r_[0:90:1.0, 90:180:4.0], id="coarser part"),
        pytest.param(np.arange(0.0, 140.5), id="wedge"),
        pytest.param(np.r_[0:60:1.0, 70:180:1.0], id="small wedge"),
    ],
)
def test_arcs_hold_all_the_weight_where_the_angles_are(
    degrees: NDArray[np.float64],
) -> None:
    angles = np.deg2rad(degrees)
    weights = angle_weights(angles)
    start, stop, density = angle_arcs(angles, weights).T
    assert np.sum(density * (stop - start)) == pytest.approx(weights.sum())
    sines = np.sum(density * (np.cos(start) - np.cos(stop)))
    assert sines == pytest.approx(np.sum(weights * np.sin(angles)), abs=0.03)


def test_no_angles_have_no_arcs() -> None:
    assert angle_arcs(np.zeros(0), np.zeros(0)).shape == (0, 3)
    assert len(arcs_of(np.array([30.0]))) == 1
