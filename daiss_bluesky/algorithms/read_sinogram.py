"""One row of the detector, read again from the frames of a scan."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ledger import Ledger
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.reconstruction import Reread

MOST = 360
"""Projections read for one sinogram, spread evenly over the angles."""

Correct = Callable[[NDArray[Any], NDArray[np.float64]], NDArray[np.float32]]
"""Takes raw frames and their times in seconds; gives line integrals of the row."""


def read_sinogram(
    ledger: Ledger, reread: Reread, correct: Correct
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Give angles, ascending, and attenuation (angle, column)."""
    keys, angles, _ = ledger.used_arrays()
    if not len(keys):
        raise InputError("no projection is inside the reconstruction yet")
    order = np.argsort(angles, kind="stable")
    chosen = order[:: -(-len(order) // MOST)]
    at = {keys[i]: float(angles[i]) for i in chosen}
    found: list[tuple[float, NDArray[np.float32]]] = []
    for batch in reread(sorted(at)):
        rows = correct(batch.pixels, batch.times_s)[:, 0]
        found += [
            (at[key], row.copy()) for key, row in zip(batch.keys, rows, strict=True)
        ]
    found.sort(key=lambda one: one[0])
    return np.array([angle for angle, _ in found]), np.stack([row for _, row in found])
