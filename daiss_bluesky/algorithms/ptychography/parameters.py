"""The parameters of ptychography, as a pipeline file names them."""

from typing import Literal

from pydantic import Field

from daiss_bluesky.core.device import AskedDevice
from daiss_bluesky.core.scan import Model

LAST = "last"
"""In place of a probe's file: the probe of the last run with the same optics."""


class PtychographyParameters(Model):
    """What a pipeline file may say about ptychography by rPIE."""

    visits_per_frame: int = Field(16, ge=0)
    """Updates that each frame that arrives pays for, its own and those of others.

    0: maps alone while the scan runs, the object after it.
    """
    alpha: float = Field(0.3, gt=0, le=0.5)
    """Regularization of the object (rPIE); above 0.5 groups of frames on one spot, as
    in the middle of a spiral, would go too far."""
    modes: int = Field(3, ge=1, le=16)
    """Incoherent probe modes of the final result; one while the scan runs."""
    passes: int = Field(40, ge=1)
    """Through all frames after the last has come, at most; a few with ever smaller
    steps follow."""
    least_gain: float = Field(0.005, ge=0, lt=1)
    """The passes end when three have not taken this part off the residual; 0: never."""
    refine_positions: bool = True
    """In the passes at the end."""
    update_object: bool = True
    update_probe: bool = True
    """Both may be switched while the scan runs."""
    hold_probe_frames: int = Field(20, ge=0)
    """The probe stays as it began until so many frames have come."""
    probe: str | None = None
    """File (npy, npz, CXI) with the probe to begin with, or `last`: that of the last
    run with the same optics; None, and where there was none: from the first frames."""
    mask: str | None = None
    """File (npy) with the detector's bad pixels, True where bad."""
    saturation_counts: int = Field(65535, gt=0)
    """Counts at which a pixel is full; frames with such pixels are left out."""
    device: AskedDevice = "auto"
    """Where to compute: a GPU where there is one, cpu, or cuda:N."""
    device_memory_gb: float | None = Field(None, gt=0)
    """Of a GPU for the frames, at most; the others stay in the host's memory."""
    orientation: Literal[
        "none",
        "flip_rows",
        "flip_columns",
        "rotate_180",
        "transpose",
        "rotate_90",
        "rotate_270",
        "anti_transpose",
        "auto",
    ] = "none"
    """How the detector's frames are turned before anything else; auto: found."""
