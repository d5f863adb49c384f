"""What is in the beam at a moment, and its picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ellipsoids import FieldGeometry
from daiss_bluesky.testing.phantoms import Phantom
from daiss_devices.twin.detector import Detector

TOMOGRAPHY = {"technique": "tomography"}


@dataclass(frozen=True, slots=True)
class BeamState:
    """Positions that the picture depends on, at mid-exposure."""

    angle_rad: float
    x_mm: float
    """Across the beam; moves the whole rotation stage."""
    z_mm: float
    """Along the rotation axis."""
    brightness: float
    """Part of the exposure during which the shutter was open, times the dose."""
    position_um: tuple[float, float] = (0.0, 0.0)
    """Row and column of the probe on the sample: where the piezo stage truly is."""


class Scene(Protocol):
    """Anything that has a picture: a simulated sample or a measured scan."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the frames."""
        ...

    @property
    def center_px(self) -> float | None:
        """The true rotation center; None where nobody knows it."""
        ...

    @property
    def out_position_mm(self) -> float:
        """The sample is out of the beam at |x| of this and more."""
        ...

    @property
    def attenuation(self) -> float | None:
        """The phantom's; None for a measured scan."""
        ...

    @property
    def travel_um(self) -> float:
        """The piezo stage has at least to reach so far, to either side of 0."""
        ...

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else whoever started the twin is told, as JSON has it."""
        ...

    def picture(self, state: BeamState) -> NDArray[Any]:
        """Give the frame (row, column); a new array each time."""
        ...


@dataclass(slots=True, eq=False)
class PhantomScene:
    """A phantom on the rotation stage, projected analytically."""

    phantom: Phantom
    detector: Detector
    center_px: float
    pixel_size_mm: float
    phase_contrast: "PhaseContrast | None" = None
    travel_um: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=lambda: dict(TOMOGRAPHY))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The camera has 16 bits."""
        return np.dtype(np.uint16)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.detector.settings.rows, self.detector.settings.columns

    @property
    def attenuation(self) -> float:
        """-log of the transmission for density 1 over one half field width."""
        return self.phantom.attenuation

    @property
    def out_position_mm(self) -> float:
        """The sample is wholly out of the beam at |x| of this and more."""
        return self.shape[1] * self.pixel_size_mm

    def picture(self, state: BeamState) -> NDArray[Any]:
        """Project, absorb, expose."""
        if state.brightness == 0 or abs(state.x_mm) >= self.out_position_mm:
            return self.detector.expose(None, state.brightness)
        return self.detector.expose(self.transmission(state), state.brightness)

    def transmission(self, state: BeamState) -> NDArray[np.float32]:
        """Give the part of the light that arrives at each pixel."""
        from daiss_bluesky.kernels import ellipsoids_compiled  # noqa: PLC0415

        geometry = FieldGeometry(
            *self.shape,
            self.center_px + state.x_mm / self.pixel_size_mm,
            state.z_mm / self.pixel_size_mm,
        )
        path = ellipsoids_compiled.project(
            self.phantom.table, state.angle_rad, geometry
        )
        path *= np.float32(-self.phantom.attenuation)
        if self.phase_contrast is not None:
            return self.phase_contrast.intensity(path)
        return np.exp(path, out=path)


class PhaseContrast(Protocol):
    """Free propagation behind the sample."""

    def intensity(self, log_transmission: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the intensity on the detector for ln(transmission) behind the sample."""
        ...
