"""Whether the reconstructor is there."""

import time

import pytest

from daiss_bluesky.viewers.model import reconstructor_watch
from daiss_bluesky.viewers.model.reconstructor_watch import AWAY, ReconstructorWatch
from tests.conftest import wait_until


class Source:
    """Answers at once, and notes that it was closed."""

    connected = True
    closed = False

    def read(self, timeout_s: float) -> None:
        time.sleep(0.001)

    def close(self) -> None:
        self.closed = True


def test_an_absence_is_told_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconstructor_watch, "PATIENCE_S", 0.0)
    source = Source()
    watch = ReconstructorWatch(source)
    assert watch.message == ""
    source.connected = False
    wait_until(lambda: watch.message == AWAY, "the absence to be seen")
    source.connected = True
    wait_until(lambda: watch.message == "", "the return to be seen")
    watch.close()
    assert source.closed


def test_at_the_start_silence_is_no_absence() -> None:
    source = Source()
    source.connected = False
    watch = ReconstructorWatch(source)
    assert watch.message == ""
    watch.close()
