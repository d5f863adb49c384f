"""A detector that lies in any of eight ways: turned as set, found, told of."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import (
    calibration_batches,
    reconstruct_scan,
    sample_batches,
)
from daiss_bluesky.kernels.orientation import (
    ORIENTATIONS,
    TWIN,
    apply_orientation,
    combined_orientation,
    inverse_orientation,
)
from tests.unit.algorithms.ptychography.star_scan import star_scan

QUICK: dict[str, Any] = {"passes": 3, "modes": 1, "refine_positions": False}


@pytest.fixture(scope="module")
def stored() -> StoredDiffraction:
    return star_scan()


@pytest.fixture(scope="module")
def probe_file(
    stored: StoredDiffraction, tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("probe") / "probe.npz"
    assert stored.probe is not None
    np.savez(path, probe=stored.probe)
    return str(path)


def planted(stored: StoredDiffraction, name: str) -> StoredDiffraction:
    """The scan as a detector gives it whose frames must be turned by this name."""
    raw = apply_orientation(stored.frames, inverse_orientation(name))
    darks = np.zeros((1, *raw.shape[1:]), np.uint16)
    return replace(stored, frames=raw, probe=None, darks=darks)


def run(stored: StoredDiffraction, **parameters: Any) -> Final:
    return reconstruct_scan(stored, RpieAlgorithm(**(QUICK | parameters)))


def same_object(a: Final, b: Final) -> float:
    """The correlation of two objects, whatever their constant phases."""
    one, other = (np.asarray(final.arrays["object"]) for final in (a, b))
    assert one.shape == other.shape
    power = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.abs(np.vdot(one, other)) / power)


@pytest.fixture(scope="module")
def upright(stored: StoredDiffraction, probe_file: str) -> Final:
    return run(stored, probe=probe_file)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_planted_orientation_is_found_and_applied(
    name: str, stored: StoredDiffraction, probe_file: str, upright: Final
) -> None:
    final = run(planted(stored, name), orientation="auto", probe=probe_file)
    known = final.progress.parameters
    assert known["orientation"] == known["orientation_found"] == name
    assert known["orientation_confidence"] > 0.9
    assert "warning" not in known
    assert same_object(final, upright) > 0.9999


@pytest.mark.parametrize("name", ["rotate_90", "rotate_180"])
def test_one_that_was_set_wrong_is_told(
    name: str, stored: StoredDiffraction, probe_file: str
) -> None:
    scan = planted(stored, name)
    known = run(scan, orientation="flip_rows", probe=probe_file).progress.parameters
    assert known["orientation"] == "flip_rows"
    assert known["orientation_found"] == name
    assert f"orientation {name} instead of flip_rows" in known["warning"]
    known = run(scan, orientation=name, probe=probe_file).progress.parameters
    assert known["orientation_found"] == name
    assert "warning" not in known


def test_without_a_probe_one_of_two_twins_is_found(stored: StoredDiffraction) -> None:
    known = run(stored, passes=20).progress.parameters
    assert known["orientation_found"] in {"none", TWIN["none"]}
    scan = planted(stored, "transpose")
    known = run(scan, orientation="auto").progress.parameters
    assert known["orientation"] in {"transpose", TWIN["transpose"]}


def test_frames_that_are_not_square_are_turned_with_their_pixels(
    tmp_path: Path,
) -> None:
    tall = star_scan(40, shape=(80, 64))
    mask = np.zeros((80, 64), bool)
    mask[70:75, 3:9] = True
    expected = run(tall, mask=saved(tmp_path, mask))
    raw = planted(tall, "rotate_90")
    assert raw.frame_shape == (64, 80)
    turned = apply_orientation(mask, inverse_orientation("rotate_90"))
    algorithm = RpieAlgorithm(orientation="rotate_90", mask=saved(tmp_path, turned))
    told = algorithm.view_shapes(raw.scan, (64, 80))["object_phase"]
    final = run(raw, orientation="rotate_90", mask=saved(tmp_path, turned))
    assert final.views["object_phase"].shape == told
    assert final.views["probe"].shape == (80, 64)
    np.testing.assert_array_equal(final.arrays["object"], expected.arrays["object"])
    np.testing.assert_array_equal(final.views["map"], expected.views["map"])
    shown = expected.progress.parameters["object_pixel_um"]
    assert final.progress.parameters["object_pixel_um"] == shown


def saved(folder: Path, mask: NDArray[Any]) -> str:
    path = folder / f"{mask.shape[0]}.npy"
    np.save(path, mask)
    return str(path)


def test_late_darks_and_shuffled_frames_change_nothing(
    stored: StoredDiffraction, probe_file: str
) -> None:
    scan = planted(stored, "rotate_270")
    dark = np.zeros(scan.frame_shape, np.uint16)
    dark[:, :20] = 3
    scan = replace(scan, frames=scan.frames + dark, darks=dark[None])
    algorithm = RpieAlgorithm(orientation="auto", probe=probe_file, **QUICK)
    expected = reconstruct_scan(scan, algorithm)
    live = algorithm.start(scan.scan, scan.frame_shape)
    order = np.random.default_rng(5).permutation(len(scan.times_s))
    for batch in sample_batches(scan, order):
        live.add(batch)
    for batch in calibration_batches(scan):
        live.add(batch)
    assert live.stale()
    arrays = live.finish(
        lambda keys: sample_batches(scan, np.array([key.index for key in keys]))
    )
    np.testing.assert_array_equal(arrays["object"], expected.arrays["object"])
    assert live.progress().parameters["orientation"] == "rotate_270"


def test_the_names_are_those_of_the_kernel() -> None:
    field = PtychographyParameters.model_fields["orientation"]
    assert get_args(field.annotation) == (*ORIENTATIONS, "auto")


def test_two_orientations_are_one() -> None:
    for first in ORIENTATIONS:
        assert combined_orientation(first, inverse_orientation(first)) == "none"
        assert combined_orientation("none", first) == first
    assert combined_orientation("transpose", "flip_rows") == "rotate_90"


def test_a_near_field_scan_has_to_be_told(stored: StoredDiffraction) -> None:
    near = stored.scan.model_copy(update={"field": "near"})
    with pytest.raises(InputError, match="orientation = 'auto' needs far-field"):
        RpieAlgorithm(orientation="auto").start(near, (64, 64))
