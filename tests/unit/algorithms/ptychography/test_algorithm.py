"""What rpie refuses at its start, and what it says of a scan beforehand."""

import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.algorithm import BASE_BYTES, RpieAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_batches import sample_batch
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.services.reconstructor import make_algorithm
from daiss_bluesky.testing.ptychography_phantom import ptychography_phantom
from daiss_bluesky.testing.ptychography_scan import (
    FAR,
    SMALL,
    make_ptychography_scan,
    spiral_px,
    unplanned,
)

QUICK = {"passes": 2, "visits_per_frame": 2, "modes": 2}
POSITIONS = [(0.0, 0.0), (1.0, 1.0)]


def make(**parameters: Any) -> RpieAlgorithm:
    return RpieAlgorithm(**parameters)


def scan(**known: object) -> PtychographyScan:
    start = {"positions_um": POSITIONS, "pixel_size_um": 0.1} | known
    return PtychographyScan.parse({"run_uid": "run", **start}, "the scan")


def probe_file(place: Path, shape: tuple[int, ...]) -> str:
    np.savez(place / "probe.npz", probe=np.ones(shape, np.complex64))
    return str(place / "probe.npz")


@pytest.mark.parametrize("shape", [(16, 32), (1, 32, 16), (5, 16, 16)])
def test_a_probe_of_another_shape_is_refused(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    algorithm = RpieAlgorithm(probe=probe_file(tmp_path, shape))
    rows, columns = shape[-2:]
    said = rf"the probe is {rows} x {columns} pixels but the frames are 32 x 32"
    with pytest.raises(InputError, match=said):
        algorithm.start(scan(), (32, 32))
    algorithm.start(scan(), (rows, columns))


def test_a_mask_of_another_shape_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.zeros((32, 30), bool))
    algorithm = RpieAlgorithm(mask=str(tmp_path / "mask.npy"))
    with pytest.raises(InputError, match="the mask is 32 x 30 pixels"):
        algorithm.start(scan(), (32, 32))


@pytest.mark.parametrize("what", ["probe", "mask"])
@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04 cut"])
def test_files_that_cannot_be_read_are_named(
    what: str, content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "there.npz"
    if content is not None:
        path.write_bytes(content)
    known = r"there\.npz (cannot be read|does not exist|is no file of NumPy)"
    with pytest.raises(InputError, match=known):
        make(**{what: str(path)})


def test_files_with_something_else_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.ones((4, 4)))
    with pytest.raises(InputError, match=r"array\.npy .*expected complex numbers"):
        RpieAlgorithm(probe=str(tmp_path / "array.npy"))
    np.savez(tmp_path / "other.npz", wave=np.ones((4, 4)))
    with pytest.raises(InputError, match=r"other\.npz holds no probe"):
        RpieAlgorithm(probe=str(tmp_path / "other.npz"))
    for wrong in (np.ones(4), np.zeros((4, 4)), np.full((4, 4), np.nan)):
        np.savez(tmp_path / "wrong.npz", probe=wrong.astype(np.complex64))
        said = r"wrong\.npz (has shape|is all zero, NaN or infinite)"
        with pytest.raises(InputError, match=said):
            RpieAlgorithm(probe=str(tmp_path / "wrong.npz"))
    with pytest.raises(InputError, match="holds no array"):
        RpieAlgorithm(mask=str(tmp_path / "wrong.npz"))


@pytest.mark.parametrize("name", ["distance_mm", "energy_kev", "detector_pixel_um"])
def test_zero_or_no_distance_energy_or_pixel_is_refused_by_name(name: str) -> None:
    known = {"distance_mm": 500.0, "energy_kev": 8.8, "detector_pixel_um": 75.0}
    with pytest.raises(InputError, match=rf"{name} = 0.* greater than 0"):
        scan(pixel_size_um=None, **known | {name: 0.0})
    del known[name]
    with pytest.raises(InputError, match=rf"the scan needs {name}"):
        RpieAlgorithm().start(scan(pixel_size_um=None, **known), (32, 32))


@pytest.mark.parametrize("missing", ["distance_mm", "energy_kev"])
def test_a_near_field_needs_energy_and_distance(missing: str) -> None:
    known = {"distance_mm": 1.5, "energy_kev": 8.8, "detector_pixel_um": 0.1}
    del known[missing]
    near = scan(field="near", pixel_size_um=None, **known)
    with pytest.raises(InputError, match="needs energy_kev and distance_mm"):
        RpieAlgorithm().start(near, (32, 32))


def test_frames_that_cannot_be_transformed_or_held_are_refused() -> None:
    with pytest.raises(InputError, match=r"32 x 26 .* factors 2, 3 and 5 only"):
        RpieAlgorithm().start(scan(), (32, 26))
    with pytest.raises(InputError, match=r"2 frames of 64 x 64 needs .* limit is 0.01"):
        RpieAlgorithm(memory_limit_gb=0.01).start(scan(), (64, 64))


def test_an_unknown_algorithm_is_refused_with_the_known_ones() -> None:
    pipeline = Pipeline(technique="ptychography", algorithm="epie")
    with pytest.raises(InputError, match=r"unknown algorithm 'epie' .*rpie"):
        make_algorithm(pipeline)
    with pytest.raises(InputError, match="'fbp' is one of tomography"):
        make_algorithm(Pipeline(technique="ptychography", algorithm="fbp"))


@pytest.mark.parametrize("planned", [True, False])
def test_the_memory_stated_is_enough(planned: bool) -> None:
    phantom = ptychography_phantom(SMALL)
    stored = make_ptychography_scan(phantom, n=100, step_px=2.5, dark_counts=5)
    stored = stored if planned else unplanned(stored)
    algorithm = RpieAlgorithm(**QUICK)
    reconstruct_scan(stored, algorithm)  # compiles
    tracemalloc.start()
    try:
        reconstruct_scan(stored, algorithm)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stated = algorithm.memory_bytes(stored.scan, stored.frame_shape) - BASE_BYTES
    assert peak < stated
    assert not planned or peak > 0.3 * stated


def test_too_low_an_overlap_is_told_with_its_figure() -> None:
    phantom = ptychography_phantom(SMALL)
    final = reconstruct_scan(
        make_ptychography_scan(phantom, n=40, step_px=11.0), RpieAlgorithm(**QUICK)
    )
    in_force = final.progress.parameters
    assert in_force["overlap"] < 0.4
    told = re.search(r"overlap by (\d+) %", in_force["warning"])
    assert told is not None
    assert int(told[1]) == pytest.approx(100 * in_force["overlap"], abs=0.6)
    final = reconstruct_scan(
        make_ptychography_scan(phantom, n=40, step_px=3.0), RpieAlgorithm(**QUICK)
    )
    assert final.progress.parameters["overlap"] > 0.6
    assert "warning" not in final.progress.parameters


def test_a_given_probe_and_mask_are_used(tmp_path: Path) -> None:
    phantom = ptychography_phantom(SMALL)
    stored = make_ptychography_scan(phantom, n=40, step_px=3.0, noise_seed=1)
    np.savez(tmp_path / "probe.npz", probe=5 * phantom.probe)
    mask = np.zeros(SMALL.shape, bool)
    mask[16:18, 15:17] = True
    np.save(tmp_path / "mask.npy", mask)
    spoiled = stored.frames.copy()
    spoiled[:, mask] = 65535
    object.__setattr__(stored, "frames", spoiled)
    with pytest.raises(InputError, match="40 of 40 frames have pixels at 65535"):
        reconstruct_scan(stored, RpieAlgorithm(**QUICK))
    given = {"probe": str(tmp_path / "probe.npz"), "mask": str(tmp_path / "mask.npy")}
    final = reconstruct_scan(stored, make(**QUICK, **given, update_probe=False))
    assert final.progress.parameters["bad_pixels"] >= 4
    assert final.progress.parameters["frames_saturated"] == 0
    assert final.progress.quality["residual"] < 0.2


def test_hot_pixels_cost_nothing() -> None:
    phantom = ptychography_phantom(SMALL)
    stored = make_ptychography_scan(phantom, n=40, step_px=3.0, noise_seed=1)
    clean = reconstruct_scan(stored, RpieAlgorithm(**QUICK)).progress
    spoiled = stored.frames.copy()
    for row, column in [(0, 5), (7, 3), (20, 29), (30, 11)]:
        spoiled[:, row, column] = 20_000
    object.__setattr__(stored, "frames", spoiled)
    hot = reconstruct_scan(stored, RpieAlgorithm(**QUICK)).progress
    found = [one.parameters["bad_pixels"] for one in (clean, hot)]
    assert found[1] == found[0] + 4
    assert hot.quality["residual"] < 1.05 * clean.quality["residual"]


def test_the_size_of_views_is_known_with_a_plan_only() -> None:
    stored = make_ptychography_scan(n=8)
    shapes = RpieAlgorithm().view_shapes(stored.scan, FAR.shape)
    reach = spiral_px(8, 5.0)
    expected = np.ceil(reach.max(axis=0)) - np.floor(reach.min(axis=0)) + FAR.shape
    assert shapes["object_phase"] == tuple(expected.astype(int))
    assert RpieAlgorithm().view_shapes(unplanned(stored).scan, FAR.shape) == {}


def test_views_have_the_size_that_was_told_from_the_first_frame_on() -> None:
    stored = make_ptychography_scan(n=40)
    algorithm = RpieAlgorithm()
    told = algorithm.view_shapes(stored.scan, FAR.shape)
    one = algorithm.start(stored.scan, stored.frame_shape)
    for first, last in ((0, 1), (1, 40)):
        one.add(sample_batch(stored, np.arange(first, last)))
        shapes = {name: view.shape for name, view in one.views().items()}
        assert shapes["map"] == told["map"]
    assert shapes["object_phase"] == told["object_phase"]
    assert list(shapes)[:2] == ["map", "object_phase"]
