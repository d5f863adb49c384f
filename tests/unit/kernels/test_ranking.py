"""Ranks are those of NumPy's stable sort, whatever the values lie like."""

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels.ranking import desk, rank

N = 300


def column(kind: str, n: int = N) -> NDArray[np.float32]:
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    made = {
        "noise": x,
        "ties": np.round(x, 1),
        "one value": np.full(n, 0.3),
        "two zeros": rng.choice([0.0, -0.0], n),
        "zeros among others": rng.choice([0.0, -0.0, 1.0, -1.0], n),
        "negative": -np.abs(x) - 1,
        "denormal": x * 1e-40,
        "denormal and two zeros": rng.choice([1e-42, 0.0, -0.0, -1e-42], n),
        "one far off": np.where(np.arange(n) == n // 2, 1e30, np.round(x, 2)),
        "all magnitudes": rng.choice([-1.0, 1.0], n) * np.exp(20 * x),
        "largest": rng.choice([-3.4e38, 3.4e38, 1.0], n),
        "ascending": np.sort(x),
        "descending": np.sort(x)[::-1],
        "neighboring floats": 1 + rng.integers(0, 40, n) * 2.0**-23,
        "smooth": np.sin(np.linspace(0, np.pi, n)),
    }
    return made[kind].astype(np.float32)


def check(values: NDArray[np.float32]) -> None:
    given = values.copy()
    ranked, order = np.empty_like(values), np.empty(values.size, np.uint32)
    rank(values, ranked, order, desk(values.size))
    expected = np.argsort(values, kind="stable")
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(ranked, values[expected])
    np.testing.assert_array_equal(values, given)


@pytest.mark.parametrize(
    "kind",
    [
        "noise",
        "ties",
        "one value",
        "two zeros",
        "zeros among others",
        "negative",
        "denormal",
        "denormal and two zeros",
        "one far off",
        "all magnitudes",
        "largest",
        "ascending",
        "descending",
        "neighboring floats",
        "smooth",
    ],
)
def test_values_of_every_kind(kind: str) -> None:
    check(column(kind))


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 31, 33, 255, 257, 1025])
@pytest.mark.parametrize("kind", ["noise", "ties", "one far off"])
def test_any_number_of_them(kind: str, n: int) -> None:
    check(column(kind, n))


def test_more_than_sixteen_bits_of_index() -> None:
    check(column("noise", 70_001))


def test_the_same_room_serves_one_column_after_the_other() -> None:
    room = desk(N)
    ranked, order = np.empty(N, np.float32), np.empty(N, np.uint32)
    for kind in ("noise", "one far off", "one value", "ties"):
        values = column(kind)
        rank(values, ranked, order, room)
        np.testing.assert_array_equal(order, np.argsort(values, kind="stable"))
