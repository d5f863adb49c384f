"""A camera that is nowhere and writes its frames at once."""

from types import SimpleNamespace
from typing import Any

from ophyd import Signal


class FakeSignal(Signal):
    def put(self, value: Any, *, callback: Any = None, **_: Any) -> None:
        super().put(value)
        if callback is not None:
            callback()


class FakeAcquire(FakeSignal):
    """Writes a series of frames at once."""

    def __init__(self, camera: Any) -> None:
        super().__init__(name="acquire")
        self.camera = camera

    def put(self, value: Any, *, callback: Any = None, **_: Any) -> None:
        if value:
            self.camera.log.append(("camera", self.camera.num_images.get()))
            written = self.camera.hdf.frames_written
            written.put(written.get() + self.camera.num_images.get())
        super().put(value, callback=callback)


def fake_camera(log: list[Any]) -> Any:
    camera = SimpleNamespace(
        name="camera",
        image_key="camera_image",
        timeout_s=5.0,
        triggered=2,
        log=log,
        num_images=Signal(name="num_images", value=1),
        exposure_s=Signal(name="exposure_s", value=0.1),
        period_s=Signal(name="period_s", value=0.0),
        counted_from=[],
        make_data_key=lambda: {"shape": (1, 8, 10), "dtype": "array"},
        stop=lambda success=False: log.append(("camera", "stop")),
    )
    camera.hdf = SimpleNamespace(
        name="camera_hdf",
        path="/data/a.h5",
        frames_written=Signal(name="frames_written", value=2),
        why_failed=lambda: None,
        count_from=camera.counted_from.append,
    )
    camera.acquire = FakeAcquire(camera)
    return camera
