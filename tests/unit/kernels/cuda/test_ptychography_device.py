"""The solver of a device, its kernels run by the processor, is its definition."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_device import Bench, DeviceSolver
from daiss_bluesky.kernels.ptychography_step import Step
from tests.unit.kernels.cuda.on_host import COMPILER, HostQueue
from tests.unit.kernels.solver_case import EVERYTHING, SHAPES, STEPS, Case, N, waves

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

make = partial(DeviceSolver, bench=Bench(HostQueue()))


@pytest.mark.parametrize(("shape", "modes", "size"), [*SHAPES, ((64, 80), 7, 2)])
@pytest.mark.parametrize("near", [False, True])
def test_an_update_is_as_defined(
    shape: tuple[int, int], modes: int, size: int, near: bool
) -> None:
    case = Case(shape, modes, near, make)
    group = np.random.default_rng(3).permutation(N)[:size].tolist()
    case.check(group, EVERYTHING)
    case.check(group, EVERYTHING)


@pytest.mark.parametrize("step", STEPS)
def test_each_part_has_its_switch(step: Step) -> None:
    case = Case((20, 18), 2, make=make)
    case.check([3, 1, 8], step)
    case.check([3, 1, 9], step)


@pytest.mark.parametrize("position_step", [0.0, 1.0])
def test_groups_of_all_windows_are_as_on_the_cpu(position_step: float) -> None:
    """Frames come again, so positions that moved must be known by then."""
    rng = np.random.default_rng(5)
    groups = [rng.permutation(N)[: 1 + k % 16] for k in range(38)]
    step = Step(position_step=position_step, alpha=0.3)
    found: list[Any] = []
    for way in (Solver, make):
        case = Case((16, 18), 2, make=way)
        found.append((case.solver.run(groups, step), case.solver))
    (expected, cpu), (got, device) = found
    for one, other in zip(expected, got, strict=True):
        assert other.residual == pytest.approx(one.residual, rel=1e-4)
    np.testing.assert_allclose(device.positions, cpu.positions, atol=1e-3)


@pytest.mark.parametrize("near", [False, True])
def test_misfits_move_nothing(near: bool) -> None:
    group = np.array([3, 0, 18, *range(17)])
    cpu, device = (Case((16, 20), 2, near, way).solver for way in (Solver, make))
    before = device.canvas.pixels, device.probe, device.positions.copy()
    moved = np.random.default_rng(1).uniform(-1, 1, (len(group), 2))
    found = device.misfits(group, before[2][group] + moved)
    expected = cpu.misfits(group, cpu.positions[group] + moved)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for kept, now in zip(
        before, (device.canvas.pixels, device.probe, device.positions), strict=True
    ):
        np.testing.assert_array_equal(now, kept)


def test_the_light_on_the_object_is_that_of_the_cpu() -> None:
    cpu, device = (Case((16, 20), 2, make=way).solver for way in (Solver, make))
    expected = cpu.illumination()
    assert expected.max() > 1
    y, x = np.array(cpu.canvas.origin) - np.array(device.canvas.origin)
    assert (y, x) == (0, 0)
    np.testing.assert_array_equal(device.illumination(), expected)


def test_frames_in_any_portions_and_pages_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daiss_bluesky.kernels.ptychography_work.PAGE_BYTES", 2600)
    frames = np.random.default_rng(0).integers(0, 65536, (17, 16, 18), np.uint16)
    probe, bench = waves(np.random.default_rng(2), (16, 18)), Bench(HostQueue())
    whole, parts = (make(probe, bench=bench) for _ in range(2))
    positions = np.random.default_rng(1).uniform(0, 9, (17, 2))
    whole.add(frames, positions)
    for first in range(0, 17, 3):
        parts.add(frames[first : first + 3], positions[first : first + 3])
    asked = [16, 0, 9, 9, 5]
    np.testing.assert_array_equal(parts.frames_of(asked), frames[asked])
    group = np.array([16, 2, 7, 11])
    assert parts.run([group], EVERYTHING) == whole.run([group], EVERYTHING)


def test_frames_beyond_the_devices_memory_are_as_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daiss_bluesky.kernels.ptychography_work.PAGE_BYTES", 1 << 12)
    frames = np.random.default_rng(0).integers(0, 90, (N, 16, 16), np.uint16)
    positions = np.random.default_rng(1).uniform(0, 9, (N, 2))
    bench, found = Bench(HostQueue()), []
    for most in (None, 2 << 12, 0):
        probe = waves(np.random.default_rng(2), (16, 16))
        solver = make(probe, bench=bench, frame_bytes=most)
        solver.add(frames, positions)
        np.testing.assert_array_equal(solver.frames_of([19, 2, 9]), frames[[19, 2, 9]])
        groups = [np.arange(16), np.arange(4, N)]
        found.append((solver.host_bytes, solver.run(groups, EVERYTHING)))
    # Pages of 8 frames: three of them.
    assert [there for there, _ in found] == [0, 1 << 12, 3 << 12]
    assert found[1][1] == found[2][1] == found[0][1]


def test_a_solver_begun_anew_shares_frames_and_nothing_else() -> None:
    solver = Case((16, 16), 2, make=make).solver
    probe = solver.probe
    other = solver.anew(probe[:1])
    other.run([np.arange(16)], EVERYTHING)
    np.testing.assert_array_equal(solver.probe, probe)
    assert other.count == solver.count
    assert not np.array_equal(other.positions, solver.positions)
    fresh = make(probe[0])
    fresh.add(solver.frames_of(range(N)), solver.measured)
    again = solver.anew(probe[:1])
    step = Step()
    bad = again.run([np.arange(16)], step)[0].power, fresh.run([np.arange(16)], step)
    assert bad[0] < bad[1][0].power


def test_what_is_recorded_later_leaves_alone_what_another_solver_had() -> None:
    """Its memory may belong to somebody else by then."""
    bench = Bench(HostQueue())
    shape = 16, 16
    one = make(waves(np.random.default_rng(2), shape), bench=bench)
    one.add(np.ones((1, *shape), np.uint16), [[0.0, 0.0]])
    one.run([np.array([0])], Step())
    left = one._peaks
    left[:] = -7
    bench.prepare(shape, 1, near=False)
    np.testing.assert_array_equal(left, -7)


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(InputError, match="factors 2, 3 and 5 only"):
        make(np.ones((14, 16), np.complex64))
    solver = Case((16, 16), 1, make=make).solver
    for group in (range(0), range(17)):
        with pytest.raises(InputError, match=f"not {len(group)}"):
            solver.update(group, Step())
    with pytest.raises(InputError, match="NaN or infinite"):
        solver.add(np.ones((1, 16, 16), np.uint16), [[0.0, np.nan]])
    with pytest.raises(InputError, match="not float64"):
        solver.add(np.ones((1, 16, 16)), [[0, 0]])
