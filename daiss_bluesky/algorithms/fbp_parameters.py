"""The parameters of filtered backprojection, as a pipeline file names them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from daiss_bluesky.core.scan import Model


class FbpParameters(Model):
    """What a pipeline file may say about filtered backprojection."""

    method: Literal["auto", "gridding", "backprojection"] = "auto"
    """How the sum over projections is formed; auto: what is faster and fits."""
    filter: Literal["sharp", "ramp", "shepp-logan", "cosine", "hann"] = "ramp"
    """From sharp to smooth; sharp: for gridding, where there is little noise."""
    center_px: float | None = None
    """Rotation center; None: the scan's own, or found."""
    dead_pixels: bool = True
    """Replace pixels that see no light, or far too much, by their neighbors."""
    zingers: bool = True
    """Replace single bright pixels, where an X-ray hit the sensor."""
    zinger_threshold: float = Field(0.05, gt=0)
    """How far above all its neighbors a zinger is, as a fraction of the flat field."""
    dark_level: float | None = None
    """Counts without light, for scans that took no dark field."""

    @model_validator(mode="after")
    def _sharp_needs_gridding(self) -> Self:
        if self.filter == "sharp" and self.method == "backprojection":
            raise ValueError(
                "filter 'sharp' needs method 'gridding': backprojection is never"
                " sharper than 'ramp'"
            )
        return self
