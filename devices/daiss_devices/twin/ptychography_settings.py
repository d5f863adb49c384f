"""What of a twin concerns ptychography, from the command line."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from daiss_bluesky.core.errors import InputError
from daiss_devices.twin.piezo import PiezoSettings

MOST_MODES = 10

_STAGE = {
    "position_noise_um": PiezoSettings().noise_um,
    "settling_s": PiezoSettings().settling_s,
}

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "tomography": {
        "size": 512, "dark_counts": 100.0, "distance_mm": 100.0, "energy_kev": 20.0,
        **_STAGE,
    },
    "far": {
        "size": 128, "dark_counts": 0.0, "distance_mm": 2000.0, "energy_kev": 8.8,
        "detector_pixel_um": 75.0, **_STAGE,
    },
    "near": {
        "size": 128, "dark_counts": 0.0, "distance_mm": 5.0, "energy_kev": 8.8,
        "detector_pixel_um": 0.1, **_STAGE,
    },
    "replay": {
        "size": 128, "dark_counts": 0.0, "distance_mm": 2000.0, "energy_kev": 8.8,
        "detector_pixel_um": 75.0, "position_noise_um": 0.0, "settling_s": 0.0,
    },
}  # fmt: skip
"""Where a scan of that kind is likely; a frame is replayed where it was taken."""


@dataclass(frozen=True, slots=True)
class PtychographySettings:
    """The camera shows diffraction patterns."""

    field: Literal["far", "near"]
    probe_modes: int
    counts: float
    """Photons in a frame without sample."""
    beam_stop_px: float
    detector_pixel_um: float


def add_ptychography_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the piezo stage and of the diffraction camera."""
    add = parser.add_argument_group("ptychography").add_argument
    add(
        "--ptychography",
        action="store_true",
        help="show diffraction patterns; with --scan those of a measured scan",
    )
    add("--field", choices=("far", "near"), default="far", help="of diffraction")
    add("--probe-modes", type=int, default=1, help="incoherent modes of the probe")
    add("--counts-per-frame", type=float, default=1e6, help="photons without sample")
    add("--beam-stop-px", type=float, default=0.0, help="radius; 0 is none")
    add("--detector-pixel-um", type=float, help="of the camera: 75 (near: 0.1)")
    add("--position-noise-um", type=float, help="of the readbacks: 0.005 (replay: 0)")
    add(
        "--position-error-um",
        type=float,
        default=0.0,
        help="by which places are missed unseen",
    )
    add(
        "--settling-s",
        type=float,
        help="time constant of the swings after a step: 0.005 (replay: 0)",
    )


def complete(a: argparse.Namespace) -> None:
    """Fill in the defaults that depend on the technique, and check what was given."""
    technique = a.field if a.ptychography else "tomography"
    if a.ptychography and a.scan is not None:
        technique = "replay"
    for name, value in _DEFAULTS[technique].items():
        if getattr(a, name) is None:
            setattr(a, name, value)
    for name in (
        "beam_stop_px", "position_noise_um", "position_error_um", "settling_s"
    ):  # fmt: skip
        if not 0 <= getattr(a, name) < float("inf"):
            raise InputError(f"{_option(name)} must be 0 or more, not {vars(a)[name]}")
    if a.ptychography:
        for name in ("counts_per_frame", "detector_pixel_um", "distance_mm"):
            if not 0 < getattr(a, name) < float("inf"):
                raise InputError(
                    f"{_option(name)} must be positive, not {vars(a)[name]}"
                )
    if not 1 <= a.probe_modes <= MOST_MODES:
        raise InputError(
            f"--probe-modes must be 1 to {MOST_MODES}, not {a.probe_modes}"
        )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def piezo_settings(a: argparse.Namespace) -> PiezoSettings:
    """Take what concerns the stage."""
    return PiezoSettings(
        noise_um=a.position_noise_um,
        error_um=a.position_error_um,
        settling_s=a.settling_s,
        seed=a.seed,
    )


def ptychography_settings(a: argparse.Namespace) -> PtychographySettings | None:
    """Take what concerns the picture; None for another technique."""
    if not a.ptychography:
        return None
    return PtychographySettings(
        field=a.field,
        probe_modes=a.probe_modes,
        counts=a.counts_per_frame,
        beam_stop_px=a.beam_stop_px,
        detector_pixel_um=a.detector_pixel_um,
    )
