"""The options of `daiss demo`, and what is printed at its end."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.geometry import ORDERS
from daiss_bluesky.services.interrupts import interrupts_held

INTERRUPTED = 130


def demo(
    size: Annotated[int, typer.Option(help="rows and columns of the camera")] = 128,
    angles: Annotated[
        int, typer.Option(help="projections over 180 degrees, its end not repeated")
    ] = 181,
    fly: Annotated[
        bool, typer.Option("--fly", help="rotate continuously instead of in steps")
    ] = False,
    order: Annotated[
        str, typer.Option(help="sequential, interlaced or golden")
    ] = "sequential",
    exposure: Annotated[float, typer.Option(help="exposure time in seconds")] = 0.01,
    frame_rate: Annotated[float, typer.Option(help="frames per second of --fly")] = 22,
    flats: Annotated[int, typer.Option(help="flat fields before the scan")] = 10,
    darks: Annotated[int, typer.Option(help="dark fields before the scan")] = 10,
    flats_after: Annotated[int, typer.Option(help="flat fields after it")] = 0,
    center_px: Annotated[
        float | None, typer.Option(help="rotation center; found when not given")
    ] = None,
    sample: Annotated[
        str, typer.Option(help="porous-grain, or a phantom's JSON file")
    ] = "porous-grain",
    noise: Annotated[float, typer.Option(help="0: none, 1: photon noise")] = 1.0,
    flat_counts: Annotated[float, typer.Option(help="counts of the open beam")] = 40000,
    dark_counts: Annotated[float, typer.Option(help="counts without beam")] = 100,
    scan: Annotated[
        Path | None, typer.Option(help="measured scan to replay: npz, DXchange, NXtomo")
    ] = None,
    md: Annotated[
        list[str] | None, typer.Option(help="metadata for the plan, KEY=VALUE")
    ] = None,
    picture: Annotated[Path, typer.Option(help="PNG of the result to write")] = Path(
        "build/demo.png"
    ),
    disk_full_after: Annotated[
        int | None, typer.Option(help="simulate a disk full after so many frames")
    ] = None,
    beamline: Annotated[
        Path | None, typer.Option(help="use a real beamline's file, start no twin")
    ] = None,
    tiled_uri: Annotated[
        str | None, typer.Option(help="use this Tiled server (key in TILED_API_KEY)")
    ] = None,
    tiled_port: Annotated[
        int | None, typer.Option(help="port of the demo's own Tiled server")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="print one JSON object on the last line")
    ] = False,
) -> None:
    """Run a live tomography scan on the simulated beamline, and report on it.

    Everything is started for it and stopped after it. Examples: daiss demo;
    daiss demo --size 512 --angles 721 --fly; daiss demo --scan scan.npz --json
    """
    if order not in ORDERS:
        raise unknown("order", order, ORDERS)
    if not frame_rate > 0:
        raise InputError(f"--frame-rate {frame_rate!r}: frames per second, above 0")
    options = DemoOptions(
        size=size,
        angles=angles,
        fly=fly,
        order=order,
        exposure_s=exposure,
        frame_rate_hz=frame_rate,
        flats=flats,
        darks=darks,
        flats_after=flats_after,
        center_px=center_px,
        sample=sample,
        noise=noise,
        flat_counts=flat_counts,
        dark_counts=dark_counts,
        scan=scan,
        metadata=dict(_key_value(pair) for pair in md or []),
        disk_full_after=disk_full_after,
        beamline=beamline,
        tiled_uri=tiled_uri,
        tiled_port=tiled_port,
        picture=picture,
    )
    console = Console(stderr=True, quiet=json_output)
    try:
        # Some of what is imported swallows whatever is raised meanwhile.
        with interrupts_held():
            from daiss_bluesky.cli.demo.run import run_demo  # noqa: PLC0415 - 2 s

        report = run_demo(options, console)
    except KeyboardInterrupt:
        print("interrupted: everything was stopped", file=sys.stderr)  # noqa: T201
        raise typer.Exit(INTERRUPTED) from None
    if json_output:
        typer.echo(json.dumps(report.as_dict()))
    else:
        report.show(Console())
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _key_value(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise InputError(f"--md {pair!r}: KEY=VALUE is expected")
    return key, value
