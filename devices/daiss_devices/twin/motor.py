"""The motor record over one axis: what clients of such a record rely on.

User position = direction * dial position + offset. The picture follows the dial, the
readback is in user units. DMOV goes 0, then 1 for every put to VAL, also one to the
present position, and the put-callback ends with the motion. STOP reads 0 again at once,
so that stopping an idle motor does not spoil its next move.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from daiss_devices.twin.clock import now_s
from daiss_devices.twin.database import Database, PutRefused
from daiss_devices.twin.motion import Axis
from daiss_devices.twin.pv_table import PvSpec, motor_fields

READBACK_PERIOD_S = 0.05
RESOLUTION_STEPS = 1e-4
"""Motor step in user units: only RRBV and MRES show it."""

_POSITIONS = ("RBV", "DVAL", "DRBV", "HLM", "LLM", "DHLM", "DLLM", "RLV", "TWV", "OFF")


@dataclass(frozen=True, slots=True)
class MotorSettings:
    """What a motor record is configured with."""

    name: str
    units: str
    description: str
    speed: float
    """Units per second."""
    low: float
    high: float
    ramp_s: float = 0.1
    """Time from rest to full speed."""
    precision: int = 4
    max_speed: float = 0.0
    """0: four times the speed."""
    readback_noise: float = 0.0
    """Standard deviation of what the readback says, in units."""
    settle_s: float = 0.0
    """After a motion is done, until the readback is told once more."""


class Motor:
    """One motor record."""

    def __init__(
        self, database: Database, settings: MotorSettings, axis: Axis | None = None
    ) -> None:
        self.axis = Axis() if axis is None else axis
        self.settings = settings
        self._rng = np.random.default_rng()
        self._database = database
        self._name = settings.name
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()
        self._add_fields()
        self._connect_puts()

    def _pv(self, field: str) -> str:
        return self._name if field == "VAL" else f"{self._name}.{field}"

    def _get(self, field: str) -> Any:
        return self._database.value(self._pv(field))

    def _post(self, **values: Any) -> None:
        self._database.post({self._pv(k): v for k, v in values.items()})

    def _add_fields(self) -> None:
        s = self.settings
        limits = {"upper_ctrl_limit": s.high, "lower_ctrl_limit": s.low}
        limits |= {"upper_disp_limit": s.high, "lower_disp_limit": s.low}
        unit: dict[str, Any] = {"units": s.units, "precision": s.precision}
        values = {
            "VELO": s.speed, "VMAX": s.max_speed or 4 * s.speed, "VBAS": 0.0,
            "JVEL": s.speed, "HVEL": s.speed, "ACCL": s.ramp_s, "BACC": s.ramp_s,
            "HLM": s.high, "LLM": s.low, "DHLM": s.high, "DLLM": s.low,
            "EGU": s.units, "PREC": s.precision, "DESC": s.description,
            "RTYP": "motor", "NAME": self._database.prefix + s.name, "SPMG": "Go",
            "MRES": RESOLUTION_STEPS, "ERES": RESOLUTION_STEPS, "RDBD": 0.0,
            "SREV": 200, "UREV": 200 * RESOLUTION_STEPS, "TWV": 1.0,
            "DMOV": 1, "TDIR": 1, "OUT": "@twin", "VERS": 7.2,
            "HOPR": s.high, "LOPR": s.low, "S": s.speed, "SMAX": 4 * s.speed,
        }  # fmt: skip
        record = {"reported_record_type": "motor"}
        self._database.add(
            s.name, PvSpec("double", [], False), 0.0, **unit, **limits, **record
        )
        self._database.alias(f"{s.name}.VAL", s.name)
        for field, spec in motor_fields().items():
            metadata = dict(unit) if field in _POSITIONS else {}
            if field in {"RBV", "DRBV", "DVAL"}:
                metadata |= limits
            if field in {"VELO", "VMAX", "JVEL", "HVEL"}:
                metadata = {**unit, "units": f"{s.units}/s"}
            self._database.add(
                f"{s.name}.{field}", spec, values.get(field), **metadata, **record
            )

    def _connect_puts(self) -> None:
        for field, handler in (
            ("VAL", self._put_val),
            ("DVAL", self._put_dial),
            ("RLV", self._put_relative),
            ("TWF", self._put_tweak_forward),
            ("TWR", self._put_tweak_reverse),
            ("STOP", self._put_stop),
            ("SPMG", self._put_spmg),
            ("HOMF", self._put_home),
            ("HOMR", self._put_home),
            ("JOGF", self._put_jog_forward),
            ("JOGR", self._put_jog_reverse),
            ("VELO", self._put_velocity),
            ("ACCL", self._put_ramp),
            ("OFF", self._put_offset),
            ("DIR", self._put_direction),
            ("HLM", self._put_high_limit),
            ("LLM", self._put_low_limit),
        ):
            self._database.on_put(self._pv(field), handler, checks_limits=False)

    def user_position(self, time_s: float) -> float:
        """Give the readback in user units at a time, from the trajectory."""
        return self._to_user(self.axis.position_at(time_s)) + self._noise()

    def _noise(self) -> float:
        noise = self.settings.readback_noise
        return noise * float(self._rng.standard_normal()) if noise else 0.0

    def _sign(self) -> float:
        return 1.0 if self._get("DIR") == "Pos" else -1.0

    def _to_user(self, dial: float) -> float:
        return self._sign() * dial + float(self._get("OFF"))

    def _to_dial(self, user: float) -> float:
        return self._sign() * (user - float(self._get("OFF")))

    async def _put_val(self, user: float) -> float:
        if self._get("SET") == "Set":
            self._define_position(user)
            await self._database.flush()
            return user
        low, high = float(self._get("LLM")), float(self._get("HLM"))
        limited = low != high
        if limited and not low <= user <= high:
            self._post(LVIO=1)
            raise PutRefused(f"{self._name}: {user} is outside {low} to {high}")
        if self._get("SPMG") in {"Stop", "Pause"}:
            raise PutRefused(f"{self._name}: SPMG is {self._get('SPMG')}")
        await self._database.write(self._pv("VAL"), user)
        await self._move(user, float(self._get("VELO")))
        return float(self._get("VAL"))

    async def _move(self, user: float, speed: float) -> None:
        now = now_s()
        dial = self._to_dial(user)
        acceleration = self._acceleration(speed)
        self.axis.move(now, dial, speed, acceleration)
        self._post(
            DMOV=0,
            LVIO=0,
            MOVN=int(self.axis.end_s > now),
            TDIR=int(dial >= self.axis.position_at(now)),
            DVAL=dial,
            ATHM=0,
        )
        await self._until_done()

    def _acceleration(self, speed: float) -> float:
        return speed / max(float(self._get("ACCL")), 1e-3)

    async def _until_done(self) -> None:
        self._done.clear()
        self._wake.set()
        await self._done.wait()
        await self._database.flush()

    async def run(self) -> None:
        """Publish the readback during motions, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (left_s := self.axis.end_s - now_s()) > 0:
                self._post_readback(now_s())
                await asyncio.sleep(min(left_s, READBACK_PERIOD_S))
            self._finish()
            if self.settings.settle_s:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self.settings.settle_s)
                self._post_readback(now_s())

    def _post_readback(self, time_s: float) -> None:
        dial = self.axis.position_at(time_s) + self._noise()
        steps = round(dial / RESOLUTION_STEPS)
        self._post(RBV=self._to_user(dial), DRBV=dial, RRBV=steps, RVAL=steps)

    def _finish(self) -> None:
        self._post_readback(now_s())
        if self._get("JOGF") or self._get("JOGR"):
            self._post(JOGF=0, JOGR=0)
        self._post(
            VAL=self._to_user(self.axis.target), DVAL=self.axis.target, MOVN=0, DMOV=1
        )
        self._done.set()

    def _define_position(self, user: float) -> None:
        """Make the present place this user position, by another offset."""
        here = self._sign() * self.axis.position_at(now_s())
        self._post(OFF=user - here, VAL=user, RBV=user)
        self._post_limits(user - here, self._sign())

    def _post_limits(self, offset: float, sign: float) -> None:
        ends = sorted(
            sign * float(self._get(field)) + offset for field in ("DLLM", "DHLM")
        )
        self._post(LLM=ends[0], HLM=ends[1])
        self._database.set_limits(self._limited(), ends[0], ends[1])

    def _limited(self) -> list[str]:
        return [self._pv("VAL"), self._pv("RBV")]

    async def _put_dial(self, dial: float) -> float:
        await self._put_val(self._to_user(dial))
        return dial

    async def _put_relative(self, step: float) -> float:
        await self._put_val(float(self._get("VAL")) + step)
        return 0.0

    async def _put_tweak_forward(self, value: int) -> int:
        if value:
            await self._put_relative(float(self._get("TWV")))
        return 0

    async def _put_tweak_reverse(self, value: int) -> int:
        if value:
            await self._put_relative(-float(self._get("TWV")))
        return 0

    async def _put_stop(self, value: int) -> int:
        if value and not self._done.is_set():
            self._halt()
            await self._done.wait()
            await self._database.flush()
        return 0

    def _halt(self) -> None:
        self.axis.stop(now_s(), self._acceleration(float(self._get("VELO"))))
        self._wake.set()

    async def _put_spmg(self, choice: str) -> str:
        if choice in {"Stop", "Pause"} and not self._done.is_set():
            self._halt()
        return choice

    async def _put_home(self, value: int) -> int:
        if value:
            await self._move(self._to_user(0.0), float(self._get("HVEL")))
            self._post(ATHM=1)
        return 0

    async def _put_jog_forward(self, value: int) -> int:
        return await self._jog(value, "HLM", "JOGF")

    async def _put_jog_reverse(self, value: int) -> int:
        return await self._jog(value, "LLM", "JOGR")

    async def _jog(self, value: int, limit: str, field: str) -> int:
        if not value:
            return await self._put_stop(1)
        await self._database.write(self._pv(field), 1)
        await self._move(float(self._get(limit)), float(self._get("JVEL")))
        return 0

    async def _put_velocity(self, speed: float) -> float:
        fastest = float(self._get("VMAX"))
        if not speed > 0:
            raise PutRefused(f"{self._name}: VELO must be positive, not {speed}")
        return min(speed, fastest)

    async def _put_ramp(self, ramp_s: float) -> float:
        if not ramp_s > 0:
            raise PutRefused(f"{self._name}: ACCL must be positive, not {ramp_s}")
        return ramp_s

    async def _put_offset(self, offset: float) -> float:
        here = self._sign() * self.axis.position_at(now_s()) + offset
        self._post(VAL=here, RBV=here)
        self._post_limits(offset, self._sign())
        return offset

    async def _put_direction(self, choice: str) -> str:
        sign = 1.0 if choice == "Pos" else -1.0
        here = sign * self.axis.position_at(now_s()) + float(self._get("OFF"))
        self._post(VAL=here, RBV=here)
        self._post_limits(float(self._get("OFF")), sign)
        return choice

    async def _put_high_limit(self, user: float) -> float:
        self._database.set_limits(self._limited(), float(self._get("LLM")), user)
        dial = "DHLM" if self._sign() > 0 else "DLLM"
        self._post(**{dial: self._to_dial(user)})
        return user

    async def _put_low_limit(self, user: float) -> float:
        self._database.set_limits(self._limited(), user, float(self._get("HLM")))
        dial = "DLLM" if self._sign() > 0 else "DHLM"
        self._post(**{dial: self._to_dial(user)})
        return user
