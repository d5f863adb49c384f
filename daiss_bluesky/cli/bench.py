"""`daiss bench`: what this machine does, beside every peer that is installed."""

import json
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.options import Json
from daiss_bluesky.cli.view import BINDINGS
from daiss_bluesky.core.device import gpu_numbers
from daiss_bluesky.core.errors import unknown

KINDS = ("tomography", "ptychography", "preprocess", "center", "gpu", "viewer")
ARRIVAL_FPS = {"B": 100.0}
"""Cases that are given frames at a rate unless told otherwise."""


def bench(
    what: Annotated[
        str,
        typer.Argument(
            help="tomography, ptychography, preprocess, center, gpu or viewer"
        ),
    ],
    case: Annotated[
        list[str] | None,
        typer.Option(
            help="A: 256³, 400 angles; B: 512³, 720; C: 16 x 2048, 1500; ptychography:"
            " siemens, phantom"
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="run other programs beside, where installed")
    ] = False,
    arrival_fps: Annotated[
        float | None,
        typer.Option(help="give frames at this rate as well; case B: 100", min=0.001),
    ] = None,
    device: Annotated[
        str, typer.Option(help="of ptychography: auto, cpu, cuda or cuda:N")
    ] = "auto",
    seconds: Annotated[
        float, typer.Option(help="of viewer: how long each source sends", min=3)
    ] = 60.0,
    web: Annotated[
        bool, typer.Option("--web", help="of viewer: the page in a browser alone")
    ] = False,
    json_output: Json = False,
) -> None:
    """Measure speed, memory and error on this machine; ratios are to peers beside.

    Examples: daiss bench tomography --case A; daiss bench ptychography --peers --json;
    daiss bench viewer --seconds 20; daiss bench viewer --web --seconds 20
    """
    if what not in KINDS:
        raise unknown("benchmark", what, KINDS)
    console = Console(stderr=True, quiet=json_output)
    if what == "tomography":
        report = _tomography(case or ["A", "B", "C"], peers, arrival_fps, console)
    elif what == "gpu":
        report = _gpu(peers, console)
    elif what == "viewer":
        report = {"rows": _web(seconds, console)} if web else _viewer(seconds, console)
    elif what == "ptychography":
        names = case or ["siemens", "phantom"]
        report = _ptychography(names, peers, _device(device), console)
    else:
        report = _measure(what, console)
    if json_output:
        typer.echo(json.dumps(report))
        return
    Console().print(_table(report.pop("rows")))
    for name, value in report.items():
        typer.echo(f"{name}: {json.dumps(value)}")


def _gpu(peers: bool, console: Console) -> dict[str, Any]:
    from daiss_bluesky.bench.gpu import bench_gpu  # noqa: PLC0415 - numba takes a second

    return bench_gpu(peers=peers, told=console.log)


def _device(asked: str) -> str:
    device = "cuda:0" if asked == "cuda" else asked
    try:
        gpu_numbers(device)
    except ValueError:
        known = ("auto", "cpu", "cuda", "cuda:N")
        raise unknown("device", asked, known) from None
    return device


def _viewer(seconds: float, console: Console) -> dict[str, Any]:
    from daiss_bluesky.bench.viewer import measure, painted  # noqa: PLC0415 - a second
    from daiss_bluesky.bench.viewer_source import Pace  # noqa: PLC0415

    with console.status("viewer") as status:
        pace = Pace(2048, 10.0, seconds)
        rows = measure(pace, status.update)
        if any(find_spec(one) for one in BINDINGS):
            rows += painted(pace, status.update)
        return {"rows": rows}


def _web(seconds: float, console: Console) -> list[dict[str, Any]]:
    from daiss_bluesky.bench.viewer import TILED_FPS, TILED_SIZE  # noqa: PLC0415
    from daiss_bluesky.bench.viewer_source import Pace  # noqa: PLC0415
    from daiss_bluesky.bench.viewer_web import in_browser  # noqa: PLC0415

    what = (
        f"three {TILED_SIZE} x {TILED_SIZE} float32 at {TILED_FPS:g} Hz, in a browser"
    )
    with console.status(what):
        found = in_browser(Pace(TILED_SIZE, TILED_FPS, seconds))
    return [{"case": "viewer", "name": "browser"} | found]


def _measure(what: str, console: Console) -> dict[str, Any]:
    with console.status(f"measuring {what}") as status:
        if what == "preprocess":
            from daiss_bluesky.bench.preprocess import measure  # noqa: PLC0415

            sizes = measure().items()
            steps = [(size, *step) for size, found in sizes for step in found.items()]
            rows = [{"case": size, "name": name} | row for size, name, row in steps]
        else:
            from daiss_bluesky.bench import center  # noqa: PLC0415

            rows = center.measure(status.update)
    return {"rows": rows}


def _tomography(
    names: list[str], peers: bool, arrival_fps: float | None, console: Console
) -> dict[str, Any]:
    from daiss_bluesky.bench.cases import find_case  # noqa: PLC0415 - a second
    from daiss_bluesky.bench.memory import peak_of  # noqa: PLC0415
    from daiss_bluesky.bench.tomography import bench_case  # noqa: PLC0415
    from daiss_bluesky.kernels.machine_limits import measure_limits  # noqa: PLC0415

    cases = [find_case(name) for name in names]
    with console.status("limits of the machine") as status:
        report: dict[str, Any] = {"machine": measure_limits(), "rows": []}
        report["memory"] = {case.name: peak_of(case) for case in cases}
        for case in cases:
            fps = arrival_fps or ARRIVAL_FPS.get(case.name)
            told = status.update
            rows = bench_case(case, peers=peers, arrival_fps=fps, told=told)
            report["rows"].extend(rows)
    return report


def _ptychography(
    names: list[str], peers: bool, device: str, console: Console
) -> dict[str, Any]:
    from daiss_bluesky.bench.diffraction_cases import (  # noqa: PLC0415 - a second
        find_diffraction_case,
    )
    from daiss_bluesky.bench.diffraction_memory import peak_of  # noqa: PLC0415
    from daiss_bluesky.bench.ptychography import bench_case  # noqa: PLC0415
    from daiss_bluesky.kernels.devices import choose_device  # noqa: PLC0415

    chosen = choose_device(device)
    cases = [find_diffraction_case(name) for name in names]
    report: dict[str, Any] = {"device": str(chosen), "rows": []}
    with console.status("memory") as status:
        report["memory"] = {one.name: peak_of(one) for one in cases if not one.missing}
        for one in cases:
            told = status.update
            rows = bench_case(one, peers=peers, device=device, told=told)
            report["rows"].extend(rows)
        if chosen.gpus:
            from daiss_bluesky.bench.ptychography_device import (  # noqa: PLC0415
                device_rows,
            )

            report["rows"].extend(device_rows(device))
    return report


def _table(rows: list[dict[str, Any]]) -> Table:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    figures = [key for key in keys if key not in {"case", "name", "missing"}]
    table = Table("case", "name", *figures)
    for row in rows:
        if "missing" in row:
            table.add_row(row["case"], row["name"], row["missing"])
            continue
        table.add_row(row["case"], row["name"], *(_cell(row.get(k)) for k in figures))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
