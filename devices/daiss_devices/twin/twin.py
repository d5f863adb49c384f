"""The twin: motors, shutter and camera wired to their PVs."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from daiss_devices.twin.area_detector import add_area_detector, add_twin_pvs
from daiss_devices.twin.array_plugins import ImagePlugin, PvaPlugin
from daiss_devices.twin.camera import Camera, Stage
from daiss_devices.twin.camera_pvs import CameraPvs
from daiss_devices.twin.clock import now_s
from daiss_devices.twin.database import Database
from daiss_devices.twin.file_plugin import FilePlugin
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.motor import Motor, MotorSettings
from daiss_devices.twin.piezo import DECAYS, PiezoAxis, PiezoStage
from daiss_devices.twin.scenes import make_scene
from daiss_devices.twin.settings import TwinSettings
from daiss_devices.twin.shutter import Shutter

TURN_LIMIT_DEG = 3600.0
TRAVEL_MM = 50.0
PIEZO_TRAVELS_S = 10.0
"""Speed of the piezo stage, in half its range a second."""
PIEZO_RAMP_S = 0.005


class Twin:
    """Everything behind the PVs; make it inside the event loop that serves them."""

    def __init__(self, settings: TwinSettings) -> None:
        self.settings = settings
        self.database = Database(settings.prefix)
        self.scene = make_scene(settings)
        self.rotation, self.x, self.y, self.z = self._make_motors()
        self.piezo_motors, piezo = self._make_piezo()
        self.shutter = Shutter(self.database)
        stage = Stage(
            self.rotation.axis,
            self.x.axis,
            self.z.axis,
            self.shutter.blade,
            self.rotation.user_position,
            piezo,
        )
        self._camera = Camera(self.scene, stage)
        add_area_detector(
            self.database, self.scene.shape, self.scene.dtype, settings.primed
        )
        add_twin_pvs(
            self.database,
            self.scene.center_px,
            self.scene.out_position_mm,
            settings.disk_full_after,
        )
        self.camera_pvs = CameraPvs(self.database, self._camera)
        self._connect_plugins()
        self._compiler = threading.Thread(target=self._compile, name="compiler")

    def _make_motors(self) -> tuple[Motor, Motor, Motor, Motor]:
        speed = self.settings.motor_speed
        turn = MotorSettings(
            "rot", "deg", "rotation", speed, -TURN_LIMIT_DEG, TURN_LIMIT_DEG
        )
        rest = [
            MotorSettings(name, "mm", text, speed / 10, -TRAVEL_MM, TRAVEL_MM)
            for name, text in (
                ("x", "sample across the beam"),
                ("y", "sample along the beam"),
                ("z", "sample height"),
            )
        ]
        rotation, x, y, z = (Motor(self.database, each) for each in (turn, *rest))
        return rotation, x, y, z

    def _make_piezo(self) -> tuple[tuple[Motor, Motor], PiezoStage]:
        s = self.settings.piezo
        travel_um = max(s.travel_um, self.scene.travel_um)

        def motor(name: str, description: str) -> Motor:
            record = MotorSettings(
                name,
                "um",
                description,
                travel_um * PIEZO_TRAVELS_S,
                -travel_um,
                travel_um,
                ramp_s=PIEZO_RAMP_S,
                readback_noise=s.noise_um,
                settle_s=DECAYS * s.settling_s,
            )
            axis = PiezoAxis(s.overshoot, s.settling_s)
            return Motor(self.database, record, axis)

        y = motor("piezo_y", "probe on the sample, rows")
        x = motor("piezo_x", "probe on the sample, columns")
        readbacks = (y.user_position, x.user_position)
        return (y, x), PiezoStage(y.axis, x.axis, s, readbacks)

    def _connect_plugins(self) -> None:
        blank = Frame(
            np.zeros(self.scene.shape, self.scene.dtype), 0, now_s(), 0.0, 0, False
        )
        self._file = FilePlugin(self.database, self.scene, self.settings.data_root)
        self.pva = PvaPlugin(self.database, blank)
        self._camera.loses = self._file.loses
        self._camera.plugins = [
            self.pva.take, self._file.take, ImagePlugin(self.database).take
        ]  # fmt: skip

    def tasks(self) -> list[Callable[[], Any]]:
        """Coroutines that run as long as the twin does."""
        motors = (self.rotation, self.x, self.y, self.z, *self.piezo_motors)
        return [self.database.run, *(motor.run for motor in motors)]

    async def close(self) -> None:
        """Stop the camera and finish its file."""
        self._camera.prepared.set()
        await asyncio.to_thread(self.camera_pvs.close)
        await asyncio.to_thread(self._file.close)
        if self._compiler.ident is not None:
            await asyncio.to_thread(self._compiler.join)

    def compile(self) -> None:
        """Compile in the background, once clients can connect: it would delay them.

        The camera's first sequence waits for it.
        """
        self._compiler.start()

    def _compile(self) -> None:
        if self.settings.ptychography is not None:
            self._camera.prepared.set()
            return
        from daiss_bluesky.kernels import ellipsoids_compiled  # noqa: PLC0415

        try:
            ellipsoids_compiled.compile_frame_kernels()
        finally:
            self._camera.prepared.set()
