"""Orders of angles and the weights that make them equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import (
    ORDERS,
    Order,
    angle_weights,
    check_angles,
    coverage,
    projection_angles_deg,
)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [2, 3, 7, 64, 181])
def test_every_order_covers_the_half_circle_once(order: Order, n: int) -> None:
    angles = projection_angles_deg(n, order=order)
    assert len(np.unique(angles)) == n
    assert angles.min() >= 0
    assert angles.max() < 180
    assert angle_weights(np.deg2rad(angles)).sum() == pytest.approx(np.pi)


@pytest.mark.parametrize("order", ["sequential", "interlaced"])
def test_even_scans_have_even_weights(order: Order) -> None:
    angles = projection_angles_deg(90, order=order)
    assert np.allclose(angle_weights(np.deg2rad(angles)), np.pi / 90, rtol=1e-12)


def test_interlaced_is_even_after_every_pass() -> None:
    angles = projection_angles_deg(64, order="interlaced", passes=4)
    assert np.allclose(np.diff(np.sort(angles[:16])), 180 / 16)
    assert np.allclose(np.diff(np.sort(angles[:32])), 180 / 32)


@given(
    n=st.integers(8, 300),
    jitter=st.floats(0, 0.1),
    start=st.floats(-400, 400),
    seed=st.integers(0, 1000),
)
def test_jitter_of_the_stage_leaves_weights_even(
    n: int, jitter: float, start: float, seed: int
) -> None:
    step = np.pi / n
    noise = np.random.default_rng(seed).uniform(-jitter, jitter, n) * step
    weights = angle_weights(np.deg2rad(start) + np.arange(n) * step + noise)
    # The usual gap is one that was measured, so it carries its own jitter.
    assert np.ptp(weights) < 1e-12
    assert weights[0] == pytest.approx(step, rel=2.01 * jitter + 1e-9)


@given(seed=st.integers(0, 1000))
def test_order_and_half_turns_do_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.deg2rad(projection_angles_deg(50, order="golden"))
    shuffle = random.permutation(50)
    turned = angles[shuffle] + np.pi * random.integers(-2, 3, 50)
    assert np.allclose(angle_weights(turned), angle_weights(angles)[shuffle])


def test_a_missing_frame_is_stood_in_for_by_its_neighbors_alone() -> None:
    angles = np.arange(100) * np.pi / 100
    weights = angle_weights(np.delete(angles, 40))
    assert weights.sum() == pytest.approx(np.pi)
    changed = np.flatnonzero(~np.isclose(weights, np.pi / 100))
    assert changed.tolist() == [39, 40]


def test_the_edges_of_a_wedge_do_not_stand_for_it() -> None:
    weights = angle_weights(np.arange(50) * np.pi / 100)
    assert np.allclose(weights, np.pi / 100)


def test_0_and_180_share_their_weight() -> None:
    weights = angle_weights(np.deg2rad(np.arange(0, 181, 2)))
    assert weights[0] + weights[-1] == pytest.approx(weights[1])
    assert weights.sum() == pytest.approx(np.pi)


def test_a_full_turn_weighs_half() -> None:
    weights = angle_weights(np.arange(200) * 2 * np.pi / 200)
    assert np.allclose(weights, np.pi / 200)


def test_coverage_counts_what_came() -> None:
    angles = np.arange(45) * np.pi / 180
    assert coverage(angles, 180) == pytest.approx(0.25)
    assert coverage(np.deg2rad(np.arange(0, 181, 2)), 91) == pytest.approx(1)
    assert coverage(np.zeros(0), 180) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param({"n": 1}, "at least 2 angles, not 1", id="one"),
        pytest.param({"n": 0}, "at least 2 angles, not 0", id="none"),
        pytest.param({"n": 5, "order": "random"}, "unknown order 'random'", id="order"),
        pytest.param({"n": 5, "start_deg": float("nan")}, "finite start", id="nan"),
        pytest.param({"n": 5, "range_deg": -1.0}, "positive range", id="range"),
    ],
)
def test_refusals(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        projection_angles_deg(**arguments)  # type: ignore[arg-type]


def test_degrees_are_told_by_their_range() -> None:
    several_turns = np.linspace(0, 10 * 2 * np.pi, 50)
    np.testing.assert_array_equal(check_angles(several_turns), several_turns)
    assert check_angles([-1.5]).tolist() == [-1.5]
    with pytest.raises(InputError, match=r"from -90 to 89.5 .*degrees; radians"):
        check_angles(np.arange(-90, 90, 0.5))


@pytest.mark.parametrize(
    ("angles", "said"),
    [
        ([0.3, 0.3, 0.3], r"all 3 angles are equal: 0.3 rad"),
        ([0.3, np.nan], "1 not finite"),
        ([], r"shape \(0,\)"),
        ([[0.1, 0.2]], r"shape \(1, 2\)"),
    ],
)
def test_angles_that_make_no_scan_are_refused(angles: list[float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_angles(angles)
