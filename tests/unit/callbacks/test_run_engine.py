"""Documents of a real RunEngine with ophyd.sim's detectors."""

from pathlib import Path
from typing import Any

import bluesky.plans as bp
import numpy as np
import pytest
from bluesky import RunEngine
from ophyd.sim import SynAxis, SynSignal, SynSignalWithRegistry

from daiss_bluesky.core.frames import FrameRef
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY, PtychographyRecord
from daiss_bluesky.core.technique import scan_from_start
from daiss_callbacks.assembler import FrameAssembler
from daiss_callbacks.frame_store import FrameStore

N = 6


def image_at(angle_deg: float) -> Any:
    return np.full((4, 5), round(10 * angle_deg), dtype=np.uint16)


class StageAxis(SynAxis):
    """An axis that says its unit, as EpicsMotor does."""

    def describe(self) -> dict[str, Any]:
        return {
            key: data_key | {"units": self.egu}
            for key, data_key in super().describe().items()
        }


class Collector:
    """What a live callback does with documents."""

    def __init__(self, store: FrameStore) -> None:
        self.store = store
        self.refs: list[FrameRef] = []
        self.assembler: FrameAssembler | None = None

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        if name == "start":
            scan = scan_from_start(doc)
            self.assembler = FrameAssembler(scan, doc, self.store.keep)
        assert self.assembler
        self.refs += self.assembler(name, doc)


@pytest.mark.parametrize("detector_class", [SynSignal, SynSignalWithRegistry])
@pytest.mark.parametrize("units", ["deg", "rad"])
def test_a_step_scan_gives_every_frame_with_its_readback(
    tmp_path: Path, detector_class: type[SynSignal], units: str
) -> None:
    motor = StageAxis(name="rotation", egu=units)
    saved = {"save_path": str(tmp_path)} if "Registry" in str(detector_class) else {}
    camera = detector_class(
        func=lambda: image_at(motor.position), name="camera", labels={"c"}, **saved
    )
    collector = Collector(FrameStore([tmp_path], timeout_s=10))
    engine = RunEngine({}, context_managers=[])
    engine(bp.scan([camera], motor, 0, 3, N), collector)

    assert collector.assembler
    assert collector.assembler.missing() == {}
    assert collector.assembler.unresolved() == []
    batch = collector.store.load(collector.refs)
    angles = np.linspace(0, 3, N)
    assert batch.indices.tolist() == list(range(N))
    expected = angles if units == "rad" else np.deg2rad(angles)
    np.testing.assert_allclose(batch.angles_rad, expected)
    np.testing.assert_array_equal(batch.pixels, [image_at(a) for a in angles])
    assert np.all(np.diff(batch.times_s) > 0)
    collector.store.close()


@pytest.mark.parametrize("detector_class", [SynSignal, SynSignalWithRegistry])
@pytest.mark.parametrize("units", [("um", "um"), ("mm", "nm")])
def test_a_grid_gives_every_frame_with_row_and_column(
    tmp_path: Path, detector_class: type[SynSignal], units: tuple[str, str]
) -> None:
    row, column = (
        StageAxis(name=name, egu=unit, readback_func=lambda x: x + 0.25)
        for name, unit in zip(("stage_y", "stage_x"), units, strict=True)
    )
    saved = {"save_path": str(tmp_path)} if "Registry" in str(detector_class) else {}
    camera = detector_class(
        func=lambda: image_at(10 * row.position + column.position),
        name="camera",
        labels={"c"},
        **saved,
    )
    planned = [(float(y), float(x)) for y in range(3) for x in range(4)]
    record = PtychographyRecord(
        positions_um=planned, position_keys=("stage_y", "stage_x")
    )
    collector = Collector(FrameStore([tmp_path], timeout_s=10))
    engine = RunEngine({}, context_managers=[])
    plan = bp.grid_scan([camera], row, 0, 2, 3, column, 0, 3, 4)
    engine(plan, collector, **{PTYCHOGRAPHY_KEY: record.model_dump(mode="json")})

    assert collector.assembler
    assert collector.assembler.missing() == {}
    assert collector.assembler.received == {"diffraction": 12}
    batch = collector.store.load(collector.refs)
    factors = [{"um": 1.0, "mm": 1e3, "nm": 1e-3}[unit] for unit in units]
    measured = np.array(planned) + 0.25
    assert batch.positions_um is not None
    np.testing.assert_allclose(batch.positions_um, measured * factors)
    images = [image_at(10 * y + x) for y, x in measured]
    np.testing.assert_array_equal(batch.pixels, images)
    assert collector.store.axis_sources == {"readback": 12}
    collector.store.close()


def test_a_grid_that_fails_midway_keeps_what_it_took(tmp_path: Path) -> None:
    row, column = (StageAxis(name=name, egu="um") for name in ("stage_y", "stage_x"))
    camera = SynSignal(func=lambda: image_at(row.position), name="camera")
    record = PtychographyRecord(
        counts={"diffraction": 12}, position_keys=("stage_y", "stage_x")
    )
    collector = Collector(FrameStore([tmp_path], timeout_s=10))
    engine = RunEngine({}, context_managers=[])

    def failing() -> Any:
        moves = 0
        for message in bp.grid_scan([camera], row, 0, 2, 3, column, 0, 3, 4):
            moves += message.command == "create"
            if moves > 5:
                raise OSError("the stage is gone")
            yield message

    with pytest.raises(OSError, match="the stage is gone"):
        engine(failing(), collector, **{PTYCHOGRAPHY_KEY: record.model_dump()})

    assert collector.assembler
    assert collector.assembler.missing() == {"diffraction": 7}
    batch = collector.store.load(collector.refs)
    expected = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    assert batch.positions_um is not None
    np.testing.assert_allclose(batch.positions_um, expected)
    collector.store.close()
