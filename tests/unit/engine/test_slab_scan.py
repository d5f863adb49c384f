"""Slab by slab a scan gives the volume that it gives at once."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.cli.stored_scan import reconstruct_file, reconstruct_in_slabs
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.engine.slab_scan import reconstruct_slabs, rows_of, slab_rows
from daiss_bluesky.kernels.axis_tilt import margin_rows
from daiss_bluesky.kernels.phase import PhaseFilter
from daiss_bluesky.testing.ball_scan import make_ball_scan

ROWS, COLUMNS = 75, 48
PHASE = {
    "delta_beta": 100.0, "energy_kev": 20.0, "distance_mm": 5.0, "pixel_size_um": 1.0
}  # fmt: skip
MARGIN_ROWS = PhaseFilter("paganin", 100.0, 20.0, 5.0, 1.0).margin_px


def stored() -> StoredScan:
    angles = projection_angles_deg(30)
    return make_ball_scan(angles, rows=ROWS, columns=COLUMNS, noise_seed=2)


@pytest.mark.parametrize(
    ("margin", "parameters"),
    [
        (0, {}),
        (MARGIN_ROWS, {"phase": PHASE}),
        (margin_rows(np.deg2rad(2.5), (ROWS, COLUMNS)), {"axis_tilt_deg": 2.5}),
    ],
)
def test_slabs_are_parts_of_the_volume(margin: int, parameters: dict[str, Any]) -> None:
    algorithm = FbpAlgorithm(center_px=24.5, **parameters)
    whole = reconstruct_scan(stored(), algorithm).arrays["volume"]
    slabs = list(reconstruct_slabs(stored(), algorithm, 32, margin))
    assert [first for first, _, _ in slabs] == [0, 32, 64]
    together = np.concatenate([slices for _, slices, _ in slabs])
    close = 1e-5 if margin else 1e-6
    np.testing.assert_allclose(together, whole, atol=close * np.abs(whole).max())


def test_rows_are_read_only_where_they_are_wanted() -> None:
    part = rows_of(stored(), 10, 14)
    assert part.frame_shape == (4, COLUMNS)
    np.testing.assert_array_equal(
        part.projections[np.array([2, 5])], stored().projections[[2, 5], 10:14]
    )


def test_as_many_rows_as_fit() -> None:
    algorithm, scan = FbpAlgorithm(center_px=24.5), stored()
    need = algorithm.memory_bytes
    assert slab_rows(algorithm, scan, 1e12) == ROWS
    assert slab_rows(algorithm, scan, need(scan.scan, (64, COLUMNS))) == 64
    assert slab_rows(algorithm, scan, need(scan.scan, (64, COLUMNS)), 10) == 32
    with pytest.raises(InputError, match="even 32 rows"):
        slab_rows(algorithm, scan, 1e6)


@pytest.mark.parametrize("ending", [".h5", ".zarr"])
def test_they_are_written_one_after_the_other(tmp_path: Path, ending: str) -> None:
    scan = stored()
    file, target = tmp_path / "scan.npz", tmp_path / f"volume{ending}"
    np.savez(
        file,
        proj=scan.projections,
        flat=scan.flats,
        dark=scan.darks,
        theta_deg=np.rad2deg(scan.angles_rad),
    )
    needed = FbpAlgorithm().memory_bytes(scan.scan, (32, COLUMNS))
    pipeline = Pipeline(memory_limit_gb=needed / 1e9)
    final, shape = reconstruct_in_slabs(file, pipeline, None, target, show=False)
    assert final.status == "complete"
    assert shape == [ROWS, COLUMNS, COLUMNS]
    center_px = final.progress.parameters["center_px"]
    assert abs(center_px - (COLUMNS / 2 + 1.25)) < 0.1
    if ending == ".h5":
        with h5py.File(target) as written:
            assert written["entry/data/volume"].shape == tuple(shape)
            assert np.abs(written["entry/data/volume"][70]).max() > 0
    tiny = Pipeline(memory_limit_gb=0.001)
    with pytest.raises(InputError, match="even 32 rows"):
        reconstruct_in_slabs(file, tiny, None, tmp_path / "other.h5", show=False)
    assert not (tmp_path / "other.h5").exists()


def test_center_and_tilt_are_found_from_whole_frames(tmp_path: Path) -> None:
    angles_deg = projection_angles_deg(30)
    scan = make_ball_scan(
        angles_deg, rows=ROWS, columns=COLUMNS, noise_seed=2, tilt_deg=2.5
    )
    assert scan.pair is not None
    file, target = tmp_path / "scan.npz", tmp_path / "volume.h5"
    np.savez(
        file,
        proj=np.concatenate([scan.projections, scan.pair[1:]]),
        flat=scan.flats[:3],
        dark=scan.darks,
        theta_deg=np.append(angles_deg, 180.0),
    )
    parameters: dict[str, Any] = {"axis_tilt_deg": "auto"}
    needed = FbpAlgorithm(**parameters).memory_bytes(scan.scan, (64, COLUMNS))
    pipeline = Pipeline(memory_limit_gb=needed / 1e9, parameters=parameters)
    final, _ = reconstruct_in_slabs(file, pipeline, None, target, show=False)
    in_force = final.progress.parameters
    assert abs(in_force["axis_tilt_deg"] - 2.5) < 0.03
    assert in_force["center_source"] == "pair"
    whole = reconstruct_file(file, Pipeline(parameters=parameters), None, show=False)
    volume = whole.arrays["volume"]
    with h5py.File(target) as written:
        slabs = written["entry/data/volume"][:]
        noted = json.loads(written["entry/reconstruction/parameters"][()])
    assert noted["axis_tilt_source"] == "pair"
    np.testing.assert_allclose(slabs, volume, atol=1e-4 * np.abs(volume).max())
