"""The benchmark of ptychography measures what it says, on a scan small enough."""

from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.algorithms.ptychography.refinement import one_pass
from daiss_bluesky.bench import ptychography
from daiss_bluesky.bench.diffraction_cases import (
    DATA,
    MeasuredCase,
    PhantomCase,
    find_diffraction_case,
)
from daiss_bluesky.bench.measuring import alike
from daiss_bluesky.bench.plain_rpie import NAME, PlainRpie
from daiss_bluesky.bench.ptychography import bench_case
from daiss_bluesky.bench.ptychography_peers import Pass, PtychographyPeer, Scan
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_step import Step

SMALL = PhantomCase("small", n_frames=48, step_um=0.2, side=64)


def small_scan() -> Scan:
    return ptychography._scan(SMALL.stored())


def test_each_way_has_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def prepare(scan: Scan) -> Pass:
        return lambda: seen.append(len(scan.frames))

    there = PtychographyPeer("there", ("json",), "pip install there", prepare)
    absent = PtychographyPeer("absent", ("no_such_module",), "pip it", prepare)
    monkeypatch.setattr(ptychography, "PEERS", (there, absent))
    monkeypatch.setattr(ptychography, "RUNS", 1)
    monkeypatch.setattr(ptychography, "PEER_FRAMES", 20)
    rows = {row["name"]: row for row in bench_case(SMALL, peers=True)}
    for name in ("daiss: one mode", "daiss: three modes, positions"):
        assert rows[name]["frame_iterations_per_s"] > 0
    assert rows[NAME]["times_ours"] > 0
    assert seen == [20, 20]
    assert rows["there"]["times_ours"] < 1
    assert rows["absent"]["missing"] == "pip it"
    live = rows["daiss: live"]
    for name in ("ingest_off_fps", "ingest_fps", "finish_s"):
        assert live[name] > 0
    assert 32 <= live["first_image_frames"] <= 48
    assert live["truth_error_rad"] < 0.2
    assert live["residual"] < 0.1
    assert live["streamed_residual"] == pytest.approx(live["offline_residual"], rel=0.3)


def test_the_plain_peer_does_what_ours_does() -> None:
    scan = small_scan()
    corners = np.rint(scan.positions_px).astype(np.int64)
    corners -= corners.min(axis=0)
    plain = PlainRpie(scan.frames, corners, scan.probe)
    solver = Solver(scan.probe)
    solver.add(scan.frames, corners.astype(np.float64))
    step = Step(alpha=plain.alpha, beta=plain.alpha)
    for number in range(3):
        ours = one_pass(solver, np.arange(solver.count), number, step)
        assert plain.one_pass(number) == pytest.approx(ours.residual, rel=1e-3)
    y, x = -np.array(solver.canvas.origin)
    rows, columns = plain.image.shape
    found = solver.canvas.pixels[y : y + rows, x : x + columns]
    np.testing.assert_allclose(found, plain.image, atol=2e-3)


def test_without_its_file_the_measured_scan_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(DATA, str(tmp_path))
    (row,) = bench_case(MeasuredCase(), peers=False)
    assert row["missing"] == (
        "DAISS_DATA names no folder with ptycho_siemens_star.npz: left out"
    )


def test_the_error_is_that_of_the_object_at_its_place() -> None:
    truth = SMALL.phantom.truth
    (y, x), n = SMALL.phantom.origin_px, 40
    coverage, corner = np.ones((n, n), np.float32), np.array([-20.0, -20.0])
    right = truth[y - 20 : y - 20 + n, x - 20 : x - 20 + n].astype(np.complex64)
    wrong = right * np.exp(1j * np.random.default_rng(0).normal(0, 0.1, right.shape))
    assert SMALL.truth_error_rad(right, corner, coverage) < 1e-3
    found = SMALL.truth_error_rad(wrong, corner, coverage)
    assert found == pytest.approx(0.1, rel=0.1)


def test_pictures_are_alike_whatever_their_scale() -> None:
    one = np.random.default_rng(0).normal(size=(9, 9)).astype(np.float32)
    assert alike(one, 3 * one + 1) == pytest.approx(1)
    assert alike(one, -one) == pytest.approx(-1)
    assert alike(one, np.zeros_like(one)) == 0


def test_an_unknown_case_is_refused() -> None:
    with pytest.raises(InputError, match="unknown case 'A'"):
        find_diffraction_case("A")
