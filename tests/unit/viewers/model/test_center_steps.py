"""The center as a user moves it."""

from daiss_bluesky.viewers.model.center_steps import CenterSteps


def test_steps_add_up_and_are_undone_one_by_one() -> None:
    steps = CenterSteps(in_force_px=64.0, columns=128)
    assert steps.nudge(1.0)
    assert steps.nudge(-0.1)
    assert steps.value_px == 64.9
    assert steps.relative_px is not None
    assert abs(steps.relative_px - 0.9) < 1e-9
    assert steps.undo()
    assert steps.value_px == 65.0
    assert steps.undo()
    assert steps.value_px == 64.0
    assert not steps.undo()


def test_a_locked_center_stays() -> None:
    steps = CenterSteps(in_force_px=64.0, locked=True)
    assert not steps.nudge(1.0)
    assert not steps.want(12.0)
    assert steps.value_px == 64.0


def test_nothing_is_moved_before_a_center_is_known() -> None:
    steps = CenterSteps()
    assert not steps.nudge(1.0)
    assert steps.value_px is None
    assert steps.relative_px is None


def test_what_is_in_force_is_followed_until_something_else_is_wanted() -> None:
    steps = CenterSteps(in_force_px=64.0)
    steps.heard(64.5)
    assert steps.value_px == 64.5
    steps.nudge(1.0)
    steps.heard(64.5)
    assert steps.value_px == 65.5
    steps.heard(65.5)
    assert steps.wanted_px is None
    steps.heard(66.0)
    assert steps.value_px == 66.0
