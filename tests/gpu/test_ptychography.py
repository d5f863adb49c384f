"""Ptychography on a device is what its definition and its CPU form say."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.kernels.cuda.queue import DeviceQueue
from daiss_bluesky.kernels.frame_moments_device import DeviceMoments
from daiss_bluesky.kernels.orientation_check import find_orientation
from daiss_bluesky.kernels.orientation_trial import HOST
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_device import Bench, DeviceSolver
from daiss_bluesky.kernels.ptychography_step import Step
from daiss_bluesky.kernels.reference_frame_moments import frame_moments
from tests.unit.kernels.diffraction_scans import make_frames
from tests.unit.kernels.solver_case import EVERYTHING, SHAPES, STEPS, Case, Make, N

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def make() -> Make:
    """Make solvers on the first device."""
    pytest.importorskip("cupy")
    return partial(DeviceSolver, bench=Bench(DeviceQueue()))


@pytest.mark.parametrize(
    ("shape", "modes", "size"),
    [*SHAPES, ((128, 128), 1, 16), ((64, 64), 3, 16), ((128, 96), 9, 3),
     ((256, 256), 2, 16), ((512, 512), 1, 4), ((135, 250), 1, 6)],
)  # fmt: skip
@pytest.mark.parametrize("near", [False, True])
def test_an_update_is_as_defined(
    make: Make, shape: tuple[int, int], modes: int, size: int, near: bool
) -> None:
    case = Case(shape, modes, near, make)
    group = np.random.default_rng(3).permutation(N)[:size].tolist()
    case.check(group, EVERYTHING)
    case.check(group, EVERYTHING)


@pytest.mark.parametrize("step", STEPS)
def test_each_part_has_its_switch(make: Make, step: Step) -> None:
    case = Case((20, 18), 2, make=make)
    case.check([3, 1, 8], step)
    case.check([3, 1, 9], step)


@pytest.mark.parametrize("positions", [False, True])
def test_many_groups_are_what_the_cpu_makes_of_them(
    make: Make, positions: bool
) -> None:
    """Through windows of every size, with frames that come again."""
    rng = np.random.default_rng(5)
    groups = [rng.permutation(N)[: 1 + k % 16] for k in range(75)]
    step = Step(position_step=float(positions), alpha=0.3)
    found: list[Any] = []
    for way in (Solver, make):
        case = Case((64, 48), 2, make=way)
        found.append((case.solver.run(groups, step), case.solver))
    (expected, cpu), (got, gpu) = found
    residuals = [[one.residual for one in way] for way in (expected, got)]
    np.testing.assert_allclose(residuals[1], residuals[0], rtol=1e-4)
    np.testing.assert_allclose(gpu.positions, cpu.positions, atol=2e-3)


def test_the_same_again_is_the_same_to_the_bit(make: Make) -> None:
    groups = [np.arange(k, k + 16) for k in (0, 2, 4, 1, 3)]
    found = []
    for _ in range(2):
        case = Case((128, 128), 3, make=make)
        sums = case.solver.run(groups, EVERYTHING)
        found.append((case.solver.canvas.pixels, case.solver.probe, sums))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]


@pytest.mark.parametrize("near", [False, True])
def test_misfits_are_those_of_the_cpu(make: Make, near: bool) -> None:
    group = np.array([3, 0, 18, *range(17)])
    found = []
    for way in (Solver, make):
        solver = Case((16, 20), 2, near, way).solver
        moved = np.random.default_rng(1).uniform(-1, 1, (len(group), 2))
        found.append(solver.misfits(group, solver.positions[group] + moved))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


def test_frames_come_back_as_they_were(make: Make) -> None:
    solver = make(np.ones((16, 18), np.complex64))
    frames = np.random.default_rng(0).integers(0, 65536, (5, 16, 18), np.uint16)
    solver.add(frames[:2], np.zeros((2, 2)))
    solver.add(frames[2:], np.zeros((3, 2)))
    np.testing.assert_array_equal(solver.frames_of([4, 1, 1]), frames[[4, 1, 1]])


def test_frames_in_the_hosts_memory_are_as_good() -> None:
    """As where the device's memory is full; some pages there, some here."""
    bench = Bench(DeviceQueue())
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 30, (600, 128, 128), np.uint16)
    positions = rng.uniform(0, 200, (600, 2))
    groups = [rng.permutation(600)[:16] for _ in range(40)]
    found = []
    for most in (None, 1 << 23, 0):
        probe = np.ones((128, 128), np.complex64)
        solver = DeviceSolver(probe, bench=bench, frame_bytes=most)
        solver.add(frames, positions)
        sums = solver.run(groups, Step())
        found.append((solver.host_bytes, solver.frames_of([599, 3]), sums))
    assert [there for there, _, _ in found] == [0, 2 << 23, 3 << 23]
    for _, taken, sums in found:
        np.testing.assert_array_equal(taken, frames[[599, 3]])
        assert sums == found[0][2]


def test_moments_are_those_of_the_cpu() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 60000, (5, 128, 50), np.uint16)
    bad = rng.random((128, 50)) < 0.1
    found = DeviceMoments(DeviceQueue())(frames, bad)
    expected = frame_moments(frames, bad)
    np.testing.assert_allclose(found.total, expected.total)
    np.testing.assert_allclose(found.center_px, expected.center_px, atol=1e-9)


def test_the_light_on_the_object_is_that_of_the_cpu(make: Make) -> None:
    cpu, device = (Case((64, 48), 2, make=way).solver for way in (Solver, make))
    np.testing.assert_array_equal(device.illumination(), cpu.illumination())


def test_orientations_tried_on_a_device_are_as_on_the_cpu() -> None:
    made = make_frames()
    found = [
        find_orientation(made.frames, made.positions_px, made.probe, arrays=arrays)
        for arrays in (HOST, DeviceQueue())
    ]
    assert found[1].name == found[0].name
    # The phases of dark pixels are rounding, which differs.
    assert found[1].scores == pytest.approx(found[0].scores, rel=2e-2)
    assert found[1].confidence == pytest.approx(found[0].confidence, abs=0.05)


def test_no_memory_left_is_said_in_a_sentence() -> None:
    queue = DeviceQueue()
    refused = pytest.raises(UnavailableError, match="cuda:0 has no memory left")
    with refused, queue.active():
        queue.xp.zeros(1 << 42, np.uint8)
