"""`daiss export`: a live ptychography result as a file that other programs open."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import typer

from daiss_bluesky.cli.options import Json, State
from daiss_bluesky.core.errors import InputError, unknown

HDF5 = "application/x-hdf5"
NAMED = 5
"""Results that a refusal names, at most."""


def export(
    result_uid: Annotated[
        str, typer.Argument(help="as daiss status shows it, or how it begins; or last")
    ],
    file: Annotated[Path, typer.Argument(help="file to write: NAME.cxi")],
    state: State = None,
    json_output: Json = False,
) -> None:
    """Write a ptychography result to a CXI file that is an NXcxi_ptycho file as well.

    Frames stay in the detector's file and are linked, unless they had to be turned.
    Example: daiss export last star.cxi
    """
    from daiss_bluesky.cli.fleet import Fleet  # noqa: PLC0415 - takes a second
    from daiss_bluesky.cli.results_table import connect  # noqa: PLC0415
    from daiss_bluesky.cli.stored_ptychography import check_target  # noqa: PLC0415
    from daiss_bluesky.services.state import default_root  # noqa: PLC0415

    check_target(file)
    fleet = Fleet.load((state or default_root()).resolve())
    client = connect(fleet.tiled_uri, fleet.api_key())
    report = write_export(client, result_uid, file)
    if json_output:
        typer.echo(json.dumps(report))
        return
    for key, value in report.items():
        typer.echo(f"{key}: {value}")


def write_export(client: Any, result_uid: str, target: Path) -> dict[str, Any]:
    """Write one result, with its frames; gives what is reported of it."""
    from daiss_bluesky.core.ptychography import PtychographyScan  # noqa: PLC0415
    from daiss_bluesky.core.results import RAW_PATH  # noqa: PLC0415
    from daiss_bluesky.publishers.cxi_file import write_cxi  # noqa: PLC0415
    from daiss_bluesky.publishers.ptychogram import (  # noqa: PLC0415
        NEEDED,
        as_ptychogram,
        frame_numbers,
    )

    result = chosen_result(client, result_uid)
    known = result.metadata
    if known["technique"] != "ptychography":
        raise InputError(
            f"result {known['result_uid']} is of {known['technique']}; its volume is a"
            " file in the folder results of the state directory already"
        )
    arrays = {name: result[name].read() for name in NEEDED if name in result}
    told = {name: known[name] for name in ("result_uid", "status", "algorithm")}
    in_force = known["in_force"]
    run = client[RAW_PATH][known["raw_uid"]]
    ptychogram = as_ptychogram(arrays, in_force, metadata=told)
    frames = _frames(run, frame_numbers(arrays), in_force["orientation"])
    scan = PtychographyScan.from_start(run.metadata["start"])
    write_cxi(target, scan, ptychogram, frames)
    return {**told, "output": str(target), "frames": len(ptychogram.positions_um)}


def chosen_result(client: Any, uid: str) -> Any:
    """Give the one result whose uid begins so, or the last."""
    from daiss_bluesky.core.results import RECON_PATH  # noqa: PLC0415

    known = list(client[RECON_PATH]) if RECON_PATH in client else []
    if not known:
        raise InputError("there is no result to export yet")
    found = (
        known[-1:]
        if uid == "last"
        else [one for one in known if one[: len(uid)] == uid]
    )
    if len(found) != 1:
        raise unknown("result", uid, known[-NAMED:])
    return client[RECON_PATH][found[0]]


def _frames(run: Any, numbers: Any, orientation: str) -> Any:
    """Link the frames of a run, or copy them where they lie otherwise."""
    from daiss_bluesky.kernels.orientation import apply_orientation  # noqa: PLC0415
    from daiss_bluesky.publishers.cxi_frames import LinkedFrames  # noqa: PLC0415

    node = _image_node(run)
    [source] = node.data_sources() or [None]
    if source and source.mimetype == HDF5 and len(source.assets) == 1:
        first = str(source.parameters.get("slice") or "0").partition(":")[0]
        path = Path(unquote(urlsplit(source.assets[0].data_uri).path))
        if orientation == "none" and path.is_file():
            dataset = source.parameters["dataset"]
            return LinkedFrames(path, dataset, numbers + int(first or 0))
    pixels = node.read()
    pixels = pixels.reshape(-1, *pixels.shape[-2:])[numbers]
    return apply_orientation(pixels, orientation)


def _image_node(run: Any) -> Any:
    """Find the detector's images in the stream of the sample."""
    stream = run["primary"]
    images = [
        stream[key]
        for key in stream
        if len(getattr(stream[key], "shape", ())) >= 3  # noqa: PLR2004
    ]
    if not images:
        raise InputError(
            f"run {run.metadata['start']['uid']} has no images in its stream primary"
        )
    return images[0]
