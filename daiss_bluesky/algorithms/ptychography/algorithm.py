"""Ptychography by rPIE, while the scan runs."""

import platform
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import psutil
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Optics
from daiss_bluesky.algorithms.ptychography.orientation import AUTO
from daiss_bluesky.algorithms.ptychography.parameters import (
    LAST,
    PtychographyParameters,
)
from daiss_bluesky.algorithms.ptychography.reconstruction import (
    PtychographyReconstruction,
)
from daiss_bluesky.algorithms.ptychography.views import empty_map
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.probe_store import ProbeStore
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY, PtychographyScan
from daiss_bluesky.core.registry import load
from daiss_bluesky.kernels.devices import choose_device
from daiss_bluesky.kernels.orientation import ORIENTATIONS, apply_orientation
from daiss_bluesky.kernels.propagation import FresnelPropagator
from daiss_bluesky.kernels.ptychography import check_shape
from daiss_bluesky.kernels.ptychography_pages import RESERVE_BYTES
from daiss_bluesky.kernels.ptychography_solver import forms_on

BATCH_FRAMES = 32
"""That an engine brings at once."""

UNREADABLE = (OSError, ValueError, EOFError, BadZipFile)
"""What NumPy raises for files that are not its own."""

TRIAL_BYTES = 2000
"""For each pixel, of the trials that tell the detector's orientation."""

READ_PROBE = "daiss_bluesky.readers.probe_file:read_probe"

BASE_BYTES = 350_000_000
"""Interpreter, libraries and compiled kernels."""


class RpieAlgorithm:
    """Starts reconstructions by rPIE; holds the parameters.

    Maiden, Johnson & Li, Optica 4 (2017) 736, on groups of frames in parallel.
    """

    name = "rpie"
    technique = PTYCHOGRAPHY_KEY

    def __init__(
        self, *, memory_limit_gb: float | None = None, **parameters: Any
    ) -> None:
        """Check the parameters; without a limit, what the machine has free counts."""
        what = "the parameters of rpie"
        self.parameters = PtychographyParameters.parse(parameters, what)
        self._probe = _read_probe(self.parameters.probe)
        self._store: ProbeStore | None = None
        self._bad = _read_mask(self.parameters.mask)
        self._memory_limit_gb = memory_limit_gb

    def device_name(self) -> str:
        """Name what it would compute on now."""
        gpus = choose_device(self.parameters.device).gpus
        return str(gpus[0]) if gpus else f"CPU {platform.machine()}"

    def with_guess(
        self,
        *,
        probe: NDArray[np.complex64] | None = None,
        bad: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Give the same with a probe and bad pixels, where the parameters name none."""
        other = copy(self)
        if other._probe is None:  # noqa: SLF001 - of its own kind
            other._probe = probe  # noqa: SLF001
        if other._bad is None:  # noqa: SLF001
            other._bad = bad  # noqa: SLF001
        return other

    def with_store(self, store: ProbeStore) -> Self:
        """Give the same, which leaves final probes there, and begins with the last."""
        other = copy(self)
        other._store = store  # noqa: SLF001 - of its own kind
        return other

    def memory_bytes(self, scan: PtychographyScan, frame_shape: tuple[int, int]) -> int:
        """Tell how much memory a reconstruction will hold at most.

        Frames as they came (twice where they had to be put in order), the object three
        times and what compares its halves, room for the waves of one group, also three
        times, a batch in float64 less its dark, and the trials of the orientation.
        """
        pixels = int(np.prod(frame_shape))
        rows, columns = self._canvas_shape(scan, frame_shape)
        frames = self._frame_bytes(2 * (scan.n_frames or 4096) * pixels)
        waves = 3 * 8 * (24 + 10 * self.parameters.modes) * pixels
        waves += TRIAL_BYTES * pixels
        batch = 3 * 8 * BATCH_FRAMES * pixels
        return BASE_BYTES + frames + 240 * rows * columns + waves + batch

    def _frame_bytes(self, once: int) -> int:
        """Tell what frames take on the host: on a GPU, what that has no room for."""
        gpus = choose_device(self.parameters.device).gpus
        if not gpus:
            return 4 * once
        room = gpus[0].memory_bytes - RESERVE_BYTES
        if self.parameters.device_memory_gb is not None:
            room = min(room, int(1e9 * self.parameters.device_memory_gb))
        return max(0, 2 * once - room)

    def _canvas_shape(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> tuple[int, int]:
        at_px = _planned_px(scan, frame_shape)
        if at_px is None:
            return 4 * frame_shape[0], 4 * frame_shape[1]
        size = np.ceil(at_px.max(axis=0)) - np.floor(at_px.min(axis=0)) + frame_shape
        return int(size[0]), int(size[1])

    def view_shapes(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> dict[str, tuple[int, int]]:
        """Name the views that are wanted first, where the plan tells their size."""
        if self.parameters.orientation == AUTO and frame_shape[0] != frame_shape[1]:
            return {}
        frame_shape = self._turned(frame_shape)
        at_px = _planned_px(scan, frame_shape)
        if at_px is None:
            return {}
        return {
            "map": empty_map(at_px, frame_shape).shape,
            "object_phase": self._canvas_shape(scan, frame_shape),
        }

    def start(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> PtychographyReconstruction:
        """Begin one scan; refuses one that cannot fit or whose optics are unknown."""
        check_shape(frame_shape)
        self._check_auto(scan)
        _check_size("mask", self._bad, frame_shape)
        _check_size("probe", self._probe, self._turned(frame_shape))
        self._check_memory(scan, frame_shape)
        optics = Optics(
            frame_shape,
            scan.object_pixel_um(frame_shape),
            bad=self._bad,
            saturation_counts=self.parameters.saturation_counts,
        ).turned(self._first_orientation)
        optics = replace(optics, transfer=_transfer(scan, optics.frame_shape))
        name, probe, store = _optics_name(scan, optics), self._probe, self._store
        if self.parameters.probe == LAST and store is not None:
            last = store.load(name)
            # The strongest mode: while the scan runs there is one.
            probe = None if last is None else np.asarray(last[:1], np.complex64)
        keep = None if store is None else partial(store.keep, name)
        most_gb = self.parameters.device_memory_gb
        forms = forms_on(
            choose_device(self.parameters.device),
            optics.frame_shape,
            self.parameters.modes,
            near=optics.transfer is not None,
            frame_bytes=None if most_gb is None else int(1e9 * most_gb),
        )
        return PtychographyReconstruction(
            scan, self.parameters, optics, probe, keep, forms
        )

    @property
    def _first_orientation(self) -> str:
        wanted = self.parameters.orientation
        return "none" if wanted == AUTO else wanted

    def _turned(self, frame_shape: tuple[int, int]) -> tuple[int, int]:
        empty = np.broadcast_to(np.uint8(0), frame_shape)
        rows, columns = apply_orientation(empty, self._first_orientation).shape
        return rows, columns

    def _check_auto(self, scan: PtychographyScan) -> None:
        if self.parameters.orientation == AUTO and scan.field == "near":
            raise InputError(
                "orientation = 'auto' needs far-field frames; for a near-field scan"
                f" set one of {', '.join(ORIENTATIONS)}"
            )

    def _check_memory(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> None:
        needed_gb = self.memory_bytes(scan, frame_shape) / 1e9
        limit_gb = self._memory_limit_gb or psutil.virtual_memory().available / 1e9
        if needed_gb > limit_gb:
            raise InputError(
                f"reconstructing {scan.n_frames} frames of {frame_shape[0]} x"
                f" {frame_shape[1]} needs {needed_gb:.2f} GB of memory, but the limit"
                f" is {limit_gb:.2f} GB"
            )


def _planned_px(
    scan: PtychographyScan, frame_shape: tuple[int, int]
) -> NDArray[np.float64] | None:
    """Give where the plan puts the probe's first pixel; None where it has no extent."""
    planned = scan.positions_um
    if planned is None or len(planned) < 2:  # noqa: PLR2004
        return None
    optics = Optics(frame_shape, scan.object_pixel_um(frame_shape))
    return optics.positions_px(np.array(planned))


def _check_size(
    name: str, given: NDArray[Any] | None, frame_shape: tuple[int, int]
) -> None:
    if given is not None and given.shape[-2:] != frame_shape:
        raise InputError(
            f"the {name} is {given.shape[-2]} x {given.shape[-1]} pixels but"
            f" the frames are {frame_shape[0]} x {frame_shape[1]}"
        )


def _optics_name(scan: PtychographyScan, optics: Optics) -> str:
    """Tell the optics apart for which a probe is good."""
    rows, columns = optics.frame_shape
    height_um, width_um = optics.pixel_um
    return (
        f"{scan.field} field, {rows} x {columns} pixels of {height_um:.5g} x"
        f" {width_um:.5g} um, {scan.energy_kev} keV, {scan.distance_mm} mm"
    )


def _transfer(
    scan: PtychographyScan, frame_shape: tuple[int, int]
) -> NDArray[np.complex128] | None:
    """Give what the space behind the sample does, where the detector is near."""
    if scan.field == "far":
        return None
    if scan.energy_kev is None or scan.distance_mm is None:
        raise InputError("a near-field scan needs energy_kev and distance_mm")
    pixel_m = 1e-6 * scan.object_pixel_um(frame_shape)[0]
    space = FresnelPropagator(1e-3 * scan.distance_mm, scan.energy_kev, pixel_m)
    return np.asarray(space.transfer(frame_shape), np.complex128)


def _read_probe(path: str | None) -> NDArray[np.complex64] | None:
    if path is None or path == LAST:
        return None
    probe: NDArray[np.complex64] = load(READ_PROBE)(Path(path).expanduser())
    if not (np.isfinite(probe).all() and probe.any()):
        raise InputError(f"the probe in {path} is all zero, NaN or infinite")
    return probe


def _read_mask(path: str | None) -> NDArray[np.bool_] | None:
    if path is None:
        return None
    try:
        with Path(path).expanduser().open("rb") as file:
            mask = np.load(file, allow_pickle=False)
    except UNREADABLE as error:
        raise InputError(f"mask file {path} cannot be read: {error}") from None
    if not isinstance(mask, np.ndarray) or mask.ndim != 2:  # noqa: PLR2004
        raise InputError(f"mask file {path} holds no array (row, column)")
    return mask.astype(bool)
