"""DXchange: /exchange/data, data_white, data_dark and theta (APS and others)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.readers.angle_units import to_radians
from daiss_bluesky.readers.stack import (
    as_angles,
    as_fields,
    check_frames,
    make_scan,
    need,
)


def recognizes(file: Any) -> bool:
    """Tell whether this is a DXchange file."""
    return "exchange/data" in file


def read(
    file: Any, path: Path, lazy: Callable[[Any, Path], Any], center_px: float | None
) -> StoredScan:
    """Read angles, flats and darks; projections stay in the file.

    DXchange keeps no times: flats and darks count as taken before the projections.
    """
    group = file["exchange"]
    need(path, ["theta"], group)
    frames = lazy(group["data"], path)
    check_frames(path, "/exchange/data", frames)
    rows, columns = frames.shape[1:]
    fields = {}
    for name in ("data_white", "data_dark"):
        fields[name] = np.zeros((0, rows, columns), frames.dtype)
        if name in group:
            dataset = group[name][()]
            fields[name] = as_fields(
                path, f"/exchange/{name}", dataset, (rows, columns)
            )
    n = len(frames)
    theta = as_angles(path, "/exchange/theta", group["theta"][()])
    return make_scan(
        path,
        projections=frames,
        projection_indices=np.arange(n),
        angles_rad=to_radians(theta, group["theta"], path),
        times_s=np.arange(1, n + 1, dtype=np.float64),
        flats=fields["data_white"],
        flat_times_s=np.zeros(len(fields["data_white"])),
        darks=fields["data_dark"],
        dark_times_s=np.zeros(len(fields["data_dark"])),
        center_px=center_px,
    )
