"""Rows of the run browser."""

import time
from dataclasses import replace
from typing import Any

from daiss_bluesky.viewers.model.entries import ResultEntry
from daiss_bluesky.viewers.qt.run_browser import WIDEST, RunBrowser
from daiss_bluesky.viewers.qt.run_table import (
    COLUMNS,
    RunTable,
    newest_result,
    status_of,
    when,
)
from tests.unit.viewers.qt.fake_feed import entry


def test_a_row_says_what_the_catalog_says(qt_app: Any) -> None:
    table = RunTable()
    table.show_runs([entry(7)])
    shown = [table.data(table.index(0, column)) for column in range(len(COLUMNS))]
    row = dict(zip(COLUMNS, shown, strict=True))
    assert row["scan"] == "7"
    assert row["sample"] == "rock7"
    assert row["plan"] == "tomo_scan"
    assert row["points"] == "181"
    assert row["technique"] == "tomography"
    assert row["status"] == "success"


def test_a_result_that_stands_otherwise_than_its_run_is_told() -> None:
    run = entry(7)
    failed = replace(run.results[0], status="failed")
    assert status_of(replace(run, results=(failed,))) == "success, failed"
    assert status_of(replace(run, results=())) == "success"


def test_the_newest_result_is_the_one_that_began_last() -> None:
    run = entry(7)
    later = ResultEntry("later", run.uid, "tomography", "sirt", "complete", 2e9)
    both = replace(run, results=(later, *run.results))
    assert newest_result(both) == later
    assert newest_result(replace(run, results=())) is None


def test_today_gives_the_hour_and_other_days_the_day() -> None:
    now_s = time.time()
    assert when(replace(entry(1), time_s=now_s)) == time.strftime(
        "%H:%M", time.localtime(now_s)
    )
    assert "Sep" in when(entry(1))


def test_a_row_that_changes_keeps_the_selection(qt_app: Any) -> None:
    browser = RunBrowser("http://127.0.0.1:1")
    runs = [entry(3), entry(2)]
    browser.show_runs(runs, "run2")
    assert [one.row() for one in browser.view.selectionModel().selectedRows()] == [1]
    browser.show_runs([replace(runs[0], status="fail"), runs[1]], "run2")
    assert [one.row() for one in browser.view.selectionModel().selectedRows()] == [1]
    assert browser.table.data(browser.table.index(0, 3)) == "fail, complete"
    browser.show_runs([entry(4), *runs], "run2")
    assert [one.row() for one in browser.view.selectionModel().selectedRows()] == [2]


def test_chips_narrow_the_search(qt_app: Any) -> None:
    browser = RunBrowser("http://127.0.0.1:1")
    heard: list[Any] = []
    browser.searched.connect(heard.append)
    browser.chips["ptycho"].click()
    browser.chips["today"].click()
    browser.search.setText("operator=kim rock")
    query = heard[-1]
    assert query.technique == "ptychography"
    assert query.where == (("operator", "kim"),)
    assert query.text == "rock"
    assert 0 <= time.time() - query.since_s < 86_400 + 3_700


def test_a_long_name_leaves_the_status_in_sight(qt_app: Any) -> None:
    browser = RunBrowser("http://127.0.0.1:1")
    browser.show_runs([replace(entry(7), sample="chalk " * 40)], None)
    columns = list(COLUMNS)
    assert browser.view.columnWidth(columns.index("sample")) == WIDEST
