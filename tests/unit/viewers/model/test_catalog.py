"""The run browser's list: order, search, filters."""

import pytest

from daiss_bluesky.viewers.model.catalog import Catalog
from daiss_bluesky.viewers.model.query import Query


def _start(n: int, **others: object) -> dict[str, object]:
    return {"uid": f"run-{n}", "scan_id": n, "time": 100.0 * n, **others}


@pytest.fixture
def catalog() -> Catalog:
    found = Catalog()
    foam = _start(1, plan_name="tomo_step", sample_name="foam", motors=["rotation"])
    rock = _start(
        2, plan_name="tomo_fly", tomography={"sample": "rock", "operator": "A"}
    )
    found.put_run(
        "run-1", foam, {"exit_status": "success", "num_events": {"primary": 9}}
    )
    found.put_run("run-2", rock, None)
    found.put_run("run-3", _start(3, plan_name="count", num_points=5), None)
    result = {"raw_uid": "run-1", "technique": "tomography", "status": "complete"}
    found.put_result("old", result | {"started": 150.0})
    found.put_result("new", result | {"started": 160.0, "status": "failed"})
    return found


def _uids(catalog: Catalog, query: Query) -> list[str]:
    return [run.uid for run in catalog.runs(query)]


def test_newest_first_with_results(catalog: Catalog) -> None:
    runs = catalog.runs(Query())
    assert [run.scan_id for run in runs] == [3, 2, 1]
    assert [one.uid for one in runs[2].results] == ["new", "old"]
    assert (runs[2].points, runs[2].status) == (9, "success")
    assert (runs[0].points, runs[0].status) == (5, "running")
    assert [run.sample for run in runs] == ["", "rock", "foam"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FOAM", ["run-1"]),
        ("tomo", ["run-2", "run-1"]),
        ("tomo fly", ["run-2"]),
        ("operator=a", ["run-2"]),
        ("motors=rotation foam", ["run-1"]),
        ("technique=tomography", ["run-1"]),
        ("status=running", ["run-3", "run-2"]),
        ("status=failed", ["run-1"]),
        ("color=red", []),
        ("", ["run-3", "run-2", "run-1"]),
    ],
)
def test_search_box(catalog: Catalog, text: str, found: list[str]) -> None:
    assert _uids(catalog, Query.parse(text)) == found


def test_open_quote_does_no_harm() -> None:
    assert Query.parse('sample="ro').where == (("sample", '"ro'),)


def test_since_and_limit(catalog: Catalog) -> None:
    assert _uids(catalog, Query(since_s=200.0)) == ["run-3", "run-2"]
    assert _uids(catalog, Query(limit=1)) == ["run-3"]


def test_newest_result_and_what_is_behind(catalog: Catalog) -> None:
    assert catalog.newest_result() == "new"
    assert catalog.newer_than("old") == 1
    assert catalog.newer_than("unheard of") == 0


def test_changes_only_where_a_list_would_differ(catalog: Catalog) -> None:
    before = catalog.changes
    catalog.put_run("run-3", _start(3, plan_name="count", num_points=5), None)
    assert catalog.changes == before
    catalog.put_run("run-3", _start(3, plan_name="count"), {"exit_status": "abort"})
    assert catalog.changes == before + 1
