"""`daiss doctor`: what is wrong with this machine or beamline, in plain words."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import psutil
import typer
from rich.console import Console
from rich.table import Table

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.options import Json
from daiss_bluesky.cli.results_table import refuse_absent
from daiss_bluesky.cli.service_specs import answers
from daiss_bluesky.core.errors import DaissError, UnavailableError
from daiss_bluesky.core.registry import load
from daiss_bluesky.kernels.devices import find_gpus
from daiss_bluesky.services.epics_environment import free_ports
from daiss_bluesky.services.state import default_root

Verdict = Literal["good", "note", "wrong"]

GIB = 2**30
WRITTEN_BYTES = 128 * 2**20
SLOW_DISK_MB_S = 100.0
"""A 2048 x 2048 uint16 camera at 12 frames/s writes as much."""
LITTLE_DISK_GIB = 10
LITTLE_MEMORY_GIB = 4
EPICS_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    detail: str


def doctor(
    state: Annotated[
        Path | None, typer.Option(help="state directory to look at")
    ] = None,
    beamline: Annotated[
        Path | None, typer.Option(help="beamline file whose PVs must answer")
    ] = None,
    json_output: Json = False,
) -> None:
    """Say what is wrong with ports, EPICS, disk, memory, GPU; exit code 1 if anything.

    Examples: daiss doctor; daiss doctor --beamline beamline.yml --json
    """
    root = (state or default_root()).resolve()
    findings = list(examine(root, beamline))
    wrong = [one for one in findings if one.verdict == "wrong"]
    if json_output:
        answer = {"wrong": len(wrong), "findings": [asdict(one) for one in findings]}
        typer.echo(json.dumps(answer))
    else:
        table = Table("", "what", "found")
        marks = {
            "good": "[green]ok[/]",
            "note": "[yellow]note[/]",
            "wrong": "[red]!![/]",
        }
        for one in findings:
            table.add_row(marks[one.verdict], one.subject, one.detail)
        Console().print(table)
    if wrong:
        raise typer.Exit(1)


def examine(root: Path, beamline: Path | None) -> Iterator[Finding]:
    """Look at everything a live reconstruction needs."""
    fleet = _running(root)
    if fleet is not None:
        os.environ.update(fleet.client_environment())
    yield _python()
    yield from _services(root, fleet)
    chosen = beamline or (fleet.beamline if fleet else None)
    if chosen is None:
        yield Finding("EPICS", "note", "no beamline runs here; name one: --beamline")
    else:
        prefix = None if beamline or fleet is None else fleet.prefix
        yield _guarded("EPICS", lambda: _epics(chosen, prefix))
    yield _disk(root)
    yield _memory()
    yield _gpu()


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except DaissError as error:
        return Finding(subject, "wrong", str(error))


def _running(root: Path) -> Fleet | None:
    try:
        return Fleet.load(root)
    except UnavailableError:
        return None


def _python() -> Finding:
    names = ("daiss-bluesky", "bluesky", "ophyd", "tiled", "numba")
    try:
        versions = ", ".join(f"{name} {version(name)}" for name in names)
    except PackageNotFoundError as error:
        return Finding("packages", "wrong", f"{error.name} is not installed")
    return Finding("packages", "good", f"Python {sys.version.split()[0]}, {versions}")


def _services(root: Path, fleet: Fleet | None) -> Iterator[Finding]:
    if fleet is None:
        ports = free_ports(4)
        yield Finding("services", "note", f"none were started in {root} (daiss up)")
        yield Finding("ports", "good", f"loopback gives free ones, such as {ports[0]}")
        return
    for one in fleet.services:
        alive = one.process() is not None
        detail = (
            f"pid {one.pid}"
            if alive
            else f"has ended (daiss restart); its log is {one.log}"
        )
        yield Finding(one.name, "good" if alive else "wrong", detail)
    heard = answers(fleet.proxy_in)
    detail = f"port {fleet.proxy_in} {'answers' if heard else 'does not answer'}"
    yield Finding("document proxy", "good" if heard else "wrong", detail)
    yield _guarded("Tiled", lambda: _tiled(fleet))


def _tiled(fleet: Fleet) -> Finding:
    refuse_absent(fleet.tiled_uri)
    return Finding("Tiled", "good", f"{fleet.tiled_uri} answers")


def _epics(beamline: Path, prefix: str | None) -> Finding:
    overrides = {} if prefix is None else {"prefix": prefix}
    load_station = load("daiss_devices.station:load_station")
    station = load_station(beamline, **overrides)
    missing = station.missing(EPICS_TIMEOUT_S)
    if not missing:
        return Finding("EPICS", "good", f"every PV of {beamline.name} answers")
    names = ", ".join(one.pv for one in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004
    return Finding("EPICS", "wrong", f"{names}{more}: {missing[0].reason}")


def _disk(root: Path) -> Finding:
    place = next(path for path in (root, *root.parents) if path.exists())
    free_gib = shutil.disk_usage(place).free / GIB
    block = os.urandom(2**20)
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        began_s = time.monotonic()
        for _ in range(WRITTEN_BYTES // len(block)):
            file.write(block)
        os.fsync(file.fileno())
        rate = WRITTEN_BYTES / 1e6 / (time.monotonic() - began_s)
    detail = f"{rate:.0f} MB/s written and flushed, {free_gib:.0f} GiB free in {place}"
    bad = rate < SLOW_DISK_MB_S or free_gib < LITTLE_DISK_GIB
    return Finding("disk", "wrong" if bad else "good", detail)


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    free_gib = memory.available / GIB
    # Volume, its final copy and a share for frames: see FbpAlgorithm.memory_bytes.
    side = int((memory.available / 10) ** (1 / 3))
    detail = (
        f"{free_gib:.1f} of {memory.total / GIB:.1f} GiB free, {os.cpu_count()} CPUs:"
        f" a volume of about {side}³ fits"
    )
    return Finding(
        "memory", "wrong" if free_gib < LITTLE_MEMORY_GIB else "good", detail
    )


def _gpu() -> Finding:
    gpus = find_gpus()
    if not gpus.found:
        return Finding("GPU", "note", f"{gpus.why_none}; the CPU kernels are used")
    return Finding("GPU", "good", ", ".join(str(gpu) for gpu in gpus.found))
