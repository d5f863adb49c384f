"""A known object under a known probe, and the diffraction pattern at any position.

The object is a Siemens star among grains, off the middle and without any symmetry: a
flipped or transposed detector shows. It is kept at twice the sampling of a
reconstruction and interpolated linearly between; its edges are about a pixel wide, so
that patterns are those of a continuous object, wherever the probe is.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import DTypeLike, NDArray

from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.kernels.propagation import FresnelPropagator
from daiss_bluesky.testing.ptychography_object import FINE, draw_object
from daiss_bluesky.testing.ptychography_probe import probe_modes

MARGIN_PX = 384
"""The object is so much larger than a frame, in pixels; around it is nothing."""


@dataclass(frozen=True, slots=True)
class PhantomSettings:
    """All that a phantom follows from; every value is one that JSON has."""

    rows: int
    columns: int
    detector_pixel_um: float
    distance_mm: float
    energy_kev: float
    field: Literal["far", "near"] = "far"
    modes: int = 1
    """Of the probe, incoherent with each other."""
    seed: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Of a frame."""
        return self.rows, self.columns

    @property
    def pixel_um(self) -> tuple[float, float]:
        """Height and width of a pixel of the object."""
        scan = PtychographyScan(
            run_uid="",
            field=self.field,
            detector_pixel_um=self.detector_pixel_um,
            distance_mm=self.distance_mm,
            energy_kev=self.energy_kev,
        )
        return scan.object_pixel_um(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class PtychographyPhantom:
    """Object, probe and what a perfect detector sees of them.

    Positions (row, column) in micrometers say where the middle of the probe, its pixel
    n // 2, is on the object; (0, 0) is `origin_px`.
    """

    settings: PhantomSettings
    fine: NDArray[Any]
    """Object at FINE times the sampling, complex; pixel (i, j) is at FINE·(i, j)."""
    probe: NDArray[Any]
    """(mode, row, column), complex; the power of all modes together is 1."""
    transfer: NDArray[Any] | None
    """Near field: the propagator, in the order of scipy.fft; None in the far field."""

    @property
    def truth(self) -> NDArray[Any]:
        """The object (row, column) in pixels of a reconstruction, complex."""
        return self.fine[::FINE, ::FINE]

    @property
    def origin_px(self) -> tuple[int, int]:
        """Row and column of `truth` that is at 0 micrometers."""
        rows, columns = self.truth.shape
        return rows // 2, columns // 2

    def patch(self, position_um: tuple[float, float]) -> NDArray[Any]:
        """Give the part of the object that the probe is on, complex (row, column)."""
        corner = [
            FINE * (origin + position / pixel - n // 2)
            for origin, position, pixel, n in zip(
                self.origin_px,
                position_um,
                self.settings.pixel_um,
                self.settings.shape,
                strict=True,
            )
        ]
        (top, down), (left, right) = (_split(value) for value in corner)
        weights = (
            (0, 0, (1 - down) * (1 - right)),
            (1, 0, down * (1 - right)),
            (0, 1, (1 - down) * right),
            (1, 1, down * right),
        )
        real = self.fine.real.dtype.type
        found = np.zeros(self.settings.shape, self.fine.dtype)
        for i, j, weight in weights:
            if weight:
                found += real(weight) * self._sampled(top + i, left + j)
        return found

    def _sampled(self, top: int, left: int) -> NDArray[Any]:
        ends = [
            first + FINE * (n - 1) + 1
            for first, n in zip((top, left), self.settings.shape, strict=True)
        ]
        rows, columns = self.fine.shape
        if top >= 0 and ends[0] <= rows and left >= 0 and ends[1] <= columns:
            window: NDArray[Any] = self.fine[
                top : ends[0] : FINE, left : ends[1] : FINE
            ]
            return window
        # The border of the object is nothing, and so is what lies beyond.
        i = np.arange(top, ends[0], FINE).clip(0, rows - 1)
        j = np.arange(left, ends[1], FINE).clip(0, columns - 1)
        beyond: NDArray[Any] = self.fine[i[:, None], j]
        return beyond

    def pattern(self, position_um: tuple[float, float] | None) -> NDArray[Any]:
        """Give the intensity (row, column) on the detector, 1 in all without object.

        position_um None: nothing is in the beam. Far field: zero frequency at n // 2.
        """
        exit_waves = self.probe
        if position_um is not None:
            exit_waves = self.probe * self.patch(position_um)
        waves = scipy.fft.fft2(exit_waves, norm="ortho")
        if self.transfer is None:
            intensity = (waves.real**2 + waves.imag**2).sum(axis=0)
            return np.asarray(scipy.fft.fftshift(intensity))
        waves = scipy.fft.ifft2(waves * self.transfer, norm="ortho", overwrite_x=True)
        return np.asarray((waves.real**2 + waves.imag**2).sum(axis=0))


def _split(value: float) -> tuple[int, float]:
    whole = int(np.floor(value))
    return whole, value - whole


def ptychography_phantom(
    settings: PhantomSettings, dtype: DTypeLike = np.complex128
) -> PtychographyPhantom:
    """Draw the object and the probe; the same settings always give the same."""
    rows, columns = settings.shape
    fine = draw_object((rows + MARGIN_PX, columns + MARGIN_PX), settings.seed)
    probe = probe_modes(settings.shape, settings.modes)
    transfer = None
    if settings.field == "near":
        pixel_m = settings.detector_pixel_um * 1e-6
        space = FresnelPropagator(
            settings.distance_mm * 1e-3, settings.energy_kev, pixel_m
        )
        transfer = space.transfer(settings.shape)
    return PtychographyPhantom(
        settings, fine.astype(dtype), probe.astype(dtype), transfer
    )
