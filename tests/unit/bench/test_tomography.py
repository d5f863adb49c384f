"""The benchmark measures what it says, on a case small enough for a test."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.bench.cases import Case, find_case
from daiss_bluesky.bench.measuring import gain_and_error, paired_ratio, peak_memory
from daiss_bluesky.bench.plain_gridrec import moved
from daiss_bluesky.bench.tomography import OURS, bench_case
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.machine_limits import measure_limits

SMALL = Case("small", 36, 64, 100)


def test_each_way_has_its_figures() -> None:
    rows = list(bench_case(SMALL, peers=True, arrival_fps=5000))
    ours = rows[: len(OURS)]
    assert [row["name"] for row in ours] == [way.name for way in OURS]
    for row in ours:
        figures = ("ms_per_slice", "frames_per_s", "three_slices_ms", "tail_ms")
        assert all(row[key] > 0 for key in figures)
        predicted = ("predicted_frames_per_s", "predicted_tail_ms", "tail_at_fps_ms")
        assert all(row[key] > 0 for key in predicted)
        assert row["error"] < 0.1
        assert row["gain"] == pytest.approx(1, abs=0.01)
    for row in rows[len(OURS) :]:
        assert row.get("missing") or (row["times_ours"] > 0 and row["error"] < 0.2)
    assert len(rows) > len(OURS)


def test_error_and_gain_are_those_of_the_disc() -> None:
    rng = np.random.default_rng(0)
    truth: NDArray[np.float32] = rng.normal(size=(2, 20, 20)).astype(np.float32)
    gain, error = gain_and_error(truth * np.float32(0.5), truth)
    assert gain == pytest.approx(2)
    assert error < 1e-6
    spoiled = truth.copy()
    spoiled[:, 0, 0] = 1e6
    assert gain_and_error(spoiled, truth) == pytest.approx((1, 0), abs=1e-6)
    assert gain_and_error(np.roll(truth, 1, axis=2), truth)[1] > 0.5


def test_half_a_pixel_is_half_a_pixel() -> None:
    x = np.arange(32) - 15.5

    def blob(y0: float, x0: float) -> NDArray[np.float32]:
        squares = (x[:, None] - y0) ** 2 + (x - x0) ** 2
        return np.exp(-squares / 8)[None].astype(np.float32)

    found = moved(blob(2.5, -1.5))
    np.testing.assert_allclose(found, blob(2.0, -2.0), atol=1e-6)


def test_memory_that_is_taken_is_seen() -> None:
    with peak_memory() as peak:
        taken = [np.ones(2_000_000, np.float32) for _ in range(20)]
        total = sum(float(one.sum()) for one in taken)
    assert total == 40_000_000
    assert 100e6 < peak.bytes < 400e6


def test_a_ratio_is_peer_over_ours() -> None:
    calls: list[str] = []
    paired_ratio(lambda: calls.append("ours"), lambda: calls.append("peer"), 3)
    assert calls == ["ours", "peer"] * 3


def test_an_unknown_case_is_refused() -> None:
    with pytest.raises(InputError, match="unknown case 'D'"):
        find_case("D")


def test_limits_are_measured() -> None:
    limits = measure_limits()
    assert set(limits) == {"triad_gb_per_s", "fma_gflop_per_s", "fft_gflop_per_s"}
    assert min(limits.values()) > 0
