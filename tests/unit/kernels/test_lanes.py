"""Operations on sixteen numbers are NumPy's on arrays."""

from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from daiss_bluesky.kernels import lane_blocks, lanes
from daiss_bluesky.kernels.lanes import LANES

Array = NDArray[np.float32]


@njit
def apply_all(a: Any, b: Any, found: Any) -> None:
    x, y = lanes.load(a, 0), lanes.load(b, 0)
    lanes.store(found, 0, lanes.minimum(x, y))
    lanes.store(found, LANES, lanes.maximum(x, y))
    lanes.store(found, 2 * LANES, lanes.where_less(x, y, lanes.add(x, y), x))


def test_comparisons() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, LANES)).astype(np.float32)
    b[::4] = a[::4]
    found = np.empty((3, LANES), np.float32)
    apply_all(a, b, found.reshape(-1))
    np.testing.assert_array_equal(found[0], np.minimum(a, b))
    np.testing.assert_array_equal(found[1], np.maximum(a, b))
    np.testing.assert_array_equal(found[2], np.where(a < b, a + b, a))


@njit
def turn(source: Any, at: int, step: int, target: Any, to: int, stride: int) -> None:
    lane_blocks.transpose(source, at, step, target, to, stride)


@pytest.mark.parametrize(("step", "stride"), [(LANES, LANES), (37, 20)])
def test_transposition(step: int, stride: int) -> None:
    source = np.random.default_rng(1).normal(size=(LANES, step)).astype(np.float32)
    target = np.zeros((LANES, stride), np.float32)
    at, to = step - LANES, stride - LANES
    turn(source.reshape(-1), at, step, target.reshape(-1), to, stride)
    np.testing.assert_array_equal(target[:, to:], source[:, at:].T)
    assert not target[:, :to].any()
