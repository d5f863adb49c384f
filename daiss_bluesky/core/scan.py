"""What is known of a scan before its pixels: the plan's own description of it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKind

TECHNIQUE = "tomography"
START_KEY = TECHNIQUE
"""Where a start document carries the TomographyRecord."""

DEFAULT_STREAMS: dict[str, FrameKind] = {
    "primary": "projection",
    "flat": "flat",
    "dark": "dark",
    "pair": "pair",
}


class Model(BaseModel):
    """A frozen value that refuses unknown keys, infinities and NaN by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], what: str) -> Self:
        """Validate outside input; the error is one sentence that names the key."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(_sentence(error, what, cls)) from None


def _sentence(error: ValidationError, what: str, model: type[BaseModel]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(model.model_fields))
        return f"unknown key {key!r} in {what} (known: {known})"
    if first["type"] == "missing":
        return f"{what} needs {key!r}"
    reason = first["msg"][0].lower() + first["msg"][1:]
    return f"{key} = {first['input']!r} in {what} is refused: {reason}"


class SampleMetadata(Model):
    """What the user says about sample and beam; checked before anything moves."""

    sample: str = Field("unnamed", min_length=1)
    proposal: str | None = None
    operator: str | None = None
    comment: str | None = None
    pixel_size_um: float | None = Field(None, gt=0)
    energy_kev: float | None = Field(None, gt=0)
    distance_mm: float | None = Field(None, ge=0)


class ScanRecord(SampleMetadata):
    """What every plan of ours writes into its start document."""

    version: int = 1
    streams: dict[str, FrameKind] = Field(default_factory=dict)
    """What the frames of each stream are."""
    counts: dict[FrameKind, int] = Field(default_factory=dict)
    """Frames the plan means to take, by kind."""
    image_key: str | None = None
    """Data key of the camera's frames."""
    exposure_s: float | None = Field(None, gt=0)


class TomographyRecord(ScanRecord):
    """What a tomography plan writes into its start document under START_KEY."""

    streams: dict[str, FrameKind] = Field(default_factory=lambda: dict(DEFAULT_STREAMS))
    angles_deg: list[float] | None = None
    """Planned angles of the projections, in the order they are taken."""
    rotation_key: str | None = None
    """Data key of the rotation readback, in degrees."""
    center_px: float | None = None
    """Rotation center given by the user; None: find it."""

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        n = self.counts.get("projection")
        if n is not None and self.angles_deg is not None and n != len(self.angles_deg):
            raise ValueError(f"{n} projections but {len(self.angles_deg)} angles")
        return self


class Scan(TomographyRecord):
    """One scan to be reconstructed: the record plus what names the run."""

    run_uid: str
    scan_id: int | None = None
    technique: str = TECHNIQUE
    sample_kind: ClassVar[FrameKind] = "projection"

    middle_row_px: float | None = None
    """Middle of the detector from the top edge of the frames, where they are a part of
    its rows; None: half their rows."""

    @property
    def n_frames(self) -> int | None:
        """Frames of the sample expected, where anything says so."""
        return self.n_projections

    @property
    def n_projections(self) -> int | None:
        """Projections expected, where anything says so."""
        if self.angles_deg is not None:
            return len(self.angles_deg)
        return self.counts.get("projection")

    @property
    def planned_angles_rad(self) -> NDArray[np.float64] | None:
        """Planned angles, in the order of the projection stream's indices."""
        return None if self.angles_deg is None else np.deg2rad(self.angles_deg)

    @classmethod
    def from_start(cls, start: Mapping[str, Any]) -> Self:
        """Read a start document, of our plans or of any other."""
        record = dict(start.get(START_KEY) or {})
        if not record:
            n = start.get("num_points")
            record["counts"] = {"projection": n} if isinstance(n, int) else {}
            motors = list(start.get("motors") or [])
            record["rotation_key"] = motors[0] if len(motors) == 1 else None
        if isinstance(start.get("sample_name"), str):
            record.setdefault("sample", start["sample_name"])
        record |= {"run_uid": start["uid"], "scan_id": start.get("scan_id")}
        return cls.parse(record, f"the start document of run {start['uid']}")
