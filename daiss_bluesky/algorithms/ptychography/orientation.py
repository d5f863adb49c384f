"""Which way the detector lies: as it was set, or as the first frames say."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.orientation import combined_orientation
from daiss_bluesky.kernels.orientation_check import (
    LEAST_CONFIDENCE,
    Orientation,
    find_orientation,
)
from daiss_bluesky.kernels.orientation_trial import HOST, Arrays
from daiss_bluesky.kernels.probe_curvature import probe_from_frames

Complex = NDArray[np.complex64]

AUTO = "auto"

TRIES = (64, 256)
"""Frames that have come when `auto` looks; with fewer in all, it looks at the end."""


class Bearing:
    """The orientation in force, and what the frames say of it."""

    def __init__(
        self, wanted: str, probe: Complex | None, arrays: Arrays = HOST
    ) -> None:
        """Take one of ORIENTATIONS, or auto; `probe` where its curvature is known.

        `arrays`: where orientations are tried.
        """
        self._find = partial(find_orientation, arrays=arrays)
        self.name = "none" if wanted == AUTO else wanted
        self.decided = wanted != AUTO
        self._automatic = wanted == AUTO
        self._probe = probe
        self._found: Orientation | None = None
        self._found_name = ""

    def due(self, come: int) -> bool:
        """Tell whether to look now that so many frames have come."""
        if self.decided:
            return False
        tried = 0 if self._found is None else TRIES[0]
        return any(tried < number <= come for number in TRIES)

    def decide(
        self,
        frames: NDArray[np.uint16],
        positions_px: NDArray[np.float64],
        bad: NDArray[np.bool_],
        *,
        last: bool,
    ) -> None:
        """Choose from frames as they come, zero frequency at n // 2.

        Unless this is the `last` chance, only a choice that can be relied on counts.
        """
        probe = probe_from_frames(frames, bad) if self._probe is None else self._probe
        found = self._find(frames, positions_px, probe, bad=bad)
        self._note(found)
        self.decided = last or found.confidence >= LEAST_CONFIDENCE
        if self.decided and found.fit_confidence >= LEAST_CONFIDENCE:
            self.name = found.name

    def confirm(
        self,
        frames: NDArray[np.uint16],
        positions_px: NDArray[np.float64],
        bad: NDArray[np.bool_],
        refined: Complex,
    ) -> None:
        """Look at frames turned as in force, after a reconstruction with them.

        The probe that it ended with fits whichever of two twins it was made with.
        """
        if self._found is not None:
            return
        known = self._probe is not None
        probe = self._probe if self._probe is not None else refined[:1]
        found = self._find(frames, positions_px, probe, bad=bad, curvature_known=known)
        if found.fit_confidence < LEAST_CONFIDENCE and not known:
            # A probe that came of frames that lie wrong is none.
            guess = probe_from_frames(frames, bad)
            found = self._find(frames, positions_px, guess, bad=bad)
        self._note(found)

    def _note(self, found: Orientation) -> None:
        self._found = found
        self._found_name = combined_orientation(self.name, found.name)

    def report(self) -> dict[str, Any]:
        """Give what is in force and what was found, for people to read."""
        known: dict[str, Any] = {"orientation": self.name}
        if self._found is not None:
            known |= {
                "orientation_found": self._found_name,
                "orientation_confidence": round(self._found.confidence, 3),
            }
        return known

    @property
    def warning(self) -> str | None:
        """Say what is wrong, in one sentence; None where nothing is."""
        found = self._found
        if found is None or not self.decided:
            return None
        sure = found.confidence >= LEAST_CONFIDENCE
        if self._automatic:
            return None if sure else f"the orientation is not certain: {found.reason}"
        if not sure or self._found_name == self.name:
            return None
        return (
            f"the detector seems to lie otherwise: orientation {self._found_name}"
            f" instead of {self.name} fits the frames ({100 * found.confidence:.0f} %)"
        )
