"""`daiss reconstruct`: the live pipeline on a stored scan, with the same answer."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

from daiss_bluesky.core.pipeline import Pipeline, read_pipeline
from daiss_bluesky.core.reconstruction import Progress as State
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import Final
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.publishers.volume_file import check_volume_path, write_volume
from daiss_bluesky.readers import open_scan

EPILOG = """Examples:

  daiss reconstruct scan.npz

  daiss reconstruct scan.h5 --center-px 512.3 --output volume.zarr --json"""


def reconstruct(
    file: Annotated[
        Path, typer.Argument(help="npz, DXchange, NXtomo or areaDetector file")
    ],
    output: Annotated[
        Path | None, typer.Option(help="volume to write: NAME.h5 or NAME.zarr")
    ] = None,
    center_px: Annotated[
        float | None, typer.Option(help="rotation center; found when not given")
    ] = None,
    pipeline: Annotated[Path | None, typer.Option(help="pipeline file")] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="print one JSON object on the last line")
    ] = False,
) -> None:
    """Reconstruct a stored scan: npz, DXchange HDF5, NXtomo, areaDetector HDF5."""
    target = output or Path(f"{file.stem}-volume.h5")
    check_volume_path(target)
    chosen = read_pipeline(pipeline) if pipeline else Pipeline()
    began_s = time.monotonic()
    final = reconstruct_file(file, chosen, center_px, show=not json_output)
    write_volume(target, final.arrays["volume"], provenance(file, chosen, final))
    report = {
        "file": str(file),
        "output": str(target),
        "volume_shape": list(final.arrays["volume"].shape),
        **summary(final),
        "seconds": round(time.monotonic() - began_s, 3),
    }
    if json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        typer.echo(f"{key:>16}  {value}")


def reconstruct_file(
    file: Path, pipeline: Pipeline, center_px: float | None, *, show: bool
) -> Final:
    """Run the pipeline on a stored scan, with a progress bar if asked."""
    parameters = dict(pipeline.parameters)
    if center_px is not None:
        parameters["center_px"] = center_px
    algorithm = find(ALGORITHMS, pipeline.algorithm)(**parameters)
    columns = ("{task.description}", BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True, quiet=not show)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("reconstructing", total=None)

        def advance(state: State) -> None:
            bar.update(task, completed=state.frames_used, total=state.frames_expected)

        return reconstruct_scan(open_scan(file), algorithm, advance)


def summary(final: Final) -> dict[str, Any]:
    """Give the figures of a reconstruction that every report shows."""
    progress = final.progress
    return {
        "status": final.status,
        "frames_expected": progress.frames_expected,
        "frames_received": progress.frames_received,
        "frames_missing": progress.frames_missing,
        "duplicates": progress.duplicates,
        "center_px": progress.parameters.get("center_px"),
        "center_source": progress.parameters.get("center_source"),
    }


def provenance(file: Path, pipeline: Pipeline, final: Final) -> dict[str, Any]:
    """Give what a reader of the volume needs to make it again."""
    return {
        "source": str(file.resolve()),
        "algorithm": pipeline.algorithm,
        "parameters": json.dumps(dict(final.progress.parameters)),
        **summary(final),
    }
