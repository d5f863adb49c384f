"""A service is known by its process, whatever the clock says."""

import os

import psutil
import pytest

from daiss_bluesky.services.launcher import started


def test_a_clock_that_is_set_loses_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    service = started("this", os.getpid(), "log")
    later_s = psutil.boot_time() + 3600
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: later_s)
    assert abs(psutil.Process().create_time() - service.created_s) > 3000
    assert service.process() is not None
