"""The viewer's benchmark at a small size: it counts what there is."""

import pytest

from daiss_bluesky.bench.viewer import in_process, over_pva, painted
from daiss_bluesky.bench.viewer_source import Pace
from daiss_bluesky.bench.viewer_watch import age_figures
from daiss_bluesky.core.errors import UnavailableError

PACE = Pace(size=64, fps=20.0, seconds=1.0)


def test_frames_of_this_process() -> None:
    row = in_process(PACE)
    assert row["published"] == 20
    assert 0 < row["taken"] <= 20
    assert row["most_waiting"] == 1
    assert 0 < row["age_p50_ms"] <= row["age_p95_ms"] <= row["age_max_ms"]


def test_frames_over_pva() -> None:
    row = over_pva(PACE)
    assert row["published"] == 20
    assert 0 < row["taken"] <= 20
    assert row["most_waiting"] == 1


def test_ticks_are_numbered_from_one() -> None:
    assert list(Pace(1, 1000.0, 0.005).ticks()) == [1, 2, 3, 4, 5]


def test_nothing_seen_is_no_figure() -> None:
    with pytest.raises(UnavailableError, match="no picture"):
        age_figures([], 20)


def test_pictures_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    speed, screen = painted(PACE, lambda _: None)
    assert speed["painted"] > 0
    assert speed["fps"] > 0
    assert screen["published"] == 20
    assert 0 < screen["taken"] <= 20
    assert 0 < screen["age_p50_ms"] <= screen["age_p95_ms"]
