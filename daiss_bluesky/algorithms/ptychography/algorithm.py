"""Ptychography by rPIE, while the scan runs."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import psutil
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Optics
from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.reconstruction import (
    PtychographyReconstruction,
)
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PTYCHOGRAPHY_KEY, PtychographyScan
from daiss_bluesky.kernels.propagation import FresnelPropagator
from daiss_bluesky.kernels.ptychography import check_shape

BATCH_FRAMES = 32
"""That an engine brings at once."""

UNREADABLE = (OSError, KeyError, ValueError, EOFError, BadZipFile)
"""What NumPy raises for files that are not its own."""

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
        self._bad = _read_mask(self.parameters.mask)
        self._memory_limit_gb = memory_limit_gb

    def memory_bytes(self, scan: PtychographyScan, frame_shape: tuple[int, int]) -> int:
        """Tell how much memory a reconstruction will hold at most.

        Frames as they came (twice where they had to be put in order), the object three
        times and what compares its halves, room for the waves of one group, also three
        times, and a batch in float64 less its dark.
        """
        pixels = int(np.prod(frame_shape))
        rows, columns = self._canvas_shape(scan, frame_shape)
        frames = 4 * (scan.n_frames or 4096) * 2 * pixels
        waves = 3 * 8 * (24 + 10 * self.parameters.modes) * pixels
        batch = 3 * 8 * BATCH_FRAMES * pixels
        return BASE_BYTES + frames + 240 * rows * columns + waves + batch

    def _canvas_shape(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> tuple[int, int]:
        planned = scan.positions_um
        if planned is None or len(planned) < 2:  # noqa: PLR2004 - no extent
            return 4 * frame_shape[0], 4 * frame_shape[1]
        at = np.array(planned) / np.array(scan.object_pixel_um(frame_shape))
        at = at - np.array(frame_shape) // 2
        size = np.ceil(at.max(axis=0)) - np.floor(at.min(axis=0)) + frame_shape
        return int(size[0]), int(size[1])

    def view_shapes(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> dict[str, tuple[int, int]]:
        """Name the views that have a size before the first frame."""
        shapes = dict.fromkeys(("diffraction", "probe"), frame_shape)
        if scan.positions_um is not None and len(scan.positions_um) > 1:
            names = ("object_phase", "object_amplitude", "coverage")
            shapes |= dict.fromkeys(names, self._canvas_shape(scan, frame_shape))
        return shapes

    def start(
        self, scan: PtychographyScan, frame_shape: tuple[int, int]
    ) -> PtychographyReconstruction:
        """Begin one scan; refuses one that cannot fit or whose optics are unknown."""
        check_shape(frame_shape)
        for name, given in (("probe", self._probe), ("mask", self._bad)):
            if given is not None and given.shape[-2:] != frame_shape:
                raise InputError(
                    f"the {name} is {given.shape[-2]} x {given.shape[-1]} pixels but"
                    f" the frames are {frame_shape[0]} x {frame_shape[1]}"
                )
        self._check_memory(scan, frame_shape)
        optics = Optics(
            frame_shape,
            scan.object_pixel_um(frame_shape),
            transfer=_transfer(scan, frame_shape),
            bad=self._bad,
            saturation_counts=self.parameters.saturation_counts,
        )
        return PtychographyReconstruction(scan, self.parameters, optics, self._probe)

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
    if path is None:
        return None
    try:
        with Path(path).expanduser().open("rb") as file:
            held = np.load(file, allow_pickle=False)
            probe = None if isinstance(held, np.ndarray) else held["probe"]
    except UNREADABLE as error:
        raise InputError(f"probe file {path} cannot be read: {error}") from None
    if probe is None:
        raise InputError(f"probe file {path} is an array: an npz with probe is due")
    if probe.ndim not in (2, 3) or not np.isfinite(probe).all() or not probe.any():
        raise InputError(
            f"the probe of {path} has shape {probe.shape}: finite values"
            " (mode, row, column) are expected, not all of them 0"
        )
    return np.asarray(probe, np.complex64).reshape(-1, *probe.shape[-2:])


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
