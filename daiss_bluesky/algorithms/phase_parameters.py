"""The parameters of phase retrieval, and the filter they make for one scan."""

from typing import Literal

from pydantic import Field

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Model, Scan
from daiss_bluesky.kernels.phase import PhaseFilter, ratio


class PhaseParameters(Model):
    """What a pipeline file may say about phase retrieval.

    The material is given by delta_beta, or by delta and beta.
    """

    method: Literal["paganin", "generalized-paganin", "ctf"] = "paganin"
    """Near field; the same for pixels of finite size; weak objects at any distance."""
    delta_beta: float | None = Field(None, gt=0)
    """δ/β: refraction over absorption."""
    delta: float | None = Field(None, gt=0)
    beta: float | None = Field(None, gt=0)
    energy_kev: float | None = Field(None, gt=0)
    """None: the scan's own; so for the next two."""
    distance_mm: float | None = Field(None, ge=0)
    """Sample to detector."""
    pixel_size_um: float | None = Field(None, gt=0)
    """Of the detector, as seen through its optics."""
    magnification: float = Field(1.0, ge=1)
    """By a diverging beam: (source to detector) / (source to sample)."""


def phase_filter(
    parameters: PhaseParameters, scan: Scan, frame_shape: tuple[int, int]
) -> PhaseFilter:
    """Make the filter for a scan; refuses by name what is missing.

    Also refused is a filter wider than the frame: a unit was mistaken.
    """
    made = PhaseFilter(
        method=parameters.method,
        delta_beta=_delta_beta(parameters),
        energy_kev=_known("energy_kev", parameters, scan),
        distance_mm=_known("distance_mm", parameters, scan),
        pixel_size_um=_known("pixel_size_um", parameters, scan),
        magnification=parameters.magnification,
    )
    if made.blur_px > frame_shape[1]:
        raise InputError(
            f"phase retrieval would average over {made.blur_px:.0f} pixels in frames of"
            f" {frame_shape[1]} columns: check delta_beta = {made.delta_beta:.4g},"
            f" energy_kev = {made.energy_kev:.4g}, distance_mm = {made.distance_mm:.4g}"
            f" and pixel_size_um = {made.pixel_size_um:.4g}"
        )
    return made


def _delta_beta(parameters: PhaseParameters) -> float:
    given, delta, beta = parameters.delta_beta, parameters.delta, parameters.beta
    if given is None and delta is not None and beta is not None:
        return ratio(delta, beta)
    if given is None:
        raise InputError(
            "phase retrieval needs delta_beta, or delta and beta:"
            " in the pipeline's parameters"
        )
    if delta is not None or beta is not None:
        raise InputError(
            "phase retrieval takes delta_beta, or delta and beta, not both"
        )
    return given


def _known(name: str, parameters: PhaseParameters, scan: Scan) -> float:
    for source in (parameters, scan):
        value: float | None = getattr(source, name)
        if value is not None:
            return value
    raise InputError(
        f"phase retrieval needs {name}: in the plan's metadata or in the pipeline's"
        " parameters"
    )
