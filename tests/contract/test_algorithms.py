"""Every algorithm that is installed holds the contract of its technique."""

from importlib.metadata import entry_points
from typing import Any

import pytest

from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.testing.algorithm_contract import AlgorithmContract
from daiss_bluesky.testing.ptychography_contract import PtychographyContract


def names(technique: str) -> list[str]:
    found = (point.name for point in entry_points(group=ALGORITHMS))
    return sorted(n for n in found if find(ALGORITHMS, n)().technique == technique)


TOMOGRAPHY, PTYCHOGRAPHY = names("tomography"), names("ptychography")


@pytest.mark.parametrize("name", TOMOGRAPHY, scope="class")
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


@pytest.mark.parametrize("name", PTYCHOGRAPHY, scope="class")
class TestInstalledPtychography(PtychographyContract):
    @pytest.fixture(autouse=True)
    def _choose(self, name: str) -> None:
        self.name = name

    def make(self, **parameters: Any) -> Algorithm:
        quick = {"passes": 5, "modes": 2, "visits_per_frame": 6}
        algorithm: Algorithm = find(ALGORITHMS, self.name)(**quick | parameters)
        return algorithm


def test_those_that_come_with_the_suite_are_among_them() -> None:
    assert {"fbp", "sirt", "cgls", "tv"} <= set(TOMOGRAPHY)
    assert "rpie" in PTYCHOGRAPHY
