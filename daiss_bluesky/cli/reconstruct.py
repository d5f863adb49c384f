"""`daiss reconstruct`: the live pipeline on a stored scan, with the same answer."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daiss_bluesky.cli.options import Json, with_options

if TYPE_CHECKING:
    from daiss_bluesky.core.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class ReconstructOptions:
    """What to reconstruct, how, and where the volume goes."""

    file: Annotated[
        Path, typer.Argument(help="npz, areaDetector, DXchange, NXtomo or CXI file")
    ]
    output: Annotated[
        Path | None,
        typer.Option(
            help="file to write: NAME.h5, NAME.zarr; of ptychography NAME.cxi"
        ),
    ] = None
    center_px: Annotated[
        float | None, typer.Option(help="rotation center; found when not given")
    ] = None
    axis_tilt_deg: Annotated[
        str | None,
        typer.Option(help="tilt of the axis in degrees, or auto: measure it"),
    ] = None
    device: Annotated[
        str | None, typer.Option(help="where to compute: auto, cpu, cuda:0")
    ] = None
    pipeline: Annotated[Path | None, typer.Option(help="pipeline file")] = None
    algorithm: Annotated[
        str | None, typer.Option(help="fbp, sirt, cgls, tv, rpie; not the pipeline's")
    ] = None
    backend: Annotated[
        str | None, typer.Option(help="another program's, such as astra:fbp")
    ] = None
    iterations: Annotated[
        int | None, typer.Option(help="of an iterative algorithm or backend; passes")
    ] = None
    slabs: Annotated[
        bool, typer.Option("--slabs", help="as many rows at a time as fit into memory")
    ] = False
    json_output: Json = False


@with_options(ReconstructOptions)
def reconstruct(options: ReconstructOptions) -> None:
    """Reconstruct a stored scan: npz, areaDetector, DXchange, NXtomo, NXcxi_ptycho.

    The file tells the technique. Of tomography a volume is written, of ptychography a
    CXI file that is an NXcxi_ptycho file too, with object, probe and positions.
    Examples: daiss reconstruct scan.npz;
    daiss reconstruct scan.h5 --center-px 512.3 --output volume.zarr --json;
    daiss reconstruct scan.npz --algorithm sirt --iterations 50;
    daiss reconstruct scan.cxi --output object.cxi
    """
    report = _run(options)
    if options.json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        typer.echo(f"{key:>16}  {value}")


def _run(options: ReconstructOptions) -> dict[str, Any]:
    from daiss_bluesky.readers import holds_ptychography  # noqa: PLC0415

    began_s = time.monotonic()
    run = _ptychography if holds_ptychography(options.file) else _tomography
    report = run(options)
    seconds = round(time.monotonic() - began_s, 3)
    return {"file": str(options.file), **report, "seconds": seconds}


def _pipeline(options: ReconstructOptions, technique: str) -> "Pipeline":
    """Read the pipeline, or take the one that comes with us; options overrule it."""
    pipeline = _read_pipeline(options, technique)
    if options.device is None:
        return pipeline
    parameters = {**pipeline.parameters, "device": options.device}
    return pipeline.model_copy(update={"parameters": parameters})


def _read_pipeline(options: ReconstructOptions, technique: str) -> "Pipeline":
    from daiss_bluesky.cli.fleet import PIPELINES  # noqa: PLC0415
    from daiss_bluesky.core.errors import InputError  # noqa: PLC0415
    from daiss_bluesky.core.pipeline import Pipeline, read_pipeline  # noqa: PLC0415
    from daiss_bluesky.core.resources import resource  # noqa: PLC0415

    if options.pipeline is None:
        if technique == "tomography":
            return Pipeline()
        return read_pipeline(resource(PIPELINES[technique]))
    pipeline = read_pipeline(options.pipeline)
    if pipeline.technique != technique:
        raise InputError(
            f"{options.file} holds a {technique} scan, but {options.pipeline} is a"
            f" pipeline for {pipeline.technique}"
        )
    return pipeline


def _refuse_foreign(file: Path, technique: str, algorithm: str) -> None:
    """Refuse an algorithm of another technique, before its parameters are looked at."""
    from daiss_bluesky.core.errors import InputError  # noqa: PLC0415
    from daiss_bluesky.core.registry import ALGORITHMS, find  # noqa: PLC0415

    other = getattr(find(ALGORITHMS, algorithm), "technique", technique)
    if isinstance(other, str) and other != technique:
        raise InputError(
            f"{file} holds a {technique} scan, but {algorithm} is an algorithm of"
            f" {other}"
        )


def _tomography(options: ReconstructOptions) -> dict[str, Any]:
    from daiss_bluesky.cli import stored_scan  # noqa: PLC0415 - takes a second
    from daiss_bluesky.publishers.volume_file import (  # noqa: PLC0415 - zarr: 0.5 s
        check_volume_path,
        write_volume,
    )

    target = options.output or Path(f"{options.file.stem}-volume.h5")
    check_volume_path(target)
    pipeline = stored_scan.choose(
        _pipeline(options, "tomography"),
        options.algorithm,
        options.backend,
        options.iterations,
        options.axis_tilt_deg,
    )
    if options.backend is None:
        _refuse_foreign(options.file, "tomography", pipeline.algorithm)
    what = options.file, pipeline, options.center_px
    show = not options.json_output
    if options.slabs:
        final, shape = stored_scan.reconstruct_in_slabs(*what, target, show=show)
    else:
        final = stored_scan.reconstruct_file(*what, show=show)
        volume = final.arrays["volume"]
        shape = list(volume.shape)
        provenance = stored_scan.provenance(options.file, pipeline, final)
        write_volume(target, volume, provenance)
    return {
        "output": str(target),
        "volume_shape": shape,
        **stored_scan.summary(final),
        **stored_scan.convergence(final),
    }


def _ptychography(options: ReconstructOptions) -> dict[str, Any]:
    from daiss_bluesky.cli import stored_ptychography  # noqa: PLC0415 - takes a second
    from daiss_bluesky.core.errors import InputError  # noqa: PLC0415
    from daiss_bluesky.readers import open_diffraction  # noqa: PLC0415

    foreign = {
        "--center-px": options.center_px is not None,
        "--axis-tilt-deg": options.axis_tilt_deg is not None,
        "--backend": options.backend is not None,
        "--slabs": options.slabs,
    }
    if given := [name for name, is_given in foreign.items() if is_given]:
        raise InputError(
            f"{options.file} holds a ptychography scan; {', '.join(given)} is for"
            " tomography"
        )
    target = options.output or Path(f"{options.file.stem}-object.cxi")
    stored_ptychography.check_target(target)
    pipeline = _pipeline(options, "ptychography")
    algorithm = options.algorithm or pipeline.algorithm
    _refuse_foreign(options.file, "ptychography", algorithm)
    parameters = dict(pipeline.parameters)
    if options.iterations is not None:
        parameters["passes"] = options.iterations
    changes = {"algorithm": algorithm, "parameters": parameters}
    stored = open_diffraction(options.file)
    final = stored_ptychography.reconstruct_diffraction(
        stored, pipeline.model_copy(update=changes), show=not options.json_output
    )
    stored_ptychography.write_result(target, options.file, stored, final)
    return {
        "output": str(target),
        "object_shape": list(final.arrays["object"].shape),
        **stored_ptychography.summary(final),
    }
