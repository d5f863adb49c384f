"""`daiss bench`: what this machine does, beside every peer that is installed."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from daiss_bluesky.core.errors import unknown

KINDS = ("tomography",)


def bench(
    what: Annotated[str, typer.Argument(help="tomography")],
    case: Annotated[
        list[str] | None,
        typer.Option(help="A: 256³, 400 angles; B: 512³, 720; C: 16 x 2048, 1500"),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="run other programs beside, where installed")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="print one JSON object on the last line")
    ] = False,
) -> None:
    """Measure speed, memory and error on this machine; ratios are to peers beside.

    Examples: daiss bench tomography --case A; daiss bench tomography --peers --json
    """
    if what not in KINDS:
        raise unknown("benchmark", what, KINDS)
    console = Console(stderr=True, quiet=json_output)
    report = _tomography(case or ["A", "B", "C"], peers, console)
    if json_output:
        typer.echo(json.dumps(report))
        return
    out = Console()
    out.print(_table(report["rows"]))
    for name in ("machine", "memory"):
        typer.echo(f"{name}: {json.dumps(report[name])}")


def _tomography(names: list[str], peers: bool, console: Console) -> dict[str, Any]:
    from daiss_bluesky.bench.cases import find_case  # noqa: PLC0415 - a second
    from daiss_bluesky.bench.memory import peak_of  # noqa: PLC0415
    from daiss_bluesky.bench.tomography import bench_case  # noqa: PLC0415
    from daiss_bluesky.kernels.machine_limits import measure_limits  # noqa: PLC0415

    cases = [find_case(name) for name in names]
    with console.status("limits of the machine") as status:
        report: dict[str, Any] = {"machine": measure_limits(), "rows": []}
        report["memory"] = {case.name: peak_of(case) for case in cases}
        for case in cases:
            rows = bench_case(case, peers=peers, told=status.update)
            report["rows"].extend(rows)
    return report


COLUMNS = {
    "ms_per_slice": "ms a slice",
    "times_ours": "times ours",
    "frames_per_s": "frames/s",
    "tail_ms": "tail, ms",
    "three_slices_ms": "3 slices, ms",
    "peak_gb": "peak, GB",
    "gain": "gain",
    "error": "error",
}


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("case", "method", *COLUMNS.values())
    for row in rows:
        if "missing" in row:
            table.add_row(row["case"], row["name"], f"absent: {row['missing']}")
            continue
        figures = [f"{row[key]:.4g}" if key in row else "" for key in COLUMNS]
        table.add_row(row["case"], row["name"], *figures)
    return table
