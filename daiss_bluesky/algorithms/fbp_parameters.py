"""The parameters of filtered backprojection, as a pipeline file names them."""

from typing import Literal

from daiss_bluesky.algorithms.preprocessing_parameters import PreprocessingParameters


class FbpParameters(PreprocessingParameters):
    """What a pipeline file may say about filtered backprojection."""

    filter: Literal["ramp", "shepp-logan", "cosine", "hann"] = "ramp"
    """From sharp to smooth."""
    center_px: float | None = None
    """Rotation center; None: the scan's own, or found from opposite projections."""
