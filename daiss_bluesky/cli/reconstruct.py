"""`daiss reconstruct`: the live pipeline on a stored scan, with the same answer."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from daiss_bluesky.cli.options import Json, ScanFile, with_options


@dataclass(frozen=True, slots=True)
class ReconstructOptions:
    """What to reconstruct, how, and where the volume goes."""

    file: ScanFile
    output: Annotated[
        Path | None, typer.Option(help="volume to write: NAME.h5 or NAME.zarr")
    ] = None
    center_px: Annotated[
        float | None, typer.Option(help="rotation center; found when not given")
    ] = None
    axis_tilt_deg: Annotated[
        str | None,
        typer.Option(help="tilt of the axis in degrees, or auto: measure it"),
    ] = None
    pipeline: Annotated[Path | None, typer.Option(help="pipeline file")] = None
    algorithm: Annotated[
        str | None, typer.Option(help="fbp, sirt, cgls, tv; instead of the pipeline's")
    ] = None
    backend: Annotated[
        str | None, typer.Option(help="another program's, such as astra:fbp")
    ] = None
    iterations: Annotated[
        int | None, typer.Option(help="of an iterative algorithm or backend")
    ] = None
    slabs: Annotated[
        bool, typer.Option("--slabs", help="as many rows at a time as fit into memory")
    ] = False
    json_output: Json = False


@with_options(ReconstructOptions)
def reconstruct(options: ReconstructOptions) -> None:
    """Reconstruct a stored scan: npz, DXchange HDF5, NXtomo, areaDetector HDF5.

    Examples: daiss reconstruct scan.npz;
    daiss reconstruct scan.h5 --center-px 512.3 --output volume.zarr --json;
    daiss reconstruct scan.npz --algorithm sirt --iterations 50
    """
    report = _run(options)
    if options.json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        typer.echo(f"{key:>16}  {value}")


def _run(options: ReconstructOptions) -> dict[str, Any]:
    from daiss_bluesky.cli import stored_scan  # noqa: PLC0415 - takes a second
    from daiss_bluesky.core.pipeline import Pipeline, read_pipeline  # noqa: PLC0415
    from daiss_bluesky.publishers.volume_file import (  # noqa: PLC0415 - zarr: 0.5 s
        check_volume_path,
        write_volume,
    )

    target = options.output or Path(f"{options.file.stem}-volume.h5")
    check_volume_path(target)
    pipeline = read_pipeline(options.pipeline) if options.pipeline else Pipeline()
    pipeline = stored_scan.choose(
        pipeline,
        options.algorithm,
        options.backend,
        options.iterations,
        options.axis_tilt_deg,
    )
    what = options.file, pipeline, options.center_px
    began_s, show = time.monotonic(), not options.json_output
    if options.slabs:
        final, shape = stored_scan.reconstruct_in_slabs(*what, target, show=show)
    else:
        final = stored_scan.reconstruct_file(*what, show=show)
        volume = final.arrays["volume"]
        shape = list(volume.shape)
        provenance = stored_scan.provenance(options.file, pipeline, final)
        write_volume(target, volume, provenance)
    return {
        "file": str(options.file),
        "output": str(target),
        "volume_shape": shape,
        **stored_scan.summary(final),
        **stored_scan.convergence(final),
        "seconds": round(time.monotonic() - began_s, 3),
    }
