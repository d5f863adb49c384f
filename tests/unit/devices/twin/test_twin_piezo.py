"""The piezo stage rings, its readbacks are noisy, and it may miss unseen."""

import numpy as np
import pytest

from daiss_devices.twin.motion import Axis
from daiss_devices.twin.piezo import DECAYS, PiezoAxis, PiezoSettings, PiezoStage


def moved(overshoot: float = 0.05, settling_s: float = 0.01) -> PiezoAxis:
    axis = PiezoAxis(overshoot, settling_s)
    axis.move(0.0, 2.0, 500.0, 1e5)
    return axis


def test_it_swings_beyond_its_target_and_comes_to_rest_there() -> None:
    axis = moved()
    times = np.linspace(0, axis.end_s + 1.2 * DECAYS * 0.01, 2000)
    places = np.array([axis.position_at(t) for t in times])
    assert 2.02 < places.max() < 2.0 + 0.05 * 2
    assert np.abs(np.diff(places)).max() < 0.05
    assert axis.position_at(axis.end_s + DECAYS * 0.01) == 2.0
    after = places[times > axis.end_s + 0.03]
    assert np.abs(after - 2.0).max() < np.exp(-3) * 0.05 * 2


def test_without_swings_it_is_any_axis() -> None:
    plain = Axis()
    plain.move(0.0, 2.0, 500.0, 1e5)
    for axis in (moved(overshoot=0.0), moved(settling_s=0.0)):
        for t in np.linspace(-0.01, 0.1, 50):
            assert axis.position_at(t) == plain.position_at(t)


def test_a_move_begun_while_it_swings_starts_where_it_is() -> None:
    axis = moved()
    now = axis.end_s + 0.004
    here = axis.position_at(now)
    assert here != 2.0
    axis.move(now, 0.0, 500.0, 1e5)
    assert axis.position_at(now + 1e-9) == pytest.approx(here)


def stage(error_um: float, seed: int = 1) -> PiezoStage:
    axes = PiezoAxis(0.0, 0.0), PiezoAxis(0.0, 0.0)
    return PiezoStage(*axes, PiezoSettings(error_um=error_um, seed=seed))


def test_a_place_is_always_missed_by_the_same_and_the_readback_does_not_show_it() -> (
    None
):
    piezo = stage(0.05)
    piezo.y.move(0.0, 1.0, 500.0, 1e5)
    piezo.x.move(0.0, -3.0, 500.0, 1e5)
    assert piezo.readback_um(9.0) == (1.0, -3.0)
    true = piezo.true_position_um(9.0)
    assert true == piezo.true_position_um(10.0)
    off = np.subtract(true, (1.0, -3.0))
    np.testing.assert_allclose(off, piezo.error_at((1.0, -3.0)))
    assert np.all(off != 0)
    assert piezo.error_at((1.0, -3.0)) == stage(0.05).error_at((1.0, -3.0))
    assert piezo.error_at((1.0, -3.0)) != stage(0.05, seed=2).error_at((1.0, -3.0))


def test_errors_have_the_size_asked_for_and_no_direction() -> None:
    piezo = stage(0.05)
    places = [(0.2 * i, -0.3 * j) for i in range(30) for j in range(30)]
    off = np.array([piezo.error_at(place) for place in places])
    np.testing.assert_allclose(off.std(axis=0), 0.05, rtol=0.1)
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.006)
    assert abs(np.corrcoef(off.T)[0, 1]) < 0.1
    assert stage(0.0).error_at((1.0, 2.0)) == (0.0, 0.0)
