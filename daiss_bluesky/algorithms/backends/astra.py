"""astra-toolbox on the CPU: van Aarle et al., Optics Express 24 (2016) 25129.

Its y axis points up. SIRT and CGLS are told the center by the geometry; its FBP knows
only the middle of the detector, so projections are shifted for it. Differences are
RMS over RMS inside the 0.95 circle: balls, 75 columns, 120 angles, center 40.3.
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.backends.sinograms import (
    centered,
    continued,
    sinograms,
    weighted,
)

Array = NDArray[np.float32]


def fbp(p: Array, angles_rad: NDArray[np.float64], center_px: float) -> Array:
    """Filtered backprojection (Ram-Lak); within 0.04 of ours, measured 0.028."""
    ready = weighted(centered(p, center_px), angles_rad)
    # It pads with zeros, which gives a sample beyond the field a bright rim.
    n = p.shape[-1]
    spare = n // 2
    wide = np.roll(continued(ready, n + 2 * spare), spare, axis=-1)
    return _reconstruct("FBP", wide, angles_rad, wide.shape[-1] / 2, n, {}, 1)


def sirt(
    p: Array,
    angles_rad: NDArray[np.float64],
    center_px: float,
    iterations: int = 100,
    non_negative: bool = False,
) -> Array:
    """SIRT from zeros; within 0.04 of our FBP on complete data, measured 0.025."""
    option = {"MinConstraint": 0.0} if non_negative else {}
    return _reconstruct(
        "SIRT", p, angles_rad, center_px, p.shape[-1], option, iterations
    )


def cgls(
    p: Array,
    angles_rad: NDArray[np.float64],
    center_px: float,
    iterations: int = 15,
) -> Array:
    """CGLS from zeros; within 0.07 of our FBP on complete data, measured 0.055."""
    return _reconstruct("CGLS", p, angles_rad, center_px, p.shape[-1], {}, iterations)


def _reconstruct(
    name: str,
    p: Array,
    angles_rad: NDArray[np.float64],
    center_px: float,
    n: int,
    option: dict[str, Any],
    iterations: int,
) -> Array:
    astra: Any = import_module("astra")
    plane = astra.create_vol_geom(n, n)
    detector = _detector(astra, p.shape[-1], angles_rad, center_px)
    projector = astra.create_projector("linear", detector, plane)
    volume = np.empty((p.shape[1], n, n), np.float32)
    for z, sinogram in enumerate(sinograms(p)):
        measured = astra.data2d.create("-sino", detector, sinogram)
        found = astra.data2d.create("-vol", plane)
        job = astra.algorithm.create(
            {
                **astra.astra_dict(name),
                "ProjectorId": projector,
                "ProjectionDataId": measured,
                "ReconstructionDataId": found,
                "option": option,
            }
        )
        astra.algorithm.run(job, iterations)
        volume[z] = astra.data2d.get(found)[::-1]
        astra.algorithm.delete(job)
        astra.data2d.delete([measured, found])
    astra.projector.delete(projector)
    return volume


def _detector(
    astra: Any, n: int, angles_rad: NDArray[np.float64], center_px: float
) -> Any:
    offset_px = n / 2 - center_px
    if offset_px == 0:
        # Its FBP takes no other form.
        return astra.create_proj_geom("parallel", 1.0, n, angles_rad)
    cos, sin = np.cos(angles_rad), np.sin(angles_rad)
    # Ray, middle of the detector, one column: x and y of each.
    vectors = np.stack([sin, -cos, offset_px * cos, offset_px * sin, cos, sin], axis=1)
    return astra.create_proj_geom("parallel_vec", n, vectors)
