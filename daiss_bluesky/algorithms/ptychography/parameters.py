"""The parameters of ptychography, as a pipeline file names them."""

from typing import Literal

from pydantic import Field

from daiss_bluesky.core.scan import Model


class PtychographyParameters(Model):
    """What a pipeline file may say about ptychography by rPIE."""

    visits_per_frame: int = Field(16, ge=1)
    """Updates that each frame that arrives pays for, its own and those of others."""
    alpha: float = Field(0.1, gt=0, le=0.5)
    """Regularization of object and probe (rPIE); above 0.5 steps are too long."""
    modes: int = Field(3, ge=1, le=16)
    """Incoherent probe modes of the final result; one while the scan runs."""
    passes: int = Field(40, ge=1)
    """Through all frames after the last has come."""
    refine_positions: bool = True
    """In the passes at the end."""
    update_object: bool = True
    update_probe: bool = True
    """Both may be switched while the scan runs."""
    hold_probe_frames: int = Field(32, ge=0)
    """The probe stays as it began until so many frames have come."""
    probe: str | None = None
    """File with the probe to begin with (npz or CXI); None: from the mean frame."""
    mask: str | None = None
    """File (npy) with the detector's bad pixels, True where bad."""
    saturation_counts: int = Field(65535, gt=0)
    """Counts at which a pixel is full; frames with such pixels are left out."""
    orientation: Literal[
        "none",
        "flip_rows",
        "flip_columns",
        "rotate_180",
        "transpose",
        "rotate_90",
        "rotate_270",
        "transpose_other",
    ] = "none"
    """How the detector's frames are turned before anything else."""
