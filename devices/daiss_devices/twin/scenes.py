"""Makes the scene that the settings ask for."""

from pathlib import Path

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.testing.phantoms import load_phantom, porous_grain
from daiss_devices.twin.detector import Detector, DetectorSettings
from daiss_devices.twin.scene import PhantomScene
from daiss_devices.twin.settings import OFFSET_PX, POROUS_GRAIN, TwinSettings


def phantom_scene(settings: TwinSettings) -> PhantomScene:
    """Put a phantom before the camera."""
    if settings.sample == POROUS_GRAIN:
        phantom = porous_grain()
    elif settings.sample.endswith(".json"):
        phantom = load_phantom(Path(settings.sample))
    else:
        raise unknown("sample", settings.sample, [POROUS_GRAIN, "PATH.json"])
    detector = Detector(
        DetectorSettings(
            rows=settings.rows,
            columns=settings.columns,
            flat_counts=settings.flat_counts,
            dark_counts=settings.dark_counts,
            noise=settings.noise,
            dead_pixels=settings.dead_pixels,
            seed=settings.seed,
        )
    )
    center_px = settings.center_px
    if center_px is None:
        center_px = (settings.columns - 1) / 2 + OFFSET_PX
    return PhantomScene(phantom, detector, center_px, settings.pixel_size_um / 1000)
