"""The RunEngine's metadata outlive it and are shared."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bluesky import RunEngine
from bluesky.plans import count
from ophyd.sim import det

from daiss_bluesky.cli.run_metadata import RunMetadata
from daiss_bluesky.core.errors import InputError


def test_values_are_kept_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "md.json"
    RunMetadata(path)["proposal"] = "p-7"
    again = RunMetadata(path)
    assert dict(again) == {"proposal": "p-7"}
    del again["proposal"]
    assert len(RunMetadata(path)) == 0


def test_scan_ids_go_on_counting(tmp_path: Path) -> None:
    path = tmp_path / "md.json"
    numbers = []
    for _ in range(2):
        engine = RunEngine(
            RunMetadata(path),
            context_managers=[],
            scan_id_source=RunMetadata.next_scan_id,
        )
        engine.subscribe(lambda _, doc: numbers.append(doc["scan_id"]), "start")
        engine(count([det]))
    assert numbers == [1, 2]


def test_no_two_engines_take_one_number(tmp_path: Path) -> None:
    path = tmp_path / "md.json"
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: RunMetadata(path).next_scan_id(), range(40)))
    assert sorted(taken) == list(range(1, 41))


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only what JSON can hold"):
        RunMetadata(tmp_path / "md.json")["x"] = {1, 2}
