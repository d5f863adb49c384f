"""Diffraction frames, each once, as the solver takes them."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.kernels.blind_pixels import find_blind
from daiss_bluesky.kernels.hot_pixels import find_hot
from daiss_bluesky.kernels.orientation import apply_orientation

LARGEST = 65535

LARGEST_BLIND_PX = 9
"""Of pixels that touch each other in a near field."""


@dataclass(frozen=True, slots=True)
class Optics:
    """What turns a detector's frames and a stage's positions into the solver's."""

    frame_shape: tuple[int, int]
    """Once they are turned."""
    pixel_um: tuple[float, float]
    """Of the object."""
    transfer: NDArray[np.complexfloating[Any, Any]] | None = None
    """Near field: what free space does to a spectrum; None: far field."""
    bad: NDArray[np.bool_] | None = None
    saturation_counts: int = LARGEST
    orientation: str = "none"
    """What is done to the detector's frames first."""

    def turned(self, name: str) -> Self:
        """Turn all there is of a detector that was taken to lie as it should."""
        swap = apply_orientation(np.empty((1, 2)), name).shape == (2, 1)
        way = -1 if swap else 1
        rows, columns = self.frame_shape[::way]
        # Pixels of the detector are square: those of the object turn with the frame.
        height_um, width_um = self.pixel_um[::way]
        bad = None if self.bad is None else apply_orientation(self.bad, name)
        return replace(
            self,
            frame_shape=(rows, columns),
            pixel_um=(height_um, width_um),
            bad=bad,
            orientation=name,
        )

    def positions_px(self, positions_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give where the first pixel of the probe's array lies."""
        at = positions_um / np.array(self.pixel_um)
        return np.asarray(at - np.array(self.frame_shape) // 2)

    def positions_um(self, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo `positions_px`."""
        middle = positions_px + np.array(self.frame_shape) // 2
        return np.asarray(middle * np.array(self.pixel_um))

    def bad_pixels(self, frames: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Give those known to be bad, blind or hot in frames, ordered as these."""
        upright = self.upright(frames)
        hot = find_hot(upright)
        blind = find_blind(upright, hot)
        bad = hot | (blind if self.transfer is None else _enclosed(blind))
        if self.bad is not None:
            bad |= self.bad
        return np.asarray(self.corner(bad))

    def corner(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Bring the zero frequency of frames into the corner; near field: leave it."""
        if self.transfer is not None:
            return frames
        return np.asarray(np.fft.ifftshift(frames, axes=(-2, -1)))

    def upright(self, frames: NDArray[Any]) -> NDArray[Any]:
        """Undo `corner`."""
        if self.transfer is not None:
            return frames
        return np.asarray(np.fft.fftshift(frames, axes=(-2, -1)))


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Frames that are new and usable."""

    indices: NDArray[np.int64]
    frames: NDArray[np.uint16]
    """(frame, row, column); in the far field the zero frequency in the corner."""
    positions_px: NDArray[np.float64]
    times_s: NDArray[np.float64]

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.indices)


def turned(taken: Taken, old: Optics, new: Optics) -> Taken:
    """Turn frames that were taken as they came."""
    frames = apply_orientation(old.upright(taken.frames), new.orientation)
    return replace(
        taken,
        frames=np.ascontiguousarray(new.corner(frames)),
        positions_px=new.positions_px(old.positions_um(taken.positions_px)),
    )


class Intake:
    """Counts every frame once, subtracts the dark, leaves out what has no use."""

    def __init__(self, optics: Optics) -> None:
        self.optics = optics
        self.seen: set[FrameKey] = set()
        self.duplicates = 0
        self.empty = self.saturated = self.without_position = 0
        self.stale = False
        """Frames were taken before a dark came."""
        self._dark_sum = np.zeros(optics.frame_shape)
        self._darks: set[FrameKey] = set()

    def forget(self) -> None:
        """Begin again with frames; darks stay."""
        self.seen.clear()
        self.empty = self.saturated = self.without_position = 0
        self.stale = False

    def turn(self, optics: Optics) -> None:
        """Go on with frames turned; none was turned before."""
        self.optics = optics
        self._dark_sum = apply_orientation(self._dark_sum, optics.orientation)

    def take_dark(self, batch: Batch) -> None:
        """Add darks to the mean dark."""
        batch = self._turned(batch)
        new = _first_seen(batch.keys, self._darks)
        self._dark_sum += batch.pixels[new].sum(axis=0, dtype=np.float64)
        self.stale = self.stale or bool(new.any() and self.seen)

    def take(self, batch: Batch) -> Taken:
        """Give the frames of a batch that are new and usable."""
        batch = self._turned(batch)
        if batch.positions_um is None:
            raise InputError("diffraction frames came without positions")
        fresh = _first_seen(batch.keys, self.seen)
        self.duplicates += int(np.sum(~fresh))
        counts = self._counts(batch.pixels)
        placed = np.isfinite(batch.positions_um).all(axis=1)
        lit = counts.any(axis=(1, 2))
        whole = self._whole(batch.pixels)
        self.without_position += int(np.sum(fresh & ~placed))
        self.empty += int(np.sum(fresh & placed & ~lit))
        self.saturated += int(np.sum(fresh & placed & lit & ~whole))
        good = fresh & placed & lit & whole
        return Taken(
            batch.indices[good],
            np.ascontiguousarray(self.optics.corner(counts[good])),
            self.optics.positions_px(batch.positions_um[good]),
            batch.times_s[good],
        )

    def refuse_useless(self) -> None:
        """Raise where no frame, or too few, can be used; says why."""
        n = len(self.seen)
        if n == 0:
            raise InputError("no diffraction frame has come")
        if self.empty == n:
            raise InputError(f"all {n} frames are empty: is the shutter open?")
        if 2 * self.saturated >= n:
            raise InputError(
                f"the detector is saturated: {self.saturated} of {n} frames have pixels"
                f" at {self.optics.saturation_counts} counts; expose for a shorter time"
                " or mask these pixels"
            )
        if self.empty + self.saturated + self.without_position == n:
            raise InputError(
                f"none of {n} frames can be used: {self.empty} empty,"
                f" {self.saturated} saturated, {self.without_position} without position"
            )

    def _turned(self, batch: Batch) -> Batch:
        pixels = apply_orientation(batch.pixels, self.optics.orientation)
        shape = pixels.shape[1:]
        if shape != self.optics.frame_shape:
            raise InputError(
                f"frames of {shape[0]} x {shape[1]} pixels came into a scan of"
                f" {self.optics.frame_shape[0]} x {self.optics.frame_shape[1]}"
            )
        return replace(batch, pixels=pixels)

    def _counts(self, pixels: NDArray[Any]) -> NDArray[np.uint16]:
        if self._darks:
            pixels = pixels - self._dark_sum / len(self._darks)
        elif pixels.dtype == np.uint16:
            return pixels
        finite = np.nan_to_num(pixels, nan=0.0, posinf=LARGEST, neginf=0.0)
        return np.asarray(np.rint(np.clip(finite, 0, LARGEST)), np.uint16)

    def _whole(self, pixels: NDArray[Any]) -> NDArray[np.bool_]:
        full = pixels >= self.optics.saturation_counts
        if self.optics.bad is not None:
            full &= ~self.optics.bad
        return np.asarray(~full.any(axis=(1, 2)))


def _enclosed(blind: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out what is wider than a few pixels.

    Around a near field's sharp edge it is dark, where a blur says it should not be.
    """
    pieces, count = label(blind, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    small = sizes <= LARGEST_BLIND_PX
    small[0] = False
    return np.asarray(small[pieces])


def _first_seen(keys: list[FrameKey], seen: set[FrameKey]) -> NDArray[np.bool_]:
    """Tell which keys are new, each once, and remember them."""
    new = np.zeros(len(keys), bool)
    for number, key in enumerate(keys):
        new[number] = key not in seen
        seen.add(key)
    return new
