"""A file whose directory the IOC sees late, or never."""

from types import SimpleNamespace
from typing import Any

import pytest

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.frame_file import FrameFile


def asked(*answers: int) -> Any:
    """Give a plugin that answers so when it is asked, and its last answer for ever."""
    left = list(answers)

    def get(*, use_monitor: bool) -> int:
        assert not use_monitor, "a monitor may be older than the path"
        return left.pop(0) if len(left) > 1 else left[0]

    return SimpleNamespace(
        prefix="X:HDF1:",
        file_path=SimpleNamespace(get=lambda: "/data/"),
        file_path_exists=SimpleNamespace(get=get),
        left=left,
    )


def test_a_directory_that_is_seen_late_is_waited_for() -> None:
    plugin = asked(0, 0, 0, 1)
    FrameFile._await_directory(plugin)
    assert plugin.left == [1]


def test_a_directory_that_is_never_seen_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daiss_devices.frame_file.DIRECTORY_S", 0.05)
    with pytest.raises(UnavailableError, match=r"^the IOC of X:HDF1: .* /data/$"):
        FrameFile._await_directory(asked(0))
