"""Makes the ptychography scene that the settings ask for."""

import numpy as np

from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)
from daiss_devices.twin.diffraction import CounterSettings, DiffractionScene
from daiss_devices.twin.ptychography_settings import PtychographySettings
from daiss_devices.twin.scene import Scene
from daiss_devices.twin.settings import FIELD_MM, TwinSettings


def diffraction_scene(s: TwinSettings, ptychography: PtychographySettings) -> Scene:
    """Put the phantom or a measured scan before the camera."""
    if s.scan is not None:
        from daiss_devices.twin.diffraction_replay import diffraction_replay  # noqa: PLC0415

        return diffraction_replay(s.scan, FIELD_MM)
    # Single precision is far below the noise of photons, and twice as fast.
    phantom = ptychography_phantom(
        PhantomSettings(
            rows=s.rows,
            columns=s.columns,
            detector_pixel_um=ptychography.detector_pixel_um,
            distance_mm=s.distance_mm,
            energy_kev=s.energy_kev,
            field=ptychography.field,
            modes=ptychography.probe_modes,
            seed=s.seed,
        ),
        np.complex64,
    )
    camera = CounterSettings(
        counts=ptychography.counts,
        background=s.dark_counts,
        noise=s.noise,
        beam_stop_px=ptychography.beam_stop_px,
        dead_pixels=s.dead_pixels,
        seed=s.seed,
    )
    return DiffractionScene(phantom, camera, out_position_mm=FIELD_MM)
