"""A measured ptychography scan in place of the sample: its frames, where they were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY
from daiss_devices.twin.scene import BeamState

BEYOND = 1.25
"""The stage reaches so much further than the scan."""
SAME_UM = 1e-3
"""Places closer than this are the same one."""
DTYPES = {"uint8", "uint16", "float32"}


class Stored(Protocol):
    """What is asked of a measured scan."""

    @property
    def frames(self) -> Any:
        """(frame, row, column), zero frequency in the middle; sliced when needed."""
        ...

    @property
    def positions_um(self) -> NDArray[np.float64]:
        """(frame, 2): row and column of the probe on the sample."""
        ...


@dataclass(slots=True, eq=False)
class DiffractionReplay:
    """Gives the frame taken nearest to where the stage is.

    Of frames taken at the same place it gives one after the other, in the order taken;
    with the shutter closed, zeros.
    """

    stored: Stored
    out_position_mm: float
    center_px: None = None
    attenuation: None = None
    _positions_um: NDArray[np.float64] = field(init=False)
    _given: dict[int, int] = field(init=False, default_factory=dict)
    """How often a frame's place was shown, by the first frame there."""

    def __post_init__(self) -> None:
        """Look once at what each frame will need."""
        self._positions_um = np.asarray(self.stored.positions_um, np.float64)
        if self.dtype.name not in DTYPES:
            raise InputError(f"a scan of {self.dtype.name} pixels cannot be replayed")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.stored.frames.shape[1:]
        return int(rows), int(columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As the scan has it."""
        stored: np.dtype[Any] = np.dtype(self.stored.frames.dtype)
        return stored.newbyteorder("=")

    @property
    def travel_um(self) -> float:
        """Far enough for every position of the scan."""
        return float(BEYOND * np.abs(self._positions_um).max())

    @property
    def facts(self) -> Mapping[str, Any]:
        """Nobody knows the truth of a measured scan."""
        unknown = dict.fromkeys(("detector_pixel_um", "distance_mm", "energy_kev"))
        return {
            "technique": PTYCHOGRAPHY_KEY,
            "beam": unknown | {"field": "far", "pixel_size_um": self.pixel_size_um},
            "positions_um": self._positions_um.tolist(),
        }

    def picture(self, state: BeamState) -> NDArray[Any]:
        """Give the frame that was measured here."""
        if state.brightness == 0:
            return np.zeros(self.shape, self.dtype)
        n = self.next_frame(state.position_um)
        return np.ascontiguousarray(self.stored.frames[n], dtype=self.dtype)

    def next_frame(self, position_um: tuple[float, float]) -> int:
        """Choose the frame to show at a place, and count it as shown."""
        away_um = np.hypot(*(self._positions_um - position_um).T)
        here = np.flatnonzero(away_um <= away_um.min() + SAME_UM)
        shown = self._given.get(int(here[0]), 0)
        self._given[int(here[0])] = shown + 1
        return int(here[shown % len(here)])
