"""The tomography of `daiss demo`: what is refused, the plan, the figures."""

import math
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from daiss_bluesky.cli.demo.measure import measure
from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.demo.outcome import Outcome
from daiss_bluesky.cli.demo.report import Report
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.scan import TECHNIQUE, SampleMetadata
from daiss_bluesky.plans.request import Frames, check_exposure, plan_angles_deg
from daiss_bluesky.readers import open_scan
from daiss_bluesky.testing.phantoms import load_phantom


class TomographyDemo:
    """A rotation scan."""

    technique = TECHNIQUE

    def __init__(self, options: DemoOptions) -> None:
        self._options = options

    def check(self) -> None:
        """Refuse before anything is started what the plan would refuse after it."""
        options = self._options
        Frames(options.darks, options.flats, options.flats_after, pair=True)
        check_exposure(options.exposure_s)
        SampleMetadata.parse(options.metadata(), "the metadata of the plan")
        if not options.darks:
            raise InputError("--darks 0: the correction needs at least 1 dark field")
        center_px = options.center_px
        if center_px is not None and not math.isfinite(center_px):
            raise InputError(f"--center-px {center_px}: a finite number is expected")
        if options.scan is not None:
            open_scan(options.scan)
        else:
            order = options.angle_order()
            plan_angles_deg(
                options.angles, None, start_deg=0, range_deg=180, order=order
            )
            if options.beamline is None:
                self._check_simulation()

    def _check_simulation(self) -> None:
        options = self._options
        center_px = options.center_px
        if center_px is not None and not 0 < center_px < options.size:
            raise InputError(
                f"--center-px {center_px}: between 0 and --size {options.size} is"
                " expected"
            )
        if Path(options.sample).suffix:
            load_phantom(Path(options.sample))

    def plan(self, session: Any) -> Any:
        """Make the plan."""
        options = self._options
        shared = {
            "exposure_s": options.exposure_s,
            "darks": options.darks,
            "flats": options.flats,
            "flats_after": options.flats_after,
            "center_px": options.center_px,
            "md": {"sample": options.sample_name(), **options.metadata()},
        }
        if options.fly:
            period_s = 1 / options.frame_rate_hz
            exposure_s = min(options.exposure_s, period_s)
            shared |= {"exposure_s": exposure_s, "period_s": period_s}
            return session.plans["tomo_fly"](options.angles, **shared)
        if options.scan is not None:
            angles_rad = open_scan(options.scan).angles_rad
            angles_deg = np.rad2deg(angles_rad).tolist()
        else:
            order = options.angle_order()
            angles_deg = projection_angles_deg(options.angles, order=order).tolist()
        return session.plans["tomo_scan"](angles_deg=angles_deg, **shared)

    def watching(self, fleet: Fleet) -> AbstractContextManager[None]:  # noqa: ARG002
        """Follow nothing: the result tells its own timing."""
        return nullcontext()

    def measure(self, fleet: Fleet, outcome: Outcome) -> Report:
        """Read the result back from Tiled and judge it."""
        return measure(fleet, self._options, outcome)
