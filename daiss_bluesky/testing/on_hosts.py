"""Hosts that stand in for GPUs, so that frames on devices can be tested without one."""

from dataclasses import replace
from typing import Any

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.on_devices import Devices
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.host_operators import HostOperators
from daiss_bluesky.kernels.operators import Operators


class OnHosts(FbpAlgorithm):
    """Filtered backprojection on some hosts that are taken for devices."""

    def __init__(self, count: int = 1, **parameters: Any) -> None:
        super().__init__(**parameters)
        self._count = count

    def operators(self) -> list[Operators]:
        """Give the hosts."""
        return [HostOperators() for _ in range(self._count)]


class Cramped(FbpAlgorithm):
    """One whose devices have room for a few frames, and for no volume."""

    few = 10

    def _devices(self, scan: Scan, frame_shape: tuple[int, int]) -> Devices:
        few = self.few * 2 * frame_shape[0] * frame_shape[1]
        more = 4 * (scan.n_projections or 0) * frame_shape[0] * frame_shape[1]
        return [
            (
                ops,
                replace(
                    plan,
                    frames_bytes=few,
                    host_frames_bytes=more,
                    slab_rows=16,
                    keeps_volume=False,
                ),
            )
            for ops, plan in super()._devices(scan, frame_shape)
        ]


class CrampedHosts(Cramped, OnHosts):
    """Hosts with little room."""
