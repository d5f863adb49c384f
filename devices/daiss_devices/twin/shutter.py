"""The photon shutter: closed or open, with the time its blade takes."""

import asyncio

from daiss_devices.twin.clock import now_s
from daiss_devices.twin.database import Database
from daiss_devices.twin.motion import Switch
from daiss_devices.twin.pv_table import PvSpec

CHOICES = ["Closed", "Open"]
_TRAVEL_S = 0.1


class Shutter:
    """`shutter` to say where it should be, `shutter_RBV` for where it is.

    The put-callback of `shutter` ends when the blade has arrived.
    """

    def __init__(self, database: Database) -> None:
        self.blade = Switch(False)
        self._database = database
        database.add("shutter", PvSpec("enum", CHOICES, False))
        database.add("shutter_RBV", PvSpec("enum", CHOICES, True))
        database.on_put("shutter", self._put)

    async def _put(self, choice: str) -> str:
        await self._database.write("shutter", choice)
        opened = choice == "Open"
        if opened != self.blade.on:
            await asyncio.sleep(_TRAVEL_S)
            self.blade.turn(now_s(), opened)
        self._database.post({"shutter_RBV": choice})
        await self._database.flush()
        return choice
