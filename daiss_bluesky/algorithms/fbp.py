"""Filtered backprojection of parallel-beam tomography, while the scan runs."""

import platform
from typing import Any

import psutil

from daiss_bluesky.algorithms.accumulation import METHODS, SUMS, Method
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fbp_reconstruction import WORK_FRAMES, FbpReconstruction
from daiss_bluesky.algorithms.fields import MAX_FLAT_SUMS
from daiss_bluesky.algorithms.method_choice import (
    MethodChoice,
    choose_method,
    predict,
)
from daiss_bluesky.algorithms.offset_axis import widest_shape
from daiss_bluesky.algorithms.on_devices import (
    MANY_ANGLES,
    PINNED_BYTES,
    Devices,
    fit,
    open_devices,
    refuse_or_leave,
    store_limits,
)
from daiss_bluesky.algorithms.projection_reconstruction import ProjectionReconstruction
from daiss_bluesky.algorithms.resident_reconstruction import ResidentReconstruction
from daiss_bluesky.algorithms.sinogram_rows import SinogramRows
from daiss_bluesky.algorithms.slabs import slab_bytes
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import TECHNIQUE, Scan
from daiss_bluesky.kernels.method_speeds import method_speeds
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.kernels.rotation_center import search_bytes

BASE_BYTES = 285_000_000
"""Interpreter, libraries and compiled kernels."""

RING_BYTES = 16
"""For each pixel of a slice: the pixels in the order of their radius."""


class FbpAlgorithm:
    """Starts reconstructions by filtered backprojection; holds the parameters."""

    name = "fbp"
    technique = TECHNIQUE

    def __init__(
        self, *, memory_limit_gb: float | None = None, **parameters: Any
    ) -> None:
        """Check the parameters; without a limit, what the machine has free counts."""
        self.parameters = FbpParameters.parse(parameters, "the parameters of fbp")
        self._memory_limit_gb = memory_limit_gb
        self._settled: MethodChoice | None = None
        self._opened: list[Operators] | None = None

    def memory_bytes(self, scan: Scan, frame_shape: tuple[int, int]) -> int:
        """Tell how much memory a reconstruction will hold at most.

        The sum over projections, the sums of flats and darks, rows to find the center
        from, what is needed for the frames in work, and for whole sinograms where
        stripes are removed from them.
        """
        if devices := self._devices(scan, frame_shape):
            return self._host_bytes(scan, frame_shape, devices)
        method = self.choice(scan, frame_shape).method
        return self._memory_bytes(scan, frame_shape, method)

    def _host_bytes(
        self, scan: Scan, frame_shape: tuple[int, int], devices: Devices
    ) -> int:
        """Tell what is left for the host: volume, and frames beyond the devices'."""
        rows, width = widest_shape(self.parameters, scan, frame_shape)
        frame = 4 * frame_shape[0] * frame_shape[1]
        flats = min(MAX_FLAT_SUMS, scan.counts.get("flat", 0) + 4)
        kept = frame * (2 * flats + 14) + SinogramRows.bytes_for(frame_shape)
        spilled = sum(plan.host_frames_bytes for _, plan in devices)
        work = max(4 * rows * width**2, search_bytes(*frame_shape))
        return BASE_BYTES + PINNED_BYTES + kept + spilled + work

    def device_name(self) -> str:
        """Name what it would compute on now."""
        places = ", ".join(one.place for one in self.operators())
        return places or f"CPU {platform.machine()}"

    def operators(self) -> list[Operators]:
        """Give the GPUs to compute on, the same each time; none: the CPU."""
        if self._opened is None:
            self._opened = open_devices(self.parameters)
        return self._opened

    def _devices(self, scan: Scan, frame_shape: tuple[int, int]) -> Devices:
        """Plan for the GPUs there are; none where the CPU is to do it."""
        operators = self.operators()
        if not operators:
            return []
        found = fit(operators, self.parameters, scan, frame_shape)
        if found.why_not is not None:
            refuse_or_leave(self.parameters, found.why_not)
        return found.devices

    def _memory_bytes(
        self, scan: Scan, frame_shape: tuple[int, int], method: Method
    ) -> int:
        frame = 4 * frame_shape[0] * frame_shape[1]
        flats = min(MAX_FLAT_SUMS, scan.counts.get("flat", 0) + 4)
        shape = widest_shape(self.parameters, scan, frame_shape)
        memory = SUMS[method].memory(shape, WORK_FRAMES)
        wider = (
            3
            + self.parameters.straightens
            + (shape != frame_shape) * shape[1] / frame_shape[1]
        )
        batch = memory.adding + int(wider * WORK_FRAMES * frame)
        work = max(batch, search_bytes(*frame_shape))
        kept = frame * (2 * flats + 14) + SinogramRows.bytes_for(frame_shape)
        needed = BASE_BYTES + kept + memory.held + max(work, memory.ending)
        if self.parameters.stripes != "none":
            wide = 4 * shape[0] * shape[1]
            needed += 2 * frame + 4 * wide + RING_BYTES * shape[1] ** 2
        if self.parameters.needs_whole_sinograms:
            n_angles = scan.n_projections or MANY_ANGLES * frame_shape[1]
            needed += self._sinogram_bytes(method, n_angles, frame_shape, shape[1])
            needed += self.parameters.straightens * WORK_FRAMES * frame
        return needed

    def _sinogram_bytes(
        self, method: Method, n_angles: int, frame_shape: tuple[int, int], width: int
    ) -> int:
        """Tell what whole sinograms take, with slices that wide made of them."""
        return slab_bytes(method, n_angles, *frame_shape, width)

    def choice(self, scan: Scan, frame_shape: tuple[int, int]) -> MethodChoice:
        """Choose how the sum is formed, where the parameters leave it open.

        From geometry, memory, exposure time and what was measured on this machine once;
        the first time that is measured here.
        """
        if self._settled is not None:
            return self._settled
        chosen = self.parameters.method
        if chosen != "auto":
            return MethodChoice(chosen, f"{chosen}, as the parameters say")
        if self.parameters.filter == "sharp":
            return MethodChoice("gridding", "gridding, which filter 'sharp' needs")
        limit_bytes = self._limit_gb() * 1e9
        needed = {m: self._memory_bytes(scan, frame_shape, m) for m in METHODS}
        fits = [m for m in METHODS if needed[m] <= limit_bytes]
        rows, columns = widest_shape(self.parameters, scan, frame_shape)
        return choose_method(
            fits or METHODS,
            predict(rows, columns, method_speeds()),
            rows,
            scan.n_projections or MANY_ANGLES * columns,
            None if scan.exposure_s is None else 1 / scan.exposure_s,
        )

    def settle(self, scan: Scan, frame_shape: tuple[int, int]) -> None:
        """Choose now and stay with it, so that all slabs of a scan are made alike."""
        self._settled = self.choice(scan, frame_shape)

    def _limit_gb(self) -> float:
        if self._memory_limit_gb is not None:
            return self._memory_limit_gb
        return float(psutil.virtual_memory().available / 1e9)

    def view_shapes(
        self, scan: Scan, frame_shape: tuple[int, int]
    ) -> dict[str, tuple[int, int]]:
        """Name the views: three slices through the middle, the newest projection."""
        del scan  # the frames say it all
        rows, n = frame_shape
        upright = dict.fromkeys(("slice_xz", "slice_yz", "projection"), (rows, n))
        return {"slice_xy": (n, n), **upright}

    def start(
        self, scan: Scan, frame_shape: tuple[int, int]
    ) -> ProjectionReconstruction:
        """Begin one scan; refuses one that cannot fit, with the figures."""
        devices = self._devices(scan, frame_shape)
        if devices:
            needed = self._host_bytes(scan, frame_shape, devices)
            self._refuse_beyond_limit(frame_shape, needed)
            return self._start_on(devices, scan, frame_shape)
        choice = self._choice_that_fits(scan, frame_shape)
        return FbpReconstruction(scan, frame_shape, self.parameters, choice)

    def _start_on(
        self, devices: Devices, scan: Scan, frame_shape: tuple[int, int]
    ) -> ResidentReconstruction:
        asked = self.parameters.method
        method: Method = "gridding" if asked == "auto" else asked
        where = ", ".join(ops.place for ops, _ in devices)
        choice = MethodChoice(method, f"{method} of frames that stay on {where}")
        store = ArrayStore(store_limits(devices))
        return ResidentReconstruction(
            scan, frame_shape, self.parameters, choice, devices, store
        )

    def _choice_that_fits(
        self, scan: Scan, frame_shape: tuple[int, int]
    ) -> MethodChoice:
        choice = self.choice(scan, frame_shape)
        needed = self._memory_bytes(scan, frame_shape, choice.method)
        self._refuse_beyond_limit(frame_shape, needed)
        return choice

    def _refuse_beyond_limit(self, frame_shape: tuple[int, int], needed: int) -> None:
        limit_gb = self._limit_gb()
        if needed / 1e9 > limit_gb:
            which = "free are" if self._memory_limit_gb is None else "the limit is"
            rows, columns = frame_shape
            raise InputError(
                f"reconstructing {rows} slices of {columns} x {columns} needs"
                f" {needed / 1e9:.2f} GB of memory, but {which} {limit_gb:.2f} GB"
            )
