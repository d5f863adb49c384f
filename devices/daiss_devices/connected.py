"""What every station can say of the PVs behind it."""

from collections.abc import Mapping

from ophyd import Device

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.connection import Missing, find_missing


class Connected:
    """Devices by name, and where each is found."""

    __slots__ = ()

    @property
    def devices(self) -> Mapping[str, Device]:
        """Everything with PVs, by name."""
        raise NotImplementedError

    def pv(self, name: str) -> str:
        """Where a device of `devices` is found."""
        raise NotImplementedError

    def check_connected(self) -> None:
        """Raise UnavailableError naming the first device that does not answer."""
        for name, device in self.devices.items():
            if not device.connected:
                raise UnavailableError(f"{name} ({self.pv(name)}) does not answer")

    def missing(self, timeout_s: float = 3.0) -> list[Missing]:
        """List the PVs that do not answer in time."""
        return find_missing(self.devices, timeout_s)

    def close(self) -> None:
        """Leave the PVs, so that nobody hears of an IOC that ends afterwards."""
        for device in self.devices.values():
            device.destroy()
