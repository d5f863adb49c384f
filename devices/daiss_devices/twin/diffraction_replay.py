"""A measured ptychography scan in place of the sample: its frames, where they were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers import open_diffraction
from daiss_devices.twin.diffraction import BEAM
from daiss_devices.twin.scene import BeamState

BEYOND = 1.25
"""The stage reaches so much further than the scan."""
SAME_UM = 1e-3
"""Places closer than this are the same one."""


@dataclass(slots=True, eq=False)
class DiffractionReplay:
    """Gives the frame taken nearest to where the stage is.

    Of frames taken at the same place it gives one after the other, in the order taken;
    with the shutter closed the scan's darks, else zeros.
    """

    stored: StoredDiffraction
    out_position_mm: float
    center_px: None = None
    attenuation: None = None
    _positions_um: NDArray[np.float64] = field(init=False)
    _given: dict[int, int] = field(init=False, default_factory=dict)
    """How often a frame's place was shown, by the first frame there."""
    _darks_given: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Look once at what each frame will need."""
        self._positions_um = np.asarray(self.stored.positions_um, np.float64)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.stored.frame_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As the scan has it, if a camera can: else 16 bits, or single precision."""
        stored: np.dtype[Any] = np.dtype(self.stored.frames.dtype)
        if stored.kind == "f":
            return np.dtype(np.float32)
        return np.dtype(np.uint8 if stored == np.uint8 else np.uint16)

    @property
    def travel_um(self) -> float:
        """Far enough for every position of the scan."""
        return float(BEYOND * np.abs(self._positions_um).max())

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the beamline file is to say, and how many frames there are."""
        names = (*BEAM, "pixel_size_um")
        section = {name: getattr(self.stored.scan, name) for name in names}
        return {
            "technique": PTYCHOGRAPHY_KEY,
            "ptychography": section | {"settle_s": 0.0},
            "frames": len(self._positions_um),
        }

    def picture(self, state: BeamState) -> NDArray[Any]:
        """Give the frame that was measured here."""
        if state.brightness == 0:
            return self._dark()
        n = int(self.stored.frame_indices[self.next_frame(state.position_um)])
        return self._native(self.stored.frames[n : n + 1][0])

    def _dark(self) -> NDArray[Any]:
        darks = self.stored.darks
        if not len(darks):
            return np.zeros(self.shape, self.dtype)
        self._darks_given += 1
        return self._native(darks[(self._darks_given - 1) % len(darks)])

    def _native(self, frame: Any) -> NDArray[Any]:
        pixels = np.asarray(frame)
        if self.dtype.kind == "u":
            pixels = np.clip(np.rint(pixels), 0, np.iinfo(self.dtype).max)
        return np.ascontiguousarray(pixels, dtype=self.dtype)

    def next_frame(self, position_um: tuple[float, float]) -> int:
        """Choose the frame to show at a place, and count it as shown."""
        away_um = np.hypot(*(self._positions_um - position_um).T)
        here = np.flatnonzero(away_um <= away_um.min() + SAME_UM)
        shown = self._given.get(int(here[0]), 0)
        self._given[int(here[0])] = shown + 1
        return int(here[shown % len(here)])


def diffraction_replay(path: Path, out_position_mm: float) -> DiffractionReplay:
    """Open a scan for replay; InputError, one sentence, for one that is no scan."""
    return DiffractionReplay(open_diffraction(path), out_position_mm)
