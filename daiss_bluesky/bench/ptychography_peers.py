"""Other programs' ptychography, given the same frames; only their speed is compared.

Each is made ready once; one call is then one pass through all frames, in groups of as
many frames as ours, on the CPU.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.kernels.ptychography_step import GROUP

Pass = Callable[[], object]

_WAVELENGTH_M, _DETECTOR_PIXEL_M = 1e-10, 75e-6
"""Any: together with the distance they make a pixel of the object 1 micrometer."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a peer is given."""

    frames: NDArray[np.uint16]
    """(frame, row, column), zero frequency in the corner."""
    positions_px: NDArray[np.float64]
    """(frame, 2): first row and column of each patch."""
    probe: NDArray[np.complex64]
    """(row, column)"""


@dataclass(frozen=True, slots=True)
class PtychographyPeer:
    """A program that may be installed."""

    name: str
    modules: tuple[str, ...]
    install: str
    prepare: Callable[[Scan], Pass]

    @property
    def is_importable(self) -> bool:
        """Whether it is installed; not that it works."""
        return all(find_spec(module) is not None for module in self.modules)


def _pty_chi(scan: Scan) -> Pass:
    api: Any = import_module("ptychi.api")
    task_of: Any = import_module("ptychi.api.task")
    o: Any = api.RPIEOptions()
    o.data_options.data = scan.frames.astype(np.float32)
    o.data_options.fft_shift = False
    o.data_options.wavelength_m = _WAVELENGTH_M
    corners = scan.positions_px - scan.positions_px.min(axis=0)
    size = np.ceil(corners.max(axis=0)).astype(int) + scan.probe.shape + 4
    o.object_options.initial_guess = np.ones((1, *size), np.complex64)
    o.object_options.pixel_size_m = 1e-6
    o.probe_options.initial_guess = scan.probe[None, None]
    middle = corners - (corners.max(axis=0) + corners.min(axis=0)) / 2
    o.probe_position_options.position_y_px = middle[:, 0].astype(np.float32)
    o.probe_position_options.position_x_px = middle[:, 1].astype(np.float32)
    o.reconstructor_options.batch_size = GROUP
    o.reconstructor_options.num_epochs = 1000
    o.reconstructor_options.default_device = api.Devices.CPU
    task = task_of.PtychographyTask(o)
    return lambda: task.run(1)


def _cdtools(scan: Scan, model_name: str) -> Pass:
    datasets: Any = import_module("cdtools.datasets")
    models: Any = import_module("cdtools.models")
    side = scan.frames.shape[-1]
    distance_m = 1e-6 * side * _DETECTOR_PIXEL_M / _WAVELENGTH_M
    basis = _DETECTOR_PIXEL_M * np.array([[0.0, -1.0], [-1.0, 0.0], [0.0, 0.0]])
    # Its x runs along columns and its y up.
    y, x = 1e-6 * scan.positions_px.T
    data = datasets.Ptycho2DDataset(
        np.stack([-x, -y, np.zeros_like(x)], axis=1),
        np.fft.fftshift(scan.frames, axes=(-2, -1)).astype(np.float32),
        wavelength=_WAVELENGTH_M,
        detector_geometry={"distance": distance_m, "basis": basis, "corner": None},
        mask=np.ones(scan.frames.shape[1:], bool),
    )
    model = getattr(models, model_name).from_dataset(data)

    def one_pass() -> None:
        for _ in model.Adam_optimize(1, data, batch_size=GROUP, thread=False):
            pass

    return one_pass


PEERS = (
    PtychographyPeer(
        "Pty-Chi: rPIE", ("ptychi", "torch"), "pip install ptychi", _pty_chi
    ),
    PtychographyPeer(
        "cdtools: FancyPtycho",
        ("cdtools", "torch"),
        "pip install cdtools-py",
        partial(_cdtools, model_name="FancyPtycho"),
    ),
    # Its simplest: positions in whole pixels, like plain_rpie.
    PtychographyPeer(
        "cdtools: SimplePtycho",
        ("cdtools", "torch"),
        "pip install cdtools-py",
        partial(_cdtools, model_name="SimplePtycho"),
    ),
)
