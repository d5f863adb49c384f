import weakref
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.host_operators import HostOperators
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.on_hosts import CrampedHosts, OnHosts


class Watched(HostOperators):
    """A host that notes which of its arrays are in use when it is to give back."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.in_use: list[tuple[int, ...]] = []

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        array = super().empty(shape, dtype)
        self.made.append(weakref.ref(array))
        return array

    def give_back(self) -> None:
        there = [array for one in self.made if (array := one()) is not None]
        self.in_use += [array.shape for array in there]


@pytest.mark.parametrize("kind", [OnHosts, CrampedHosts])
def test_nothing_is_in_use_when_a_device_is_to_give_back_its_memory(
    kind: type[OnHosts],
) -> None:
    host = Watched()

    class On(kind):  # type: ignore[valid-type, misc]
        def operators(self) -> list[Operators]:
            return [host]

    stored = make_ball_scan(projection_angles_deg(9), rows=5, columns=12)
    found = reconstruct_scan(stored, On())
    assert np.isfinite(found.arrays["volume"]).all()
    assert host.made
    assert host.in_use == []
