"""The figures of a report, against arrays whose errors are known."""

import numpy as np
import pytest

from daiss_bluesky.cli.demo.accuracy import (
    central_slices,
    compare,
    largest_difference,
    reference_slices,
)
from daiss_bluesky.testing.ball_scan import make_ball_scan


@pytest.mark.parametrize(
    ("n_rows", "rows"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (64, [30, 31, 32])]
)
def test_central_slices(n_rows: int, rows: list[int]) -> None:
    assert list(range(n_rows))[central_slices(n_rows)] == rows


def test_equal_slices_have_no_error() -> None:
    truth = np.random.default_rng(1).random((3, 16, 16))
    same = compare(truth.astype(np.float32), truth)
    assert same.nrmse == pytest.approx(0, abs=1e-6)
    assert same.gain == pytest.approx(1)


def test_a_factor_is_both_error_and_gain() -> None:
    truth = np.ones((3, 16, 16))
    found = compare(1.1 * truth, truth)
    assert found.nrmse == pytest.approx(0.1)
    assert found.gain == pytest.approx(1.1)


def test_an_added_error_of_known_size() -> None:
    truth = np.full((1, 32, 32), 2.0)
    signs = np.where(np.indices((32, 32)).sum(axis=0) % 2, 1, -1)
    assert compare(truth + 0.5 * signs, truth).nrmse == pytest.approx(0.25)


def test_what_lies_outside_the_circle_does_not_count() -> None:
    truth = np.ones((1, 32, 32))
    found = truth.copy()
    found[:, 0, 0] = found[:, -1, -1] = 1e6
    assert compare(found, truth).nrmse == 0
    found[:, 16, 16] = 0
    assert compare(found, truth).nrmse > 0


def test_the_largest_difference_is_relative_to_the_largest_value() -> None:
    theirs = np.zeros((4, 8, 8), np.float32)
    theirs[1, 2, 3] = -8
    ours = theirs.copy()
    assert largest_difference(ours, theirs.__getitem__) == 0
    ours[3, 7, 7] = 2
    ours[0, 0, 0] = -1
    assert largest_difference(ours, theirs.__getitem__) == pytest.approx(0.25)


def test_against_nothing_the_difference_is_absolute() -> None:
    nothing = np.zeros((2, 4, 4), np.float32)
    assert largest_difference(nothing + 3, nothing.__getitem__) == pytest.approx(3)


def test_the_reference_knows_nothing_of_the_live_path() -> None:
    stored = make_ball_scan(np.arange(0.0, 180.0, 3.0), rows=6, columns=32)
    slices = reference_slices(stored, 16.0)
    assert slices.shape == (3, 32, 32)
    assert slices.dtype == np.float64
    assert slices[1, 16, 16] > 5 * abs(slices[1, 1, 1])
