"""What is known of a ptychography scan before its pixels."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import FrameKind
from daiss_bluesky.core.scan import ScanRecord

PTYCHOGRAPHY_KEY = "ptychography"
"""Where a start document carries the PtychographyRecord."""

PTYCHOGRAPHY_STREAMS: dict[str, FrameKind] = {
    "primary": "diffraction",
    "dark": "dark",
}

KEV_UM = 1.2398419843320026e-3
"""Photon energy times wavelength."""


class PtychographyRecord(ScanRecord):
    """What a ptychography plan writes under PTYCHOGRAPHY_KEY.

    Positions are (row, column) of the probe on the sample: a larger row is further down
    in the picture of the object, a larger column further right.
    """

    streams: dict[str, FrameKind] = Field(
        default_factory=lambda: dict(PTYCHOGRAPHY_STREAMS)
    )
    positions_um: list[tuple[float, float]] | None = None
    """Planned positions, in the order they are taken."""
    position_keys: tuple[str, str] | None = None
    """Data keys of the stage's readbacks, for row and column."""
    field: Literal["far", "near"] = "far"
    detector_pixel_um: float | None = Field(None, gt=0)
    pixel_size_um: float | None = Field(None, gt=0)
    """Of the object; None: from energy, distance and detector_pixel_um."""
    distance_mm: float | None = Field(None, gt=0)
    """Sample to detector; in the near field the effective one."""

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        n = self.counts.get("diffraction")
        planned = self.positions_um
        if n is not None and planned is not None and n != len(planned):
            raise ValueError(f"{n} diffraction frames but {len(planned)} positions")
        return self


class PtychographyScan(PtychographyRecord):
    """One scan to be reconstructed: the record plus what names the run."""

    run_uid: str
    scan_id: int | None = None
    technique: str = PTYCHOGRAPHY_KEY
    sample_kind: ClassVar[FrameKind] = "diffraction"

    @property
    def n_frames(self) -> int | None:
        """Frames of the sample expected, where anything says so."""
        if self.positions_um is not None:
            return len(self.positions_um)
        return self.counts.get("diffraction")

    def object_pixel_um(self, frame_shape: tuple[int, int]) -> tuple[float, float]:
        """Give height and width of a pixel of the object.

        Far field: wavelength x distance / (pixels x detector pixel). Raises InputError
        naming what is missing.
        """
        if self.pixel_size_um is not None:
            return self.pixel_size_um, self.pixel_size_um
        pixel_um, energy_kev = self.detector_pixel_um, self.energy_kev
        if self.field == "near" and pixel_um is not None:
            return pixel_um, pixel_um
        if pixel_um is None or energy_kev is None or self.distance_mm is None:
            needed = {
                "detector_pixel_um": pixel_um,
                "energy_kev": energy_kev,
                "distance_mm": self.distance_mm,
            }
            missing = [name for name, value in needed.items() if value is None]
            raise InputError(
                "the size of a pixel of the object is not known: the scan needs"
                f" {' and '.join(missing)}, or pixel_size_um"
            )
        span_um = KEV_UM / energy_kev * self.distance_mm * 1e3
        rows, columns = frame_shape
        return span_um / (rows * pixel_um), span_um / (columns * pixel_um)

    @classmethod
    def from_start(cls, start: Mapping[str, Any]) -> Self:
        """Read a start document of a ptychography plan."""
        record = dict(start[PTYCHOGRAPHY_KEY])
        if isinstance(start.get("sample_name"), str):
            record.setdefault("sample", start["sample_name"])
        record |= {"run_uid": start["uid"], "scan_id": start.get("scan_id")}
        return cls.parse(record, f"the start document of run {start['uid']}")
