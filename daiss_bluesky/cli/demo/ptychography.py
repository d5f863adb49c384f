"""The ptychography of `daiss demo`: what is refused, the plan, the figures."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.demo.first_images import FirstImages
from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.demo.outcome import Outcome
from daiss_bluesky.cli.demo.ptychography_truth import truth_error
from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.picture import save_picture, to_blocks
from daiss_bluesky.cli.results_table import connect
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.results import RECON_PATH
from daiss_bluesky.core.scan import SampleMetadata
from daiss_bluesky.plans.positions import raster_axes_um, spiral_um
from daiss_bluesky.plans.ptychography_request import check_extent, check_step
from daiss_bluesky.plans.request import check_count, check_exposure
from daiss_bluesky.readers import open_diffraction


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PtychographyReport:
    """The figures of one demo; None where there is no truth to compare with."""

    run_uid: str
    result_uid: str
    status: str
    message: str
    interrupted: bool
    frames_expected: int | None
    frames_received: int
    frames_missing: int | None
    frames_paired: int | None
    duplicates: int
    residual: float | None
    frc_half_period_px: float | None
    overlap: float | None
    first_map_s: float | None
    """From the first frame until its map can be read."""
    first_image_frames: int | None
    """Frames in the first picture that shows what the final one does."""
    first_image_s: float | None
    """Computing until that picture."""
    lag_p95_s: float | None
    tail_s: float | None
    frames_per_s: float | None
    frame_iterations_per_s: float | None
    truth_error: float | None
    """RMS error of the phase in rad, constant, ramp and shift removed."""
    updates: int
    reconstructor_peak_gb: float | None
    picture: str | None
    object_phase: NDArray[np.float32] | None
    """For the terminal."""

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {k: v for k, v in asdict(self).items() if k != "object_phase"}

    def show(self, console: Console) -> None:
        """Print the figures, and the phase where the terminal has colors."""
        if self.object_phase is not None and console.is_terminal:
            console.print(to_blocks(self.object_phase))
        table = Table(show_header=False, box=None)
        for name, value in self.as_dict().items():
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            table.add_row(name, "-" if value is None else shown)
        console.print(table)


class PtychographyDemo:
    """A scan of a Siemens star, or of a measured one."""

    technique = PTYCHOGRAPHY_KEY

    def __init__(self, options: DemoOptions) -> None:
        self._options = options
        self._first: FirstImages | None = None

    def check(self) -> None:
        """Refuse before anything is started what the plan would refuse after it."""
        options = self._options
        check_exposure(options.exposure_s)
        check_count("darks", options.darks)
        SampleMetadata.parse(options.metadata(), "the metadata of the plan")
        if options.scan is not None:
            open_diffraction(options.scan)
            return
        lay_out = raster_axes_um if options.fly else spiral_um
        step_um, extent_um = check_step(options.step_um), options.extent_um
        lay_out(step_um, check_extent(extent_um), (0.0, 0.0))

    def plan(self, session: Any) -> Any:
        """Make the plan."""
        options = self._options
        shared: dict[str, Any] = {
            "exposure_s": options.exposure_s,
            "darks": options.darks,
            "md": {"sample": options.sample_name(), **options.metadata()},
        }
        if options.scan is not None:
            stored = open_diffraction(options.scan)
            places = [(float(y), float(x)) for y, x in stored.positions_um]
            return session.plans["ptycho_points"](places, **shared)
        if options.fly:
            shared["period_s"] = 1 / options.frame_rate_hz
            shared["exposure_s"] = min(options.exposure_s, shared["period_s"])
        name = "ptycho_fly" if options.fly else "ptycho_spiral"
        return session.plans[name](options.step_um, options.extent_um, **shared)

    def watching(self, fleet: Fleet) -> AbstractContextManager[object]:
        """Look at the first pictures."""
        self._first = FirstImages(fleet)
        return self._first

    def measure(self, fleet: Fleet, outcome: Outcome) -> PtychographyReport:
        """Read the result back from Tiled and judge it."""
        result = outcome.result
        container = connect(fleet.tiled_uri, fleet.api_key())[RECON_PATH][
            result["result_uid"]
        ]
        pictures = {
            name: np.asarray(one.read()) for name, one in container["live"].items()
        }
        phase = pictures.get("object_phase")
        error = None
        ours = self._options.scan is None and self._options.beamline is None
        if ours and result["status"] == "complete":
            found = np.asarray(container["object"].read())
            error = truth_error(fleet, result, found, pictures["coverage"])
        first = None
        if self._first is not None and phase is not None:
            first = self._first.recognized(phase)
        return PtychographyReport(
            run_uid=outcome.run_uid,
            interrupted=outcome.interrupted,
            first_image_frames=first.frames if first else None,
            first_image_s=first.computing_s if first else None,
            truth_error=error,
            picture=self._save(pictures, result),
            object_phase=phase,
            **_told(result),
        )

    def _save(
        self, pictures: Mapping[str, NDArray[np.float32]], result: Mapping[str, Any]
    ) -> str | None:
        names = ("map", "object_phase", "object_amplitude", "probe")
        panels = {name: _filled(pictures[name]) for name in names if name in pictures}
        path = Path(self._options.picture)
        if not panels:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = result["frames"]
        caption = (
            f"{result['sample']}, scan {result['scan_id']}: {result['status']},"
            f" {frames['used']} of {frames['expected']} frames"
        )
        save_picture(path, panels, caption)
        return str(path)


def _filled(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what was not seen, 0, as dark as the darkest that was: contrast is left."""
    seen = picture[picture != 0]
    darkest = seen.min() if seen.size else 0
    return np.where(picture == 0, darkest, picture).astype(np.float32)


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the result's metadata says of itself."""
    frames, timing = result["frames"], result.get("timing", {})
    quality, in_force = result["quality"], result["in_force"]
    peak_bytes = timing.get("peak_resident_bytes")
    computing_s = in_force.get("computing_s")
    return {
        "result_uid": result["result_uid"],
        "status": result["status"],
        "message": result["message"],
        "frames_expected": frames["expected"],
        "frames_received": frames["received"],
        "frames_missing": frames["missing"],
        "frames_paired": in_force.get("frames_paired"),
        "duplicates": frames["duplicates"],
        "residual": quality.get("residual"),
        "frc_half_period_px": quality.get("frc_half_period_px"),
        "overlap": in_force.get("overlap"),
        "first_map_s": timing.get("first_slice_s"),
        "lag_p95_s": timing.get("lag_p95_s"),
        "tail_s": timing.get("tail_s"),
        "frames_per_s": timing.get("frames_per_s"),
        "frame_iterations_per_s": computing_s
        and in_force["frame_iterations"] / computing_s,
        "updates": timing.get("updates", 0),
        "reconstructor_peak_gb": peak_bytes and peak_bytes / 1e9,
    }
