"""What decides which columns are mended, run with NumPy in place of the device."""

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels import reference_stripes
from daiss_bluesky.kernels.cuda import stripes


@pytest.mark.parametrize("n", [1, 2, 5, 120])
def test_outliers_are_those_of_the_reference(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(0, 1e-3, (6, n)).astype(np.float32)
    values[1, n // 2] += 1
    values[2, n // 3] -= 1
    values[3] = 0
    found = stripes.outliers(np, values, 3.0, 1e-3)
    for mask, row in zip(found, values, strict=True):
        if n > 4:
            right = reference_stripes.outliers(row, 3.0, 1e-3)
            np.testing.assert_array_equal(mask, right)
        else:
            assert not mask[row == 0].any()


def test_dead_columns_lie_between_good_ones() -> None:
    dead = np.array([[False, True, True, False, True, False], [False] * 6])
    rows, columns, left, right = stripes.bridges(dead)
    assert rows.tolist() == [0, 0, 0]
    assert columns.tolist() == [1, 2, 4]
    assert left.tolist() == [0, 0, 3]
    assert right.tolist() == [3, 3, 5]


def test_columns_at_the_edges_are_never_dead() -> None:
    restless = np.ones((1, 60), np.float32)
    restless[0, [0, 30, 59]] = 50
    usual = np.ones_like(restless)
    found = stripes.dead_columns(np, restless, usual, 3.0)
    assert np.flatnonzero(found[0]).tolist() == [29, 30, 31]


def test_a_column_off_by_the_same_is_wide_and_a_restless_one_is_not() -> None:
    rng = np.random.default_rng(0)
    away = rng.normal(0, 1e-3, (1, 80, 64)).astype(np.float32)
    away[0, 20] += 0.5
    away[0, 50, ::3] += 1
    found = stripes.wide_columns(np, away, 3.0)
    assert np.flatnonzero(found[0]).tolist() == [19, 20, 21]


def test_columns_are_sorted_together_as_far_as_they_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large, small = 227 << 10, 99 << 10
    assert stripes.most_angles(large) == 16384
    assert stripes.most_angles(small) == 8192
    for length, most, less in ((2048, 4, 4), (4096, 4, 2), (8192, 2, 1)):
        assert stripes.columns_together(length, large) == most
        assert stripes.columns_together(length, small) == less
    monkeypatch.setattr(stripes, "cupy", object)
    monkeypatch.setattr(stripes, "shared_memory", lambda: small)
    with pytest.raises(InputError, match="at most 8192"):
        stripes.remove_stripes(np.zeros((1, 8193, 1), np.float32), 5)
