"""Every algorithm of tomography that is installed holds the contract."""

from importlib.metadata import entry_points
from typing import Any

import pytest

from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.testing.algorithm_contract import AlgorithmContract

NAMES = sorted(point.name for point in entry_points(group=ALGORITHMS))


@pytest.mark.parametrize("name", NAMES, scope="class")
class TestInstalledAlgorithms(AlgorithmContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name: str) -> None:
        self.name = name
        # The others show filtered backprojection until their end.
        self.live_tolerance = 0.1 if name == "fbp" else 0.4

    def make(self, **parameters: Any) -> Algorithm:
        algorithm: Algorithm = find(ALGORITHMS, self.name)(**parameters)
        return algorithm


@pytest.mark.parametrize("stripes", ["mean", "sorting", "combined"], scope="class")
class TestStripesRemoved(AlgorithmContract):
    # In mid-scan stripes are removed by their mean, whatever removes them at the end.
    live_tolerance = 0.4

    @pytest.fixture(autouse=True)
    def _choose(self, stripes: str) -> None:
        self.stripes = stripes

    def make(self, **parameters: Any) -> Algorithm:
        algorithm: Algorithm = find(ALGORITHMS, "fbp")(
            stripes=self.stripes, **parameters
        )
        return algorithm


def test_filtered_backprojection_is_among_them() -> None:
    assert "fbp" in NAMES
