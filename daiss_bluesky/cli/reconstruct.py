"""`daiss reconstruct`: the live pipeline on a stored scan, with the same answer."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer


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
    axis_tilt_deg: Annotated[
        str | None,
        typer.Option(help="tilt of the axis in degrees, or auto: measure it"),
    ] = None,
    pipeline: Annotated[Path | None, typer.Option(help="pipeline file")] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="fbp, sirt, cgls, tv; instead of the pipeline's")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="another program's, such as astra:fbp")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(help="of an iterative algorithm or backend")
    ] = None,
    slabs: Annotated[
        bool, typer.Option("--slabs", help="as many rows at a time as fit into memory")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="print one JSON object on the last line")
    ] = False,
) -> None:
    """Reconstruct a stored scan: npz, DXchange HDF5, NXtomo, areaDetector HDF5.

    Examples: daiss reconstruct scan.npz;
    daiss reconstruct scan.h5 --center-px 512.3 --output volume.zarr --json;
    daiss reconstruct scan.npz --algorithm sirt --iterations 50
    """
    from daiss_bluesky.cli.stored_scan import (  # noqa: PLC0415 - takes a second
        choose,
        convergence,
        provenance,
        reconstruct_file,
        reconstruct_in_slabs,
        summary,
    )
    from daiss_bluesky.core.pipeline import Pipeline, read_pipeline  # noqa: PLC0415
    from daiss_bluesky.publishers.volume_file import (  # noqa: PLC0415 - zarr: 0.5 s
        check_volume_path,
        write_volume,
    )

    target = output or Path(f"{file.stem}-volume.h5")
    check_volume_path(target)
    given = read_pipeline(pipeline) if pipeline else Pipeline()
    chosen = choose(given, algorithm, backend, iterations, axis_tilt_deg)
    began_s = time.monotonic()
    show = not json_output
    if slabs:
        final, shape = reconstruct_in_slabs(file, chosen, center_px, target, show=show)
    else:
        final = reconstruct_file(file, chosen, center_px, show=show)
        shape = list(final.arrays["volume"].shape)
        write_volume(target, final.arrays["volume"], provenance(file, chosen, final))
    report = {
        "file": str(file),
        "output": str(target),
        "volume_shape": shape,
        **summary(final),
        **convergence(final),
        "seconds": round(time.monotonic() - began_s, 3),
    }
    if json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        typer.echo(f"{key:>16}  {value}")
