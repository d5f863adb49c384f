"""Frames that stay on a device: the logic, with the host standing in for a GPU."""

from dataclasses import replace
from typing import Any

import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.on_devices import Devices
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.host_operators import HostOperators
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.testing.algorithm_contract import AlgorithmContract


class OnHosts(FbpAlgorithm):
    """Filtered backprojection on some hosts that are taken for devices."""

    def __init__(self, count: int, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._count = count

    def operators(self) -> list[Operators]:
        return [HostOperators() for _ in range(self._count)]


class OnSmallHost(OnHosts):
    """The same with room for ten frames and not for the volume."""

    def _devices(self, scan: Scan, frame_shape: tuple[int, int]) -> Devices:
        ten = 10 * 2 * frame_shape[0] * frame_shape[1]
        return [
            (
                ops,
                replace(
                    plan,
                    frames_bytes=ten,
                    host_frames_bytes=9 * ten,
                    slab_rows=16,
                    keeps_volume=False,
                ),
            )
            for ops, plan in super()._devices(scan, frame_shape)
        ]


@pytest.mark.parametrize(
    ("count", "given"),
    [
        (1, {}),
        (2, {"method": "backprojection"}),
        (1, {"stripes": "mean"}),
        (2, {"stripes": "combined"}),
        (3, {"axis_tilt_deg": 0.3}),
        (0, {"zingers": False}),
    ],
    scope="class",
    ids=["one", "two", "mean", "combined", "tilted", "small"],
)
class TestResident(AlgorithmContract):
    keeps_frames = True

    @pytest.fixture(autouse=True)
    def _choose(self, count: int, given: dict[str, Any]) -> None:
        self.count, self.given = count, given
        # In mid-scan stripes are removed by their mean, whatever removes them in the end.
        self.live_tolerance = 0.4 if "stripes" in given else 0.1

    def make(self, **parameters: Any) -> Algorithm:
        if self.count == 0:
            return OnSmallHost(1, **self.given, **parameters)
        return OnHosts(self.count, **self.given, **parameters)
