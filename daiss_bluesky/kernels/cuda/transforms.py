"""Fourier transforms of cuFFT, planned once, into arrays that are there already.

None divides by the number of points. Arrays are contiguous, one after the other.
"""

from dataclasses import dataclass
from typing import Any

from daiss_bluesky.kernels.cuda.module import cupy

Shape = tuple[int, ...]
"""One or two lengths."""


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Complex (complex64) transforms in place, on CuPy's current stream."""

    shape: Shape
    count: int
    plan: Any

    def forward(self, x: Any) -> None:
        """Transform (count, *shape)."""
        self.plan.fft(x, x, cupy().cuda.cufft.CUFFT_FORWARD)

    def backward(self, x: Any) -> None:
        """Transform with the opposite sign in the exponent."""
        self.plan.fft(x, x, cupy().cuda.cufft.CUFFT_INVERSE)


@dataclass(frozen=True, slots=True, eq=False)
class RealTransform:
    """Transforms between float32 and the half of complex64 that says it all."""

    shape: Shape
    count: int
    forth: Any
    back: Any

    def forward(self, x: Any, spectrum: Any) -> None:
        """Transform (count, *shape) into (count, ..., n // 2 + 1)."""
        self.forth.fft(x, spectrum, cupy().cuda.cufft.CUFFT_FORWARD)

    def backward(self, spectrum: Any, x: Any) -> None:
        """Do the opposite; uses up the spectrum."""
        self.back.fft(spectrum, x, cupy().cuda.cufft.CUFFT_INVERSE)


def planned(shape: Shape, count: int) -> Transform:
    """Plan for the current device; a plan holds memory to work in."""
    kind = cupy().cuda.cufft.CUFFT_C2C
    return Transform(shape, count, _plan(shape, shape, shape, kind, count))


def planned_real(shape: Shape, count: int) -> RealTransform:
    """Plan real transforms, as `planned` does."""
    cufft = cupy().cuda.cufft
    half = (*shape[:-1], shape[-1] // 2 + 1)
    forth = _plan(shape, shape, half, cufft.CUFFT_R2C, count)
    back = _plan(shape, half, shape, cufft.CUFFT_C2R, count)
    return RealTransform(shape, count, forth, back)


def _plan(shape: Shape, given: Shape, found: Shape, kind: int, count: int) -> Any:
    cufft = cupy().cuda.cufft
    if len(shape) == 1:
        return cufft.Plan1d(shape[0], kind, count)
    return cufft.PlanNd(
        shape, given, 1, given[0] * given[1], found, 1, found[0] * found[1],
        kind, count, "C", 1, shape[1],
    )  # fmt: skip
