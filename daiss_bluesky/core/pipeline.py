"""The pipeline file: which algorithm with which parameters, and who is told."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Model

STEPS = (
    "dark and flat fields",
    "dead pixels",
    "zingers",
    "phase retrieval or logarithm",
    "stripes",
    "filter",
)
"""What is done to a projection, in the only order that makes sense."""


class Pipeline(Model):
    """One reconstruction and its publishers, as a YAML file says."""

    technique: Literal["tomography", "ptychography"] = "tomography"
    """The runs it is for."""
    algorithm: str = "fbp"
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Checked by the algorithm's own model."""
    publishers: list[str] = Field(default_factory=lambda: ["tiled", "pva"])
    update_period_s: float = Field(0.5, gt=0)
    """Shortest time between two publications of views."""
    memory_limit_gb: float | None = Field(None, gt=0)
    """Refuse a scan that needs more; None: what the machine has free."""

    @property
    def digest(self) -> str:
        """Same pipeline, same digest: part of a result's identity."""
        what = {"algorithm": self.algorithm, "parameters": self.parameters}
        text = json.dumps(what, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_pipeline(path: Path) -> Pipeline:
    """Read a pipeline file; an unknown key is refused by name."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise InputError(
            f"pipeline file {path} cannot be read: {error.strerror}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"pipeline file {path} is not YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"pipeline file {path} must hold keys and values")
    what = f"pipeline file {path}"
    _refuse_steps(values, what)
    pipeline = Pipeline.parse(values, what)
    _refuse_steps(pipeline.parameters, f"the parameters of {what}")
    return pipeline


def _refuse_steps(values: dict[str, Any], what: str) -> None:
    """Refuse an order of steps, which one may expect to be able to give."""
    for key in ("steps", "order"):
        if key in values:
            raise InputError(
                f"{key} = {values[key]!r} in {what}: the order is fixed"
                f" ({', '.join(STEPS)}); each step has parameters, but no place to give"
            )
