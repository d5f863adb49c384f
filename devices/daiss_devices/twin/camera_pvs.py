"""`cam1:` over Channel Access: settings, start and stop, counters, state."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from daiss_devices.twin.camera import Camera, Sequence
from daiss_devices.twin.database import Database, PutRefused
from daiss_devices.twin.frame import Frame

SHORTEST_S = 1e-4


class CameraPvs:
    """Connects the camera's PVs to the camera."""

    def __init__(self, database: Database, camera: Camera) -> None:
        self._database = database
        self._camera = camera
        self._thread = ThreadPoolExecutor(1, "camera")
        self._running = 0
        for name, handler in (
            ("Acquire", self._put_acquire),
            ("AcquireTime", self._put_time),
            ("AcquirePeriod", self._put_period),
            ("NumImages", self._put_images),
            ("ArrayCounter", self._put_counter),
        ):
            database.on_put(f"cam1:{name}", handler)

    def close(self) -> None:
        """Stop the camera."""
        self._camera.stop()
        self._thread.shutdown()

    def _get(self, name: str) -> Any:
        return self._database.value(f"cam1:{name}")

    def _post(self, **values: Any) -> None:
        self._database.post({f"cam1:{k}": v for k, v in values.items()})

    async def _put_acquire(self, choice: str) -> str:
        if choice == "Done":
            self._camera.stop()
            while self._running:
                await asyncio.sleep(0.005)
            await self._database.flush()
            return "Done"
        if self._running:
            return "Acquire"
        await self._acquire()
        return "Done"

    async def _acquire(self) -> None:
        self._running += 1
        self._post(
            Acquire=1, Acquire_RBV=1, DetectorState_RBV="Acquire",
            NumImagesCounter_RBV=0, StatusMessage_RBV="Acquiring data",
        )  # fmt: skip
        await self._database.flush()
        loop = asyncio.get_running_loop()
        state, message = "Error", "the picture could not be made"
        try:
            complete = await loop.run_in_executor(
                self._thread, self._camera.acquire, self._sequence(), self._taken
            )
            state = "Idle" if complete else "Aborted"
            message = "Done" if complete else "Stopped"
        finally:
            self._running -= 1
            self._post(
                DetectorState_RBV=state, StatusMessage_RBV=message,
                TimeRemaining_RBV=0.0, Acquire=0, Acquire_RBV=0,
            )  # fmt: skip
        await self._database.flush()

    def _sequence(self) -> Sequence:
        mode = self._get("ImageMode")
        images = {"Single": 1, "Multiple": int(self._get("NumImages"))}.get(mode)
        exposure_s = max(float(self._get("AcquireTime")), SHORTEST_S)
        return Sequence(
            images=images,
            exposure_s=exposure_s,
            period_s=max(float(self._get("AcquirePeriod")), exposure_s),
            frame_type=self._database.number("cam1:FrameType"),
        )

    def _taken(self, number: int, frame: Frame) -> None:
        values = {"ArrayCounter": frame.unique_id, "ArrayCounter_RBV": frame.unique_id}
        if "UniqueId_RBV" in self._database:
            values["UniqueId_RBV"] = frame.unique_id
        self._post(**values, NumImagesCounter_RBV=number)

    async def _put_time(self, exposure_s: float) -> float:
        if not 0 <= exposure_s < float("inf"):
            raise PutRefused(f"AcquireTime must not be {exposure_s}")
        self._post(AcquireTime_RBV=exposure_s)
        return exposure_s

    async def _put_period(self, period_s: float) -> float:
        if not 0 <= period_s < float("inf"):
            raise PutRefused(f"AcquirePeriod must not be {period_s}")
        self._post(AcquirePeriod_RBV=period_s)
        return period_s

    async def _put_images(self, images: int) -> int:
        if images < 1:
            raise PutRefused(f"NumImages must be 1 or more, not {images}")
        self._post(NumImages_RBV=images)
        return images

    async def _put_counter(self, counter: int) -> int:
        self._camera.counter = counter
        self._post(ArrayCounter_RBV=counter)
        return counter
