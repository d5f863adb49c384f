import pytest

from daiss_bluesky.bench import viewer_web
from daiss_bluesky.bench.viewer_source import Pace
from daiss_bluesky.core.errors import UnavailableError


def test_pictures_of_the_first_seconds_are_left_out() -> None:
    published = {number: 100 + number / 2 for number in range(1, 11)}
    shown = [[number, published[number] + 0.25] for number in (1, 2, 9, 9, 10, 10)]
    figures = viewer_web._figures(published, shown)
    # Two seconds are four updates and the one they begin with; each has three views.
    assert (figures["published"], figures["taken"]) == (15, 4)
    assert figures["age_p95_ms"] == pytest.approx(250)


def test_without_a_browser_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(viewer_web, "BROWSER", "no-such-browser")
    with pytest.raises(UnavailableError, match="apt install"):
        viewer_web.in_browser(Pace(8, 1.0, 3.0))
