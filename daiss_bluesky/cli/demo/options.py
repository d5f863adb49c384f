"""What a demo is asked to do."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from secrets import token_hex
from typing import Annotated, cast

import typer

from daiss_bluesky.cli.options import Json
from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.geometry import ORDERS, Order

_OF_TOMOGRAPHY = (
    "angles", "order", "flats", "flats_after", "center_px", "sample", "flat_counts",
    "dark_counts",
)  # fmt: skip
_OF_PTYCHOGRAPHY = "step_um", "extent_um"
_OF_THE_SIMULATION = "size", "sample", "noise", "flat_counts", "dark_counts"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """One demo: the beamline that is simulated and the scan that is run on it."""

    ptycho: Annotated[
        bool, typer.Option("--ptycho", help="ptychography instead of tomography")
    ] = False
    step_um: Annotated[float, typer.Option(help="of --ptycho: between positions")] = 0.4
    extent_um: Annotated[
        float, typer.Option(help="of --ptycho: side of the area scanned")
    ] = 6.0
    size: Annotated[int, typer.Option(help="rows and columns of the camera")] = 128
    angles: Annotated[
        int, typer.Option(help="projections over 180 degrees, its end not repeated")
    ] = 181
    fly: Annotated[
        bool, typer.Option("--fly", help="rotate continuously instead of in steps")
    ] = False
    order: Annotated[str, typer.Option(help="sequential, interlaced or golden")] = (
        "sequential"
    )
    exposure_s: Annotated[
        float, typer.Option("--exposure", help="exposure time in seconds")
    ] = 0.01
    frame_rate_hz: Annotated[
        float, typer.Option("--frame-rate", help="frames per second of --fly")
    ] = 22
    flats: Annotated[int, typer.Option(help="flat fields before the scan")] = 10
    darks: Annotated[int, typer.Option(help="dark fields before the scan")] = 10
    flats_after: Annotated[int, typer.Option(help="flat fields after it")] = 0
    center_px: Annotated[
        float | None, typer.Option(help="rotation center; found when not given")
    ] = None
    sample: Annotated[
        str, typer.Option(help="porous-grain, or a phantom's JSON file")
    ] = "porous-grain"
    noise: Annotated[float, typer.Option(help="0: none, 1: photon noise")] = 1.0
    flat_counts: Annotated[float, typer.Option(help="counts of the open beam")] = 40000
    dark_counts: Annotated[float, typer.Option(help="counts without beam")] = 100
    scan: Annotated[
        Path | None, typer.Option(help="measured scan to replay: npz, DXchange, NXtomo")
    ] = None
    md: Annotated[
        list[str] | None, typer.Option(help="metadata for the plan, KEY=VALUE")
    ] = None
    view: Annotated[
        bool, typer.Option("--view", help="open the desktop window during the scan")
    ] = False
    picture: Annotated[Path, typer.Option(help="PNG of the result to write")] = Path(
        "build/demo.png"
    )
    disk_full_after: Annotated[
        int | None, typer.Option(help="simulate a disk full after so many frames")
    ] = None
    beamline: Annotated[
        Path | None, typer.Option(help="use a real beamline's file, start no twin")
    ] = None
    tiled_uri: Annotated[
        str | None, typer.Option(help="use this Tiled server (key in TILED_API_KEY)")
    ] = None
    tiled_port: Annotated[
        int | None, typer.Option(help="port of the demo's own Tiled server")
    ] = None
    json_output: Json = False
    prefix: str = field(default_factory=lambda: f"DEMO{token_hex(3)}:")
    """Its own, so that a demo may run beside a beamline and beside another demo."""

    def __post_init__(self) -> None:
        """Refuse what can be refused before anything is imported or started."""
        if self.order not in ORDERS:
            raise unknown("order", self.order, ORDERS)
        if not self.frame_rate_hz > 0:
            rate = self.frame_rate_hz
            raise InputError(f"--frame-rate {rate!r}: frames per second, above 0")
        if self.ptycho:
            self._refuse(_OF_TOMOGRAPHY, "not with --ptycho")
        else:
            self._refuse(_OF_PTYCHOGRAPHY, "only with --ptycho")
        if self.scan is not None:
            self._refuse(_OF_THE_SIMULATION, "not with --scan, which is replayed as is")
        self.metadata()

    def _refuse(self, names: tuple[str, ...], why: str) -> None:
        """Refuse what would be ignored."""
        usual = {one.name: one.default for one in fields(self)}
        given = [one for one in names if getattr(self, one) != usual[one]]
        if given:
            flags = ", ".join(f"--{one.replace('_', '-')}" for one in given)
            raise InputError(f"{flags}: {why}")

    def metadata(self) -> dict[str, str]:
        """Give what is to stand in the start document."""
        return dict(_key_value(pair) for pair in self.md or [])

    def angle_order(self) -> Order:
        """Give the order, which is one of those known."""
        return cast(Order, self.order)

    def sample_name(self) -> str:
        """Name what is scanned."""
        if self.ptycho and self.scan is None:
            return "siemens-star"
        return self.scan.stem if self.scan else Path(self.sample).stem

    def twin_arguments(self) -> list[str]:
        """Give the twin's command line."""
        if self.scan is not None:
            arguments = ["--scan", str(self.scan.resolve())]
            arguments += ["--ptychography"] if self.ptycho else []
        elif self.ptycho:
            arguments = ["--ptychography", "--size", str(self.size)]
            arguments += ["--noise", str(self.noise)]
        else:
            sample = Path(self.sample)
            named = str(sample.resolve()) if sample.suffix else self.sample
            arguments = ["--sample", named, "--size", str(self.size)]
            arguments += ["--noise", str(self.noise)]
            arguments += ["--flat-counts", str(self.flat_counts)]
            arguments += ["--dark-counts", str(self.dark_counts)]
        if self.disk_full_after is not None:
            arguments += ["--disk-full-after", str(self.disk_full_after)]
        return arguments


def _key_value(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise InputError(f"--md {pair!r}: KEY=VALUE is expected")
    return key, value
