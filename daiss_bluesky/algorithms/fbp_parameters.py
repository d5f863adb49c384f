"""The parameters of filtered backprojection, as a pipeline file names them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from daiss_bluesky.algorithms.preprocessing_parameters import PreprocessingParameters
from daiss_bluesky.core.device import AskedDevice


class FbpParameters(PreprocessingParameters):
    """What a pipeline file may say about filtered backprojection."""

    method: Literal["auto", "gridding", "backprojection"] = "auto"
    """How the sum over projections is formed; auto: see `method_choice`."""
    filter: Literal["sharp", "ramp", "shepp-logan", "cosine", "hann"] = "ramp"
    """From sharp to smooth; sharp: for gridding, where there is little noise."""
    center_px: float | None = None
    """Rotation center; None: the scan's own, or found."""
    half_acquisition: bool = False
    """360 degrees with the axis near an edge: slices nearly twice as wide."""

    device: AskedDevice = "auto"
    """Where to compute: auto, cpu, cuda:N, or several GPUs as cuda:N,M."""
    device_memory_gb: float | None = Field(None, gt=0)
    """Most that may be used of a GPU; None: nine tenths of what is free."""
    precision: Literal["single", "half"] = "single"
    """Of what a GPU stores; half is faster and good to a few thousandths."""

    @model_validator(mode="after")
    def _sharp_needs_gridding(self) -> Self:
        if self.filter == "sharp" and self.method == "backprojection":
            raise ValueError(
                "filter 'sharp' needs method 'gridding': backprojection is never"
                " sharper than 'ramp'"
            )
        return self
