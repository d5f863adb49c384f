"""The newest results, as a table."""

from typing import Any

from rich.console import Console

from daiss_bluesky.cli.results_table import find_result, results_table


def result(**changes: Any) -> dict[str, Any]:
    return {
        "result_uid": "an-uid",
        "scan_id": 7,
        "sample": "chalk",
        "status": "complete",
        "frames": {"received": 90, "expected": 91},
        "geometry": {"center_px": 33.333},
    } | changes


def drawn(*results: dict[str, Any]) -> str:
    console = Console(width=160, record=True, quiet=False, file=None)
    with console.capture() as said:
        console.print(results_table(results))
    return said.get()


def test_a_row_tells_all() -> None:
    text = drawn(result())
    for part in ("7", "chalk", "complete", "90/91", "center 33.33 px", "an-uid"):
        assert part in text


def test_a_center_that_is_not_known_yet() -> None:
    assert " - " in drawn(result(geometry={}, status="running"))


def test_ptychography_tells_its_residual() -> None:
    found = drawn(result(geometry={}, quality={"residual": 0.0834}))
    assert "residual 0.083" in found
    assert "center" not in found


def test_iterations_at_the_end_are_told() -> None:
    steps = {"done": 37, "of": 100}
    assert "running, step 37 of 100" in drawn(result(status="running", steps=steps))
    assert "step" not in drawn(result(steps=steps))
    assert "step" not in drawn(result(status="running", steps={"done": 0, "of": 0}))


def test_where_it_computes_and_what_lies_there() -> None:
    assert "cpu" in drawn(result(in_force={"device": "cpu"}))
    arrays = {"frames of 0-64 from 0": "1.5 GB on cuda:0"}
    text = drawn(result(in_force={"device": "cuda:0", "arrays": arrays}))
    assert "cuda:0" in text
    assert "1.5 GB" in text


def test_why_a_result_is_not_complete_is_told() -> None:
    text = drawn(result(status="failed", message="no projection came"), result())
    assert text.splitlines()[-1].strip() == "scan 7 failed: no projection came"


def test_a_scan_that_has_just_begun_and_a_long_name() -> None:
    frames = {"received": 0, "expected": None}
    text = drawn(result(frames=frames, sample="chalk " * 20))
    assert "0/?" in text
    assert text.count("chalk") == 6


def test_a_result_that_was_not_opened() -> None:
    assert find_result({}, "an-uid") is None
