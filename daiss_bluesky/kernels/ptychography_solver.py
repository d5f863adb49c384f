"""What solvers of ptychography have in common, and which one a device has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.kernels.devices import ChosenDevice
from daiss_bluesky.kernels.frame_moments import Moments, frame_moments
from daiss_bluesky.kernels.orientation_trial import HOST, Arrays, warm_up
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_canvas import Canvas
from daiss_bluesky.kernels.ptychography_step import Misfit, Step

Complex = NDArray[np.complex64]
Reals = NDArray[np.float64]


class AnySolver(Protocol):
    """Improves object, probe and positions, wherever it computes; see `Solver`."""

    shape: tuple[int, int]
    canvas: Canvas

    @property
    def count(self) -> int:
        """How many frames there are."""

    @property
    def probe(self) -> Complex:
        """The modes (mode, row, column), a copy."""

    @probe.setter
    def probe(self, probe: Complex) -> None: ...

    @property
    def positions(self) -> Reals:
        """Where the frames lie (frame, 2), a view, free to be set."""

    @property
    def measured(self) -> Reals:
        """Where the frames were said to lie (frame, 2), a view."""

    def add(self, frames: NDArray[np.uint16], positions: ArrayLike) -> range:
        """Keep frames at positions; number them."""

    def anew(self, probe: Complex) -> Self:
        """Begin again from a probe, with the same frames, which are shared."""

    def frames_of(self, group: ArrayLike) -> NDArray[np.uint16]:
        """Give frames of these indices as they came; a copy."""

    def run(self, groups: Sequence[NDArray[np.int64]], step: Step) -> list[Misfit]:
        """Improve all by a step from each group in turn."""

    def misfits(self, group: ArrayLike, positions: Reals) -> Reals:
        """Give Σ (model - √I)² of each of these frames, as if it lay there."""

    def illumination(self) -> NDArray[np.int32]:
        """Count the frames that lit each pixel of the canvas."""


MakeSolver = Callable[..., AnySolver]
"""Makes one from a probe, transfer and bad pixels, as `Solver` does."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The kernels of ptychography in the form of one device."""

    make: MakeSolver = Solver
    moments: Callable[..., Moments] = frame_moments
    device: str = "cpu"
    arrays: Arrays = HOST


CPU = Forms()


def forms_on(
    device: ChosenDevice,
    shape: tuple[int, int] | None = None,
    modes: int = 1,
    *,
    near: bool = False,
    frame_bytes: int | None = None,
) -> Forms:
    """Give those of the first of the chosen GPUs, or of the CPU.

    Where frames' shape is given, what they will need there is compiled now: for one
    mode, and for as many as there will be in the end. `frame_bytes`: of a GPU for the
    frames, at most.
    """
    if not device.gpus:
        return CPU
    # They need CuPy.
    from daiss_bluesky.kernels import ptychography_device  # noqa: PLC0415
    from daiss_bluesky.kernels.frame_moments_device import (  # noqa: PLC0415
        DeviceMoments,
    )

    bench = _bench(device.gpus[0].number)
    if shape is not None:
        for number in sorted({1, modes}):
            bench.prepare(shape, number, near=near)
        warm_up(bench.queue)
    make = partial(
        ptychography_device.DeviceSolver, bench=bench, frame_bytes=frame_bytes
    )
    queue = bench.queue
    return Forms(make, DeviceMoments(queue), str(device.gpus[0]), queue)


@lru_cache(maxsize=16)
def _bench(number: int) -> Any:
    """Keep what is compiled and recorded from one scan to the next."""
    from daiss_bluesky.kernels.cuda.queue import DeviceQueue  # noqa: PLC0415
    from daiss_bluesky.kernels.ptychography_device import Bench  # noqa: PLC0415

    return Bench(DeviceQueue(number))
