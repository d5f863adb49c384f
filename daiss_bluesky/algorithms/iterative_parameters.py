"""The parameters of the iterative algorithms, as a pipeline file names them."""

from typing import Literal

from pydantic import Field

from daiss_bluesky.algorithms.fbp_parameters import FbpParameters


class SirtParameters(FbpParameters):
    """What a pipeline file may say about SIRT; `filter` is that of views and start."""

    iterations: int = Field(100, gt=0)
    start: Literal["fbp", "zeros"] = "fbp"
    """Filtered backprojection of the same projections, or nothing."""
    non_negative: bool = True
    """Keep every pixel from falling below zero."""


class CglsParameters(SirtParameters):
    """What a pipeline file may say about CGLS."""

    iterations: int = Field(20, gt=0)
    """Few: noise grows with them once the picture is there."""


class TvParameters(SirtParameters):
    """What a pipeline file may say about total variation."""

    tv_weight: float = Field(0.03, gt=0)
    """Of total variation against the data; more for noise, less for fine detail."""
