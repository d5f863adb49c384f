"""What a ptychography scan says of itself."""

import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.technique import scan_from_start, technique_of


def start(**record: object) -> dict[str, object]:
    return {"uid": "u", "scan_id": 3, "ptychography": record}


def test_the_object_pixel_follows_from_the_optics() -> None:
    scan = PtychographyScan.from_start(
        start(energy_kev=12.398419843320026, distance_mm=2000, detector_pixel_um=75)
    )
    # 1 Å, 2 m, 128 pixels of 75 µm: 1e-4 µm x 2e6 µm / 9600 µm.
    down, across = scan.object_pixel_um((128, 256))
    assert down == pytest.approx(200 / 9600)
    assert across == pytest.approx(200 / 19200)


def test_what_is_missing_for_the_pixel_is_named() -> None:
    scan = PtychographyScan.from_start(start(distance_mm=2000))
    with pytest.raises(InputError, match="needs detector_pixel_um and energy_kev, or"):
        scan.object_pixel_um((128, 128))
    near = PtychographyScan.from_start(start(field="near", detector_pixel_um=0.5))
    assert near.object_pixel_um((128, 128)) == (0.5, 0.5)


@pytest.mark.parametrize("name", ["distance_mm", "energy_kev", "detector_pixel_um"])
def test_zero_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} = 0"):
        PtychographyScan.from_start(start(**{name: 0}))


def test_frames_and_positions_must_be_as_many() -> None:
    counts = {"diffraction": 3}
    with pytest.raises(InputError, match="3 diffraction frames but 1 positions"):
        PtychographyScan.from_start(start(counts=counts, positions_um=[[0, 0]]))
    assert PtychographyScan.from_start(start(counts=counts)).n_frames == 3


def test_a_run_is_of_one_technique() -> None:
    assert technique_of({"uid": "u"}) is None
    assert technique_of(start()) == "ptychography"
    assert isinstance(scan_from_start({"uid": "u", "tomography": {}}), Scan)
    with pytest.raises(InputError, match="tomography and ptychography"):
        technique_of(start() | {"tomography": {}})
