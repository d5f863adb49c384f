"""The compiled solver is its definition, whatever the number of threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ptychography import Solver, check_shape
from daiss_bluesky.kernels.ptychography_step import GROUP, Misfit, Step
from tests.unit.kernels.solver_case import EVERYTHING, SHAPES, STEPS, Case, N, waves


@contextmanager
def threads(count: int) -> Iterator[None]:
    usual = numba.get_num_threads()
    numba.set_num_threads(count)
    yield
    numba.set_num_threads(usual)


@pytest.mark.parametrize(
    ("shape", "modes", "size"),
    SHAPES,
)
@pytest.mark.parametrize("near", [False, True])
def test_an_update_is_as_defined(
    shape: tuple[int, int], modes: int, size: int, near: bool
) -> None:
    case = Case(shape, modes, near)
    group = np.random.default_rng(3).permutation(N)[:size].tolist()
    case.check(group, EVERYTHING)
    case.check(group, EVERYTHING)


@pytest.mark.parametrize("step", STEPS)
def test_each_part_has_its_switch(step: Step) -> None:
    case = Case((20, 18), 2)
    case.check([3, 1, 8], step)
    case.check([3, 1, 9], step)


def test_a_step_of_nothing_changes_nothing() -> None:
    case = Case((16, 16), 1)
    before = case.solver.canvas.pixels.copy(), case.solver.probe
    case.solver.update(range(16), Step(0, 0))
    np.testing.assert_array_equal(case.solver.canvas.pixels, before[0])
    np.testing.assert_array_equal(case.solver.probe, before[1])


def test_threads_do_not_change_a_bit() -> None:
    found = []
    for count in {1, numba.config.NUMBA_NUM_THREADS}:
        case = Case((96, 80), 3)
        with threads(count):
            sums = [case.solver.update(range(k, k + 9), EVERYTHING) for k in range(5)]
        found.append((case.solver.canvas.pixels, case.solver.probe, sums))
    for pixels, probe, sums in found[1:]:
        np.testing.assert_array_equal(pixels, found[0][0])
        np.testing.assert_array_equal(probe, found[0][1])
        assert sums == found[0][2]


def test_frames_come_in_any_portions() -> None:
    whole, parts = Case((16, 16), 1), Case((16, 16), 1)
    solver = Solver(parts.solver.probe)
    again = Solver(whole.solver.probe)
    positions = whole.solver.positions
    assert again.add(whole.frames, positions) == range(N)
    for first in range(0, N, 3):
        portion = slice(first, min(first + 3, N))
        added = solver.add(parts.frames[portion], positions[portion])
        assert added == range(first, portion.stop)
    for group in (range(16), range(4, 20)):
        assert again.update(group, EVERYTHING) == solver.update(group, EVERYTHING)


def test_the_probe_comes_back_as_it_was_set() -> None:
    probe = waves(np.random.default_rng(0), (3, 20, 18))
    np.testing.assert_array_equal(Solver(probe).probe, probe)
    np.testing.assert_array_equal(Solver(probe[0]).probe, probe[:1])


def test_growth_leaves_what_is_there() -> None:
    case = Case((16, 16), 1)
    solver = case.solver
    before, origin = solver.canvas.pixels.copy(), np.array(solver.canvas.origin)
    solver.add(case.frames[:2], [[-300.5, 20.0], [10.0, 450.25]])
    solver.update([N, N + 1], Step(probe_step=0))
    y, x = origin - np.array(solver.canvas.origin)
    after = solver.canvas.pixels[y : y + before.shape[0], x : x + before.shape[1]]
    np.testing.assert_array_equal(after, before)
    assert (solver.canvas.pixels == 1).any()
    assert np.isfinite(solver.canvas.pixels).all()


@pytest.mark.parametrize("shape", [(14, 16), (16, 121), (1, 8), (0, 8)])
def test_other_sides_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="factors 2, 3 and 5 only"):
        check_shape(shape)


def test_other_frames_are_refused() -> None:
    solver = Solver(np.ones((16, 18), np.complex64))
    with pytest.raises(InputError, match="like the probe, not uint16 of"):
        solver.add(np.ones((1, 18, 16), np.uint16), [[0, 0]])
    with pytest.raises(InputError, match="not float64"):
        solver.add(np.ones((1, 16, 18)), [[0, 0]])  # type: ignore[arg-type]


def test_positions_that_are_none_are_refused() -> None:
    solver = Solver(np.ones((16, 16), np.complex64))
    frames = np.ones((2, 16, 16), np.uint16)
    with pytest.raises(InputError, match="NaN or infinite"):
        solver.add(frames, [[0.0, 0.0], [np.nan, 1.0]])
    solver.add(frames, [[0.0, 0.0], [1e6, 1.0]])
    with pytest.raises(InputError, match="in pixels of the object"):
        solver.update([0, 1], Step())


@pytest.mark.parametrize("size", [0, GROUP + 1])
def test_other_groups_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"not {size}"):
        Case((16, 16), 1).solver.update(range(size), Step())


def test_a_residual_without_light_is_zero() -> None:
    assert Misfit(0.0, 0.0).residual == 0.0
    assert Misfit(1.0, 4.0).residual == pytest.approx(0.5)


@pytest.mark.parametrize("near", [False, True])
def test_misfits_are_those_of_each_frame_where_it_is_tried(near: bool) -> None:
    solver = Case((16, 20), 2, near).solver
    before = solver.canvas.pixels.copy(), solver.probe, solver.positions.copy()
    group = np.array([3, 0, 18, *range(17)])
    places = solver.positions[group] + np.random.default_rng(1).uniform(
        -1, 1, (len(group), 2)
    )
    found = solver.misfits(group, places)
    for number, place, squared in zip(group, places, found, strict=True):
        solver.positions[number] = place
        alone = solver.update([number], Step(object_step=0, probe_step=0))
        assert squared == pytest.approx(alone.squared, rel=1e-5)
    solver.positions[:] = before[2]
    np.testing.assert_array_equal(solver.canvas.pixels, before[0])
    np.testing.assert_array_equal(solver.probe, before[1])
