"""What a plan asks of a station: bluesky's verbs, and a few facts."""

from collections.abc import Sequence
from typing import Any, Protocol


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


class Station(Protocol):
    """A rotation and an x stage, a shutter and a camera."""

    @property
    def rotation(self) -> Any:
        """Movable and Readable, in degrees; has a Movable `velocity`."""
        ...

    @property
    def x(self) -> Any:
        """Movable and Readable, in mm, with `position`."""
        ...

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
    def out_mm(self) -> float:
        """Where x takes the sample out of the beam."""
        ...

    @property
    def pixel_size_um(self) -> float | None: ...  # noqa: D102
    @property
    def readout_s(self) -> float: ...  # noqa: D102
    @property
    def rotation_limits_deg(self) -> tuple[float, float] | None: ...  # noqa: D102
    @property
    def max_speed_deg_s(self) -> float | None: ...  # noqa: D102

    def check_connected(self) -> None:
        """Raise UnavailableError naming the first device that does not answer."""
        ...

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
