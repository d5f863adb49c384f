"""Frames that stay on a device: the logic, with hosts standing in for GPUs."""

from typing import Any

from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.testing.device_contract import DeviceContract
from daiss_bluesky.testing.on_hosts import CrampedHosts, OnHosts


class TestOnOneHost(DeviceContract):
    def make(self, **parameters: Any) -> Algorithm:
        return OnHosts(**parameters)


class TestOnCrampedHosts(DeviceContract):
    def make(self, **parameters: Any) -> Algorithm:
        return CrampedHosts(2, **parameters)
