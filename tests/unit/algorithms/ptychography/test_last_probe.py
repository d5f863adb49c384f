"""A run begins with the probe that the last one with the same optics ended with."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.probe_store import ProbeKeeper
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.services.probe_files import ProbeFiles
from tests.unit.algorithms.ptychography.star_scan import star_scan

N = 40


@pytest.fixture(scope="module")
def stored() -> StoredDiffraction:
    return star_scan(N)


def run(stored: StoredDiffraction, folder: Path, **parameters: Any) -> Final:
    algorithm = RpieAlgorithm(passes=2, modes=2, **parameters)
    assert isinstance(algorithm, ProbeKeeper)
    return reconstruct_scan(stored, algorithm.with_store(ProbeFiles(folder)))


def test_the_next_run_begins_where_the_last_ended(
    stored: StoredDiffraction, tmp_path: Path
) -> None:
    first = run(stored, tmp_path, probe="last")
    [path] = tmp_path.iterdir()
    with np.load(path) as kept:
        np.testing.assert_array_equal(kept["probe"], first.arrays["probe"])
        assert "far field, 64 x 64 pixels" in str(kept["optics"])
    held = {"probe": "last", "update_probe": False, "refine_positions": False}
    again = run(stored, tmp_path, **held)
    [mode] = again.arrays["probe"]
    overlap = np.abs(np.vdot(mode, first.arrays["probe"][0]))
    overlap /= np.linalg.norm(mode) * np.linalg.norm(first.arrays["probe"][0])
    assert overlap > 0.999
    without = run(stored, tmp_path, update_probe=False, refine_positions=False)
    quality = [one.progress.quality["residual"] for one in (again, without)]
    assert quality[0] < quality[1]


def test_other_optics_and_unfinished_scans_leave_it_alone(
    stored: StoredDiffraction, tmp_path: Path
) -> None:
    half = stored.scan.model_copy(
        update={"positions_um": None, "counts": {"diffraction": 2 * N}}
    )
    run_half = StoredDiffraction(
        scan=half,
        frames=stored.frames,
        frame_indices=stored.frame_indices,
        positions_um=stored.positions_um,
        times_s=stored.times_s,
        darks=stored.darks,
    )
    assert run(run_half, tmp_path).status == "incomplete"
    assert list(tmp_path.iterdir()) == []
    run(stored, tmp_path)
    store = ProbeFiles(tmp_path)
    assert store.load("other optics") is None
    store.keep("other optics", np.ones((1, 4, 4), np.complex64))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_costs_a_guess_only(
    stored: StoredDiffraction, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(stored, tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    run(stored, tmp_path, probe="last")
    assert "the last probe cannot be read" in caplog.text
    with np.load(path) as kept:
        assert kept["probe"].shape == (2, 64, 64)


def test_a_folder_that_cannot_be_written_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    ProbeFiles(tmp_path / "file" / "probes").keep("any", np.ones((1, 2, 2)))
    assert "is not kept for the next run" in caplog.text


def test_a_probe_comes_from_any_file_that_has_one(tmp_path: Path) -> None:
    np.save(tmp_path / "probe.npy", np.ones((8, 8), np.complex64))
    RpieAlgorithm(probe=str(tmp_path / "probe.npy"))
    with pytest.raises(InputError, match="does not exist"):
        RpieAlgorithm(probe=str(tmp_path / "none.cxi"))
