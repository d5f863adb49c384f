"""The machine's speed is measured once, and kept where later processes find it."""

import json
import math
import os
import threading
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from daiss_bluesky.kernels import method_speeds as module
from daiss_bluesky.kernels.method_speeds import (
    MethodSpeeds,
    measure_speeds,
    method_speeds,
    speeds_path,
)

SPEEDS = MethodSpeeds(2, 9e-8, 3e-8, 7e-11, 1.5e-9)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.5, 0.5))
    return tmp_path / "daiss_bluesky"


def test_measured_speeds_are_plausible() -> None:
    found = measure_speeds()
    assert found.threads >= 1
    # A sample goes to 36 points of each of 32 slices, a pixel takes one sum of two.
    assert found.spread_s > 10 * found.backproject_s > 0
    assert found.invert_s > found.turn_s > 0


def test_it_is_measured_once_and_then_read(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[MethodSpeeds] = []

    def measure() -> MethodSpeeds:
        measured.append(replace(SPEEDS, turn_s=1e-9 * (1 + len(measured))))
        return measured[-1]

    monkeypatch.setattr(module, "measure_speeds", measure)
    assert method_speeds() == method_speeds() == measured[0]
    assert len(measured) == 1
    (kept,) = cache.iterdir()
    assert kept == speeds_path()
    # What another process does, which knows the file only.
    module._kept.cache_clear()
    assert method_speeds() == measured[0]
    assert len(measured) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 2]",
        "{}",
        json.dumps(dict.fromkeys(MethodSpeeds.__slots__, 0.0)),
        json.dumps(dict.fromkeys(MethodSpeeds.__slots__, "fast")),
        json.dumps(dict.fromkeys(MethodSpeeds.__slots__, math.nan)),
    ],
)
def test_a_broken_file_is_measured_again(
    content: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir()
    speeds_path().write_text(content)
    monkeypatch.setattr(module, "measure_speeds", lambda: SPEEDS)
    assert method_speeds() == SPEEDS
    assert MethodSpeeds.read(speeds_path()) == SPEEDS


def test_it_works_where_nothing_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(module, "measure_speeds", lambda: SPEEDS)
    assert method_speeds() == SPEEDS


def test_a_busy_machine_is_measured_again_next_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (1e3, 0.5, 0.5))
    monkeypatch.setattr(module, "measure_speeds", lambda: SPEEDS)
    assert method_speeds() == SPEEDS
    assert not cache.exists()


def test_several_may_keep_at_once(cache: Path) -> None:
    path = speeds_path()
    wanted = [replace(SPEEDS, threads=n) for n in range(1, 9)]
    seen: list[MethodSpeeds | None] = []

    def keep(speeds: MethodSpeeds) -> None:
        for _ in range(50):
            speeds.keep(path)
            seen.append(MethodSpeeds.read(path))

    threads = [threading.Thread(target=keep, args=(one,)) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 50 * len(wanted)
    assert {astuple(one) for one in seen if one} <= {astuple(one) for one in wanted}
    assert None not in seen
    assert list(cache.iterdir()) == [path]


def test_threads_version_and_processors_name_the_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {speeds_path()}
    monkeypatch.setattr(module, "get_num_threads", lambda: 77)
    names.add(speeds_path())
    monkeypatch.setattr(os, "cpu_count", lambda: 99)
    names.add(speeds_path())
    monkeypatch.setattr(module, "version", lambda name: "9.9")
    names.add(speeds_path())
    assert len(names) == 4
    assert all(path.parent == cache for path in names)
