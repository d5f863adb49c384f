"""What a plan asks of a station: bluesky's verbs, and a few facts."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol


class Camera(Protocol):
    """Bluesky's Readable, Triggerable, Stageable and Stoppable, with its settings.

    The settings and `written` are devices of their own: Movable, and Triggerable.
    """

    name: str
    image_key: str
    exposure_s: Any
    period_s: Any
    num_images: Any
    frame_type: Any
    """Moves to areaDetector's words for what a frame is."""
    written: Any
    """Triggerable: done when every triggered frame is in the file."""


class Timing(Protocol):
    """A continuous rotation, worked out."""

    @property
    def speed_deg_s(self) -> float: ...  # noqa: D102
    @property
    def angles_deg(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def run_up_deg(self) -> float: ...  # noqa: D102
    @property
    def run_out_deg(self) -> float: ...  # noqa: D102


class RasterFlight(Protocol):
    """Rows flown through, worked out."""

    @property
    def speed_um_s(self) -> float: ...  # noqa: D102
    @property
    def positions_um(self) -> Sequence[tuple[float, float]]: ...  # noqa: D102
    @property
    def reach_um(self) -> Sequence[tuple[float, float]]: ...  # noqa: D102


class ImagingStation(Protocol):
    """A shutter and a camera: what stations of every technique have."""

    @property
    def shutter(self) -> Any:
        """Moves to "open" and "closed"."""
        ...

    @property
    def camera(self) -> Camera: ...  # noqa: D102

    @property
    def flyer(self) -> Any:
        """Preparable, Flyable and Collectable."""
        ...

    @property
    def measured(self) -> Sequence[Any]:
        """Readables that are read with each frame."""
        ...

    @property
    def readout_s(self) -> float: ...  # noqa: D102

    def check_connected(self) -> None:
        """Raise UnavailableError naming the first device that does not answer."""
        ...


class Station(ImagingStation, Protocol):
    """A rotation and an x stage before the camera."""

    @property
    def rotation(self) -> Any:
        """Movable and Readable, in degrees; has a Movable `velocity`."""
        ...

    @property
    def x(self) -> Any:
        """Movable and Readable, in mm, with `position`."""
        ...

    @property
    def out_mm(self) -> float:
        """Where x takes the sample out of the beam."""
        ...

    @property
    def pixel_size_um(self) -> float | None: ...  # noqa: D102
    @property
    def rotation_limits_deg(self) -> tuple[float, float] | None: ...  # noqa: D102
    @property
    def max_speed_deg_s(self) -> float | None: ...  # noqa: D102

    def fly_timing(
        self,
        *,
        start_deg: float,
        range_deg: float,
        n_angles: int,
        exposure_s: float,
        period_s: float,
    ) -> Timing:
        """Work out a continuous rotation."""
        ...


class PtychographyStation(ImagingStation, Protocol):
    """A piezo stage that moves the sample through the probe."""

    @property
    def piezo_y(self) -> Any:
        """Movable and Readable, in micrometers, with `position` and `limits`."""
        ...

    @property
    def piezo_x(self) -> Any:
        """As piezo_y, along the columns."""
        ...

    @property
    def detector_pixel_um(self) -> float | None: ...  # noqa: D102
    @property
    def distance_mm(self) -> float | None: ...  # noqa: D102
    @property
    def energy_kev(self) -> float | None: ...  # noqa: D102
    @property
    def pixel_size_um(self) -> float | None:
        """Of the object; None: it follows from the three above."""
        ...

    @property
    def field(self) -> Literal["far", "near"]: ...  # noqa: D102

    @property
    def settle_s(self) -> float:
        """After a move, until a frame is taken."""
        ...

    @property
    def max_speed_um_s(self) -> float | None: ...  # noqa: D102

    def raster_flight(
        self,
        *,
        rows_um: Sequence[float],
        columns_um: Sequence[float],
        exposure_s: float,
        period_s: float,
    ) -> RasterFlight:
        """Work out a flight, row by row."""
        ...
