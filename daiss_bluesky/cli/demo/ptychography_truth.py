"""How right an object is: against the simulated beamline's own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.kernels.phase_error import phase_error_rad
from daiss_bluesky.services.state import StateDirectory, read_json
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)


def truth_error(
    fleet: Fleet,
    result: Mapping[str, Any],
    found: NDArray[np.complex64],
    coverage: NDArray[np.float32],
) -> float:
    """Give the RMS phase error (rad) over the area scanned.

    That is what half as many frames lit as what most frames did.
    """
    twin = read_json(StateDirectory(fleet.state).ready / "twin.json", "the twin's file")
    phantom = ptychography_phantom(PhantomSettings(**twin["phantom"]))
    origin = np.array(phantom.origin_px) + result["in_force"]["object_origin_px"]
    first = np.rint(origin).astype(int)
    last = first + found.shape
    truth = phantom.truth[first[0] : last[0], first[1] : last[1]]
    scanned = coverage > 0.5 * np.median(coverage[coverage > 0])
    return phase_error_rad(found, truth, scanned, register=True)
