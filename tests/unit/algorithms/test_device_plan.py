from dataclasses import replace

import numpy as np
import pytest

from daiss_bluesky.algorithms.device_part import WORK_BYTES
from daiss_bluesky.algorithms.device_plan import (
    MOST_SLAB_BYTES,
    DeviceCase,
    DevicePlan,
    plan_device,
)
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.on_devices import fit, part_rows
from daiss_bluesky.algorithms.phase_parameters import PhaseParameters, phase_filter
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.cuda.phase import DevicePhase
from daiss_bluesky.kernels.host_operators import HostOperators
from daiss_bluesky.testing.on_hosts import OnHosts


class Roomy(HostOperators):
    def free_bytes(self) -> int:
        return 10**12


CUBE = DeviceCase(n_frames=2048, frame_shape=(2048, 2048), rows=2048, width=2048)
RAW = 2 * 2048**3
VOLUME = 4 * 2048**3


def plan(free_gb: float, case: DeviceCase = CUBE) -> DevicePlan | None:
    return plan_device(case, HostOperators(), int(free_gb * 1e9))


def test_everything_stays_where_there_is_room() -> None:
    found = plan(120)
    assert found is not None
    assert found.frames_bytes >= RAW
    assert found.host_frames_bytes == 0
    assert found.keeps_volume
    assert 4 * 2048 * 2048 * found.slab_rows <= MOST_SLAB_BYTES
    assert RAW + VOLUME < found.bytes <= 120e9


def test_the_volume_goes_first_and_then_frames() -> None:
    tight, tighter = plan(40), plan(12)
    assert tight is not None
    assert tighter is not None
    assert tight.frames_bytes >= RAW
    assert not tight.keeps_volume
    assert tighter.frames_bytes + tighter.host_frames_bytes >= RAW
    assert tighter.host_frames_bytes > 0
    assert tighter.slab_rows >= 16


@pytest.mark.parametrize("free_gb", np.geomspace(2, 200, 25))
def test_a_plan_never_takes_more_than_there_is(free_gb: float) -> None:
    for case in (CUBE, replace(CUBE, stripes=True), replace(CUBE, width=4000)):
        found = plan(free_gb, case)
        assert found is None or found.bytes <= free_gb * 1e9
        assert found is None or found.frames_bytes > 0


def test_none_where_not_even_a_slab_fits() -> None:
    assert plan(WORK_BYTES / 1e9) is None


def test_a_device_asked_for_that_is_too_small_is_refused_and_auto_takes_the_cpu() -> (
    None
):
    scan = Scan(run_uid="s", counts={"projection": 100})
    with pytest.raises(InputError, match=r"too few for 100 projections of 20 x 30"):
        OnHosts(device="cuda:0", device_memory_gb=0.01).start(scan, (20, 30))
    started = OnHosts(device_memory_gb=0.01).start(scan, (20, 30))
    assert started.progress().parameters["device"] == "cpu"
    assert "arrays" not in started.progress().parameters


def test_memory_beyond_the_limit_is_refused_with_the_figures() -> None:
    scan = Scan(run_uid="s", counts={"projection": 100})
    with pytest.raises(InputError, match=r"needs .* GB of memory, but the limit is"):
        OnHosts(memory_limit_gb=0.1).start(scan, (20, 30))


def test_a_parameter_that_names_no_device_is_refused() -> None:
    with pytest.raises(InputError, match="device = 'gpu' in the parameters of fbp"):
        FbpAlgorithm(device="gpu")


@pytest.mark.parametrize(("rows", "count"), [(7, 3), (16, 1), (2, 2)])
def test_rows_are_dealt_out(rows: int, count: int) -> None:
    parts = part_rows(rows, count)
    dealt = [row for part in parts for row in range(part.start, part.stop)]
    assert dealt == list(range(rows))
    assert len(parts) == count


@pytest.mark.parametrize("shape", [(2048, 2048), (4096, 4096), (301, 2560)])
def test_phase_retrieval_is_in_the_plan(shape: tuple[int, int]) -> None:
    scan = Scan(run_uid="s", counts={"projection": 100})
    given = {"delta_beta": 100.0, "energy_kev": 20.0, "distance_mm": 100.0,
             "pixel_size_um": 1.0}  # fmt: skip
    (plain,), (retrieved,) = (
        [
            plan
            for _, plan in fit(
                [Roomy()],
                FbpParameters.parse({"phase": phase}, "fbp"),
                scan,
                shape,
            ).devices
        ]
        for phase in (None, given)
    )
    phase = phase_filter(PhaseParameters(**given), scan, shape)
    more = DevicePhase.bytes(phase, *shape)
    assert more <= retrieved.bytes - plain.bytes < 1.1 * more


def test_more_projections_than_a_device_sorts_are_the_cpus() -> None:
    class Short(Roomy):
        most_sorted = 99

    scan = Scan(run_uid="s", counts={"projection": 100})
    for stripes, fits in (("sorting", False), ("combined", False), ("mean", True)):
        parameters = FbpParameters.parse({"stripes": stripes}, "fbp")
        found = fit([Short()], parameters, scan, (20, 30))
        assert bool(found.devices) is fits
        assert fits or "stripes of 99 projections at most" in str(found.why_not)
