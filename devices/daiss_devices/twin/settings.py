"""What a twin is started with, from the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from daiss_bluesky.core.errors import InputError
from daiss_devices.twin.piezo import PiezoSettings
from daiss_devices.twin.ptychography_settings import (
    PtychographySettings,
    add_ptychography_options,
    complete,
    piezo_settings,
    ptychography_settings,
)

FIELD_MM = 10.0
"""Width of the field of view where no pixel size is given."""

OFFSET_PX = 1.3
"""Default distance of the rotation center from the middle: finding it must matter."""

POROUS_GRAIN = "porous-grain"


@dataclass(frozen=True, slots=True)
class TwinSettings:
    """All that can be chosen about a twin."""

    prefix: str
    rows: int
    columns: int
    sample: str
    scan: Path | None
    center_px: float | None
    noise: float
    flat_counts: float
    dark_counts: float
    dead_pixels: int
    seed: int
    phase_contrast: bool
    distance_mm: float
    energy_kev: float
    delta: float
    beta: float
    pixel_size_um: float
    data_root: Path
    state_file: Path | None
    motor_speed: float
    disk_full_after: int
    primed: bool
    piezo: PiezoSettings
    ptychography: PtychographySettings | None
    """None: the camera shows the tomography sample."""


def parse(arguments: Sequence[str] | None) -> TwinSettings:
    """Read the command line; a value out of range is an InputError."""
    a = _parser().parse_args(arguments)
    complete(a)
    rows, columns = a.rows or a.size, a.columns or a.size
    for name, value, low in (
        ("rows" if a.rows else "size", rows, 1),
        ("columns" if a.columns else "size", columns, 8),
        ("dead-pixels", a.dead_pixels, 0),
    ):
        if not low <= value <= 8192:  # noqa: PLR2004
            raise InputError(f"--{name} must be {low} to 8192, not {value}")
    for name in ("noise", "flat_counts", "dark_counts", "distance_mm"):
        if not 0 <= getattr(a, name) < float("inf"):
            option = name.replace("_", "-")
            raise InputError(f"--{option} must be 0 or more, not {getattr(a, name)}")
    for name in ("energy_kev", "delta", "beta", "motor_speed"):
        if not 0 < getattr(a, name) < float("inf"):
            option = name.replace("_", "-")
            raise InputError(f"--{option} must be positive, not {getattr(a, name)}")
    pixel_um = a.pixel_size_um or FIELD_MM * 1000 / columns
    if not 0 < pixel_um < float("inf"):
        raise InputError(f"--pixel-size-um must be positive, not {pixel_um}")
    root = a.data_root.resolve()
    if not root.is_dir():
        raise InputError(f"--data-root {a.data_root} is not a directory")
    made = {
        "rows": rows, "columns": columns, "pixel_size_um": pixel_um,
        "data_root": root, "primed": not a.unprimed,
        "piezo": piezo_settings(a), "ptychography": ptychography_settings(a),
    }  # fmt: skip
    values = vars(a) | made
    return TwinSettings(**{one.name: values[one.name] for one in fields(TwinSettings)})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="daiss twin",
        description="A simulated EPICS beamline: stages, shutter and camera."
        " Of two defaults the second holds with --ptychography.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--prefix", default="DAISS:", help="prefix of all PVs")
    add("--size", type=int, help="rows and columns of the camera: 512, or 128")
    add("--rows", type=int, help="rows, where they differ")
    add("--columns", type=int, help="columns, where they differ")
    add(
        "--sample",
        default=POROUS_GRAIN,
        help=f"{POROUS_GRAIN}, or a phantom file (JSON)",
    )
    add("--scan", type=Path, help="replay this measured scan instead of a sample")
    add(
        "--center-px", type=float, help="rotation center, in columns from the left edge"
    )
    add("--noise", type=float, default=1.0, help="0 none, 1 photon noise")
    add("--flat-counts", type=float, default=40000.0, help="counts of the flat field")
    add("--dark-counts", type=float, help="counts without light: 100, or 0")
    add("--dead-pixels", type=int, default=10, help="pixels that read 0")
    add("--seed", type=int, default=1, help="of noise and dead pixels")
    add("--phase-contrast", action="store_true", help="propagate behind the sample")
    add("--distance-mm", type=float, help="sample to camera: 100, or 2000 (near: 5)")
    add("--energy-kev", type=float, help="photon energy: 20, or 8.8")
    add("--delta", type=float, default=1.4e-6, help="refractive decrement, density 1")
    add("--beta", type=float, default=6e-9, help="absorption index, density 1")
    add("--pixel-size-um", type=float, help=f"pixel size; default {FIELD_MM} mm / n")
    add("--data-root", type=Path, default=Path(), help="files are written inside")
    add("--state-file", type=Path, help="written when the twin is ready")
    add("--motor-speed", type=float, default=90.0, help="degrees (or mm/10) a second")
    add("--disk-full-after", type=int, default=-1, help="frames a file can hold")
    add("--unprimed", action="store_true", help="array sizes 0 until the first frame")
    add_ptychography_options(parser)
    return parser
