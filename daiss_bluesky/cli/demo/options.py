"""What a demo is asked to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from daiss_bluesky.core.geometry import Order


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """One demo: the beamline that is simulated and the scan that is run on it."""

    size: int = 128
    angles: int = 181
    fly: bool = False
    order: Order = "sequential"
    exposure_s: float = 0.01
    frame_rate_hz: float = 22.0
    """Of a fly scan."""
    flats: int = 10
    darks: int = 10
    flats_after: int = 0
    center_px: float | None = None
    """Given to the plan; None: found from the 0/180 pair."""
    sample: str = "porous-grain"
    noise: float = 1.0
    flat_counts: float = 40_000.0
    dark_counts: float = 100.0
    scan: Path | None = None
    """A measured scan that the simulated beamline replays."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    disk_full_after: int | None = None
    tiled_uri: str | None = None
    tiled_port: int | None = None
    picture: Path | None = None
    """PNG to write."""
    prefix: str = field(default_factory=lambda: f"DEMO{token_hex(3)}:")
    """Its own, so that a demo may run beside a beamline and beside another demo."""
    beamline: Path | None = None
    """A real beamline's file: no twin is started."""

    def sample_name(self) -> str:
        """Name what is scanned."""
        return self.scan.stem if self.scan else Path(self.sample).stem

    def twin_arguments(self) -> list[str]:
        """Give the twin's command line."""
        if self.scan is not None:
            arguments = ["--scan", str(self.scan.resolve())]
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
