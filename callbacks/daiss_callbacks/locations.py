"""Where the pixels of a frame are, and what is known of its angle besides the file.

Made by the assembler, looked into by the frame store only.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from daiss_callbacks.angles import RotationTrack


class KeptArray(Protocol):
    """An image that came inside an event, wherever it is kept now."""

    def read(self) -> NDArray[Any]:
        """Give the pixels, (row, column)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """An image kept as it came."""

    pixels: NDArray[Any]

    def read(self) -> NDArray[Any]:
        """Give the pixels."""
        return self.pixels


@dataclass(frozen=True, slots=True)
class Hdf5Image:
    """One image of an HDF5 dataset (frame, row, column)."""

    uri: str
    """As the document says it: a path of the IOC, or a file: URI."""
    dataset: str
    row: int


@dataclass(frozen=True, slots=True)
class NpyImage:
    """One image of a sequence of .npy files, as ophyd.sim's detectors write them."""

    uri: str
    plane: int | None = None
    """Which one, of a file that holds several."""


@dataclass(frozen=True, slots=True, eq=False)
class EventImage:
    """An image that came inside an event."""

    kept: KeptArray


@dataclass(frozen=True, slots=True)
class AngleLocation:
    """The measured angle of a frame, one value of an HDF5 dataset."""

    uri: str
    dataset: str
    row: int
    radians_per_unit: float


ImageLocation = Hdf5Image | NpyImage | EventImage


@dataclass(frozen=True, slots=True)
class Location:
    """A FrameRef's location."""

    image: ImageLocation
    angle: AngleLocation | None = None
    """Where documents name a dataset as the rotation."""
    planned_rad: float | None = None
    """Angle the plan meant, used only where nothing measured one."""
    opened_s: float | None = None
    """When the stream was opened: the time of a frame that nothing else dates."""
    started_s: float | None = None
    """When the run began; tells which epoch the detector's clock counts from."""
    track: RotationTrack | None = field(default=None, compare=False)
    """Rotation readings of the run, still growing while it lasts."""
