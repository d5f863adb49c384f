"""A measured scan in place of the sample: its frames, at the angle asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.readers import open_scan
from daiss_devices.twin.scene import TOMOGRAPHY, BeamState

FULL_TURN_RAD = 2 * np.pi


@dataclass(slots=True, eq=False)
class ReplayScene:
    """Gives the projection nearest to the rotation's angle, as it was measured.

    With the shutter closed it gives the scan's darks, with the sample out its flats,
    one after the other. Angles are compared within a full turn; half a turn further is
    another projection, and beyond the scan's ends the end's own frame is given.
    """

    stored: StoredScan
    out_position_mm: float
    attenuation: None = None
    travel_um: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=lambda: dict(TOMOGRAPHY))
    _angles_rad: NDArray[np.float64] = field(init=False)
    _next: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Look once at what each frame will need."""
        self._angles_rad = np.asarray(self.stored.angles_rad)
        self._next = {"flats": 0, "darks": 0}
        if self.dtype.name not in {"uint8", "uint16", "float32"}:
            raise InputError(f"a scan of {self.dtype.name} pixels cannot be replayed")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.stored.frame_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As the scan has it."""
        stored: np.dtype[Any] = np.dtype(self.stored.projections.dtype)
        return stored.newbyteorder("=")

    @property
    def center_px(self) -> float | None:
        """The scan's own center, where its file says one."""
        return self.stored.scan.center_px

    def picture(self, state: BeamState) -> NDArray[Any]:
        """Give the frame that was measured like this."""
        if state.brightness == 0:
            return self._cycle("darks", self.stored.darks)
        if abs(state.x_mm) >= self.out_position_mm:
            return self._cycle("flats", self.stored.flats)
        n = int(self.stored.projection_indices[self.nearest(state.angle_rad)])
        return self._native(self.stored.projections[n : n + 1][0])

    def nearest(self, angle_rad: float) -> int:
        """Find the projection closest to an angle; of equal ones the first."""
        apart = np.abs(self._angles_rad - angle_rad)
        turned = np.abs((apart + np.pi) % FULL_TURN_RAD - np.pi)
        # Where a scan holds both ends of a full turn, the one truly asked for wins.
        return int(np.argmin(turned + 1e-9 * apart))

    def _cycle(self, kind: str, frames: NDArray[Any]) -> NDArray[Any]:
        if not len(frames):
            return np.zeros(self.shape, self.dtype)
        n = self._next[kind]
        self._next[kind] = (n + 1) % len(frames)
        return self._native(frames[n])

    def _native(self, frame: Any) -> NDArray[Any]:
        pixels = np.asarray(frame)
        if self.dtype.kind == "u":
            limit = np.iinfo(self.dtype).max
            pixels = np.clip(np.rint(pixels), 0, limit)
        return np.ascontiguousarray(pixels, dtype=self.dtype)


def replay_scene(path: Path, out_position_mm: float) -> ReplayScene:
    """Open a scan for replay; InputError, one sentence, for one that is no scan."""
    return ReplayScene(open_scan(path), out_position_mm)
