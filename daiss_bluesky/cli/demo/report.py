"""What a demo found: the scan, the live result, its age and its errors."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.picture import to_blocks


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Report:
    """The figures of one demo; None where there is no truth to compare with."""

    run_uid: str
    result_uid: str
    tiled_uri: str
    status: str
    message: str
    interrupted: bool
    frames_expected: int | None
    frames_received: int
    frames_missing: int | None
    duplicates: int
    volume_shape: list[int] | None
    center_px: float | None
    center_source: str | None
    center_true_px: float | None = None
    nrmse: float | None = None
    nrmse_reference: float | None = None
    gain: float | None = None
    streamed_vs_batch: float | None = None
    replayed_vs_file: float | None = None
    """Like streamed_vs_batch, against the measured scan that was replayed."""
    first_slice_s: float | None
    lag_p95_s: float | None
    tail_s: float | None
    frames_per_s: float | None
    updates: int
    reconstructor_peak_gb: float | None
    picture: str | None
    slice_xy: NDArray[np.float32] | None
    """The middle slice, for the terminal."""

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {k: v for k, v in asdict(self).items() if k != "slice_xy"}

    def show(self, console: Console) -> None:
        """Print the figures, and the middle slice where the terminal has colors."""
        if self.slice_xy is not None and console.is_terminal:
            console.print(to_blocks(self.slice_xy))
        table = Table(show_header=False, box=None)
        for name, value in _rows(self):
            table.add_row(name, value)
        console.print(table)


def _rows(report: Report) -> list[tuple[str, str]]:
    received = f"{report.frames_received} of {report.frames_expected}"
    rows = [
        ("status", f"{report.status} {report.message}".strip()),
        ("projections", f"{received} received, {report.duplicates} duplicates"),
        ("frames per second", _number(report.frames_per_s, 1)),
        ("rotation center (px)", _center(report)),
        ("first slice after (s)", _number(report.first_slice_s, 2)),
        ("lag, 95 % of frames (s)", _number(report.lag_p95_s, 2)),
        ("volume after last frame (s)", _number(report.tail_s, 2)),
    ]
    if report.nrmse is not None:
        error = f"{_number(report.nrmse, 4)} (reference FBP"
        rows.append(("error", f"{error} {_number(report.nrmse_reference, 4)})"))
    if report.streamed_vs_batch is not None:
        rows.append(("live against batch", f"{report.streamed_vs_batch:.1e}"))
    if report.picture:
        rows.append(("picture", str(Path(report.picture))))
    return rows


def _center(report: Report) -> str:
    if report.center_true_px is None:
        return f"{_number(report.center_px, 2)}, from {report.center_source}"
    true = _number(report.center_true_px, 2)
    return f"{_number(report.center_px, 2)} (true {true}), from {report.center_source}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
