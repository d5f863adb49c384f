"""Makes the scene that the settings ask for."""

from pathlib import Path

from daiss_bluesky.core.errors import unknown
from daiss_bluesky.testing.phantoms import Phantom, load_phantom, porous_grain
from daiss_devices.twin.detector import Detector, DetectorSettings
from daiss_devices.twin.scene import PhantomScene, Scene
from daiss_devices.twin.settings import (
    FIELD_MM,
    OFFSET_PX,
    POROUS_GRAIN,
    TwinSettings,
)


def make_scene(settings: TwinSettings) -> Scene:
    """Put a phantom or a measured scan before the camera."""
    if settings.ptychography is not None:
        # Drawing the object brings scipy.
        from daiss_devices.twin.diffraction_scenes import diffraction_scene  # noqa: PLC0415

        return diffraction_scene(settings, settings.ptychography)
    if settings.scan is not None:
        # Readers bring pydantic; a twin without a scan starts faster without them.
        from daiss_devices.twin.replay import replay_scene  # noqa: PLC0415

        # Where a measured scan is out of the beam is a matter of convention: half the
        # default field, so that the same plan does for it.
        return replay_scene(settings.scan, FIELD_MM / 2)
    return phantom_scene(settings)


def phantom_scene(settings: TwinSettings) -> PhantomScene:
    """Put a phantom before the camera."""
    phantom = _phantom(settings.sample)
    contrast = None
    if settings.phase_contrast:
        from daiss_devices.twin.phase_contrast import with_phase  # noqa: PLC0415

        phantom, contrast = with_phase(phantom, settings)
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
        center_px = settings.columns / 2 + OFFSET_PX
    pixel_mm = settings.pixel_size_um / 1000
    return PhantomScene(phantom, detector, center_px, pixel_mm, contrast)


def _phantom(sample: str) -> Phantom:
    if sample == POROUS_GRAIN:
        return porous_grain()
    if sample.endswith(".json"):
        return load_phantom(Path(sample))
    raise unknown("sample", sample, [POROUS_GRAIN, "PATH.json"])
