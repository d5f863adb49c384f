"""rPIE as one writes it with NumPy and scipy.fft, in groups of frames, one probe.

What the compiled solver is compared with where no other program is installed. It is
given the easier task: positions in whole pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.visits import in_groups

Complex = NDArray[np.complex64]

NAME = "numpy and scipy.fft: rPIE"
_DARK = np.float32(1e-12)


@dataclass(slots=True)
class PlainRpie:
    """Object and probe under improvement.

    Maiden, Johnson & Li, Optica 4 (2017) 736, eqs. 11 and 12, the sums over a group of
    frames in place of one frame.
    """

    frames: NDArray[np.uint16]
    """(frame, row, column), zero frequency in the corner."""
    corners: NDArray[np.int64]
    """(frame, 2): first row and column of each patch, none below 0."""
    probe: Complex
    alpha: float = 0.1
    group: int = 16
    image: Complex = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Start from an empty object."""
        size = self.corners.max(axis=0) + self.probe.shape
        self.image = np.ones(size, np.complex64)

    def one_pass(self, number: int = 0) -> float:
        """Visit every frame once; gives the amplitude residual."""
        everything = np.arange(len(self.frames))
        groups = in_groups(everything, self.group, number)
        found = np.array([self._update(group) for group in groups])
        squared, power = found.sum(axis=0)
        return float(np.sqrt(squared / power))

    def _update(self, group: NDArray[np.int64]) -> tuple[float, float]:
        rows, columns = self.probe.shape
        at = [np.s_[y : y + rows, x : x + columns] for y, x in self.corners[group]]
        patches = np.stack([self.image[one] for one in at])
        waves = scipy.fft.fft2(self.probe * patches, norm="ortho", workers=-1)
        model, measured = np.abs(waves), np.sqrt(self.frames[group].astype(np.float32))
        waves *= (measured - model) / np.maximum(model, _DARK)
        lack = scipy.fft.ifft2(waves, norm="ortho", workers=-1, overwrite_x=True)
        self._move(at, patches, np.asarray(lack, np.complex64))
        return float(np.sum((measured - model) ** 2)), float(np.sum(measured**2))

    def _move(self, at: list[Any], patches: Complex, lack: Complex) -> None:
        asked, lit = np.zeros_like(self.image), np.zeros(self.image.shape, np.float32)
        bright = np.abs(self.probe) ** 2
        for where, one in zip(at, lack, strict=True):
            asked[where] += np.conj(self.probe) * one
            lit[where] += bright
        seen = np.sum(np.abs(patches) ** 2, axis=0)
        a = np.float32(self.alpha)
        self.image += asked / ((1 - a) * lit + a * bright.max())
        step = np.sum(np.conj(patches) * lack, axis=0)
        self.probe = self.probe + step / ((1 - a) * seen + a * seen.max())
