"""Frames: what identifies one detector image, and a batch of them with pixels.

Arrays are (frame, row, column). Angles (radians) and positions (micrometers: row,
column) are the measured ones; NaN where a kind has none (dark, flat). Times are seconds
since the Unix epoch, at mid-exposure where the detector says so.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError

FrameKind = Literal["projection", "flat", "dark", "pair", "diffraction"]
"""`pair`: a projection taken only to find the rotation center, one of two opposite."""

SAMPLE_KINDS: frozenset[FrameKind] = frozenset({"projection", "diffraction"})
"""What a result is made of; all others calibrate."""

FRAME_KINDS: tuple[FrameKind, ...] = get_args(FrameKind)


@dataclass(frozen=True, slots=True, order=True)
class FrameKey:
    """What identifies a frame inside its run; a key counts once, however often seen."""

    stream: str
    index: int


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A frame known to exist, before its pixels are read."""

    key: FrameKey
    kind: FrameKind
    location: object
    """Where the pixels are; only the source that made it looks inside."""
    angle_rad: float | None = None
    """None where only the file knows it (fly scans)."""
    time_s: float | None = None
    position_um: tuple[float, float] | None = None
    """Row and column of the probe on the sample, as angle_rad; NaN for one unknown."""

    @property
    def is_sample(self) -> bool:
        """Whether a result is made of it."""
        return self.kind in SAMPLE_KINDS


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Frames of one kind and stream, with pixels, to be processed together."""

    kind: FrameKind
    stream: str
    indices: NDArray[np.int64]
    angles_rad: NDArray[np.float64]
    times_s: NDArray[np.float64]
    pixels: NDArray[Any]
    """(frame, row, column), any real dtype; owned by the reader, do not write into."""
    positions_um: NDArray[np.float64] | None = None
    """(frame, 2): row and column of the probe on the sample; None for tomography."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.kind not in FRAME_KINDS:
            raise InputError(f"unknown frame kind {self.kind!r}")
        if self.pixels.ndim != 3:  # noqa: PLR2004 - (frame, row, column)
            raise InputError(
                f"a batch needs pixels (frame, row, column), not {self.pixels.shape}"
            )
        n = len(self.pixels)
        for name in ("indices", "angles_rad", "times_s"):
            values = getattr(self, name)
            if values.shape != (n,):
                raise InputError(f"{n} frames but {name} has shape {values.shape}")
        if self.positions_um is not None and self.positions_um.shape != (n, 2):
            raise InputError(
                f"{n} frames but positions_um has shape {self.positions_um.shape}"
            )

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.pixels)

    @property
    def keys(self) -> list[FrameKey]:
        """What identifies each frame."""
        return [FrameKey(self.stream, int(i)) for i in self.indices]

    @property
    def is_sample(self) -> bool:
        """Whether a result is made of them."""
        return self.kind in SAMPLE_KINDS

    def select(self, mask: NDArray[Any]) -> "Batch":
        """Take the frames of a boolean mask or an index array."""
        return Batch(
            self.kind,
            self.stream,
            self.indices[mask],
            self.angles_rad[mask],
            self.times_s[mask],
            self.pixels[mask],
            None if self.positions_um is None else self.positions_um[mask],
        )
