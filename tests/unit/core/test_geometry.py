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


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_projections_at_one_place_share_its_weight(turns: int) -> None:
    # 0, 180 and 360 degrees are one place: none of the three may weigh nothing.
    angles = np.deg2rad(np.arange(0, 360 * turns + 1, 2))
    weights = angle_weights(angles)
    assert weights.sum() == pytest.approx(np.pi)
    assert weights[1:90] == pytest.approx(np.deg2rad(1 / turns))
    assert weights[0::90] == pytest.approx(np.deg2rad(2 / (2 * turns + 1)))


def test_a_few_close_angles_weigh_like_one() -> None:
    angles = np.deg2rad(np.arange(0, 180, 2.0))
    several = np.concatenate([angles, angles[40] + np.deg2rad([0, 0.01, 0.02])])
    weights = angle_weights(several)
    assert weights.sum() == pytest.approx(np.pi)
    assert weights[[40, -3, -2, -1]] == pytest.approx(np.deg2rad(0.5), rel=0.02)


@pytest.mark.parametrize("ratio", [1.1, 1.2, 2, 4, 10])
def test_a_coarser_part_weighs_as_much_for_each_degree(ratio: float) -> None:
    fine, coarse = np.arange(0, 90, 1.0), np.arange(90, 180, ratio)
    weights = np.rad2deg(angle_weights(np.deg2rad(np.append(fine, coarse))))
    assert weights.sum() == pytest.approx(180)
    assert weights[1:89] == pytest.approx(1)
    assert weights[92:-1] == pytest.approx(ratio)


def test_random_angles_stand_for_the_whole_half_circle() -> None:
    angles = np.random.default_rng(5).uniform(0, np.pi, 150)
    assert angle_weights(angles).sum() == pytest.approx(np.pi)


@pytest.mark.parametrize(
    ("missing_deg", "filled_deg"), [(10, 10), (30, 30), (45, 23), (60, 1), (90, 1)]
)
def test_a_narrow_wedge_is_filled_and_a_wide_one_is_not(
    missing_deg: float, filled_deg: float
) -> None:
    there = 180 - missing_deg
    weights = np.rad2deg(angle_weights(np.deg2rad(np.arange(0, there + 0.5))))
    assert weights.sum() - there == pytest.approx(filled_deg, abs=0.1)


def test_a_full_turn_weighs_half() -> None:
    weights = angle_weights(np.arange(200) * 2 * np.pi / 200)
    assert np.allclose(weights, np.pi / 200)


def test_coverage_counts_what_came() -> None:
    angles = np.arange(45) * np.pi / 180
    assert coverage(angles, 180) == pytest.approx(0.25)
    assert coverage(np.deg2rad(np.arange(0, 181, 2)), 91) == pytest.approx(1)
    assert coverage(np.zeros(0), 180) == 0
    turn = np.deg2rad(np.arange(0, 361, 2))
    assert coverage(turn, 181) == pytest.approx(1)
    assert coverage(turn[:46], 181) == pytest.approx(0.25, abs=0.01)
    assert coverage(np.arange(135) * np.pi / 180) == pytest.approx(0.75)


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
