"""Where the pixels of a frame are, and what is known of its axes besides the file.

Made by the assembler, looked into by the frame store only.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from daiss_callbacks.run_axes import RunAxes, Values


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
class AxisLocation:
    """The measured value of one axis for a frame: one value of an HDF5 dataset."""

    uri: str
    dataset: str
    row: int
    factor: float
    """To radians or micrometers."""


ImageLocation = Hdf5Image | NpyImage | EventImage


@dataclass(frozen=True, slots=True)
class Location:
    """A FrameRef's location."""

    image: ImageLocation
    axes: RunAxes = field(compare=False)
    """Of the run; their tracks still grow while it lasts."""
    named: tuple[AxisLocation | None, ...]
    """For each axis, where documents name a dataset as the axis."""
    planned: Values
    """For each axis what the plan meant, used only where nothing measured it."""
    opened_s: float | None = None
    """When the stream was opened: the time of a frame that nothing else dates."""
    started_s: float | None = None
    """When the run began; tells which epoch the detector's clock counts from."""
