"""The other benchmarks run, and say what they measured."""

import pytest

from daiss_bluesky.bench import center
from daiss_bluesky.bench.preprocess import measure


def test_every_step_of_preprocessing_has_its_time() -> None:
    found = measure((128,), runs=1)["128"]
    whole = found["flat, zingers, Paganin; stripes, mean; ramp"]
    assert whole["frames_per_s"] == pytest.approx(1000 / whole["ours_ms"], rel=0.1)
    steps = [row for row in found.values() if "ratio" in row]
    assert len(steps) == 8
    assert all(row["ours_ms"] > 0 and row["plain_ms"] > 0 for row in steps)


def test_each_center_is_compared_with_the_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(center, "CASES", center.CASES[2:3])
    monkeypatch.setattr(center, "REPEATS", 1)
    *rows, fan = center.measure()
    assert len(rows) == len(center.METHODS) * len(center.phantoms())
    together = [row for row in rows if row["name"] == "together"]
    assert all(abs(row["error_px"]) < 0.25 or row["unsure"] for row in together)
    assert abs(fan["error_px"]) < 1
