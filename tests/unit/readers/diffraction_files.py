"""Writes the same small ptychography scan in every format that is read."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction

N, SHAPE = 12, (8, 10)
ENERGY_KEV, DISTANCE_MM, PIXEL_UM = 6.2, 1500.0, 75.0
KEV_J = 1.602176634e-16


def make_scan() -> StoredDiffraction:
    rng = np.random.default_rng(3)
    parts = rng.normal(size=(2, 2, *SHAPE))
    mask = np.zeros(SHAPE, bool)
    mask[2, 7] = True
    return StoredDiffraction(
        scan=PtychographyScan.parse(
            {
                "run_uid": "made",
                "energy_kev": ENERGY_KEV,
                "distance_mm": DISTANCE_MM,
                "detector_pixel_um": PIXEL_UM,
            },
            "the test",
        ),
        frames=rng.poisson(5.0, (N, *SHAPE)).astype(np.uint16),
        frame_indices=np.arange(N),
        positions_um=rng.uniform(-3, 9, (N, 2)),
        times_s=np.linspace(0.0, 1.1, N),
        darks=rng.poisson(0.2, (2, *SHAPE)).astype(np.uint16),
        mask=mask,
        probe=(parts[0] + 1j * parts[1]).astype(np.complex64),
    )


def _write(path: Path, entry: str, datasets: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            if values is not None:
                file[f"{entry}/{name}"] = values
    return path


def translations(stored: StoredDiffraction) -> NDArray[np.float64]:
    """As CXI has them: x, y, z of the sample in meters."""
    down, across = stored.positions_um.T * 1e-6
    return np.stack([across, down, 0 * down], axis=1)


def write_npz(path: Path, stored: StoredDiffraction, **changes: Any) -> Path:
    arrays = {
        "data": np.fft.ifftshift(stored.frames, axes=(1, 2)),
        "positions_px": stored.positions_um,
        "mask": None if stored.mask is None else np.fft.ifftshift(stored.mask),
        "probe": stored.probe,
    } | changes
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def write_cxi(path: Path, stored: StoredDiffraction, **changes: Any) -> Path:
    assert stored.mask is not None
    detector = "instrument_1/detector_1"
    datasets = {
        "data_1/data": stored.frames,
        f"{detector}/distance": DISTANCE_MM * 1e-3,
        f"{detector}/x_pixel_size": PIXEL_UM * 1e-6,
        f"{detector}/y_pixel_size": PIXEL_UM * 1e-6,
        f"{detector}/mask": np.where(stored.mask, 0x8, 0x1000).astype(np.uint32),
        f"{detector}/data_dark": stored.darks,
        "instrument_1/source_1/energy": ENERGY_KEV * KEV_J,
        "instrument_1/source_1/illumination": stored.probe,
        "sample_1/geometry_1/translation": translations(stored),
    } | changes
    return _write(path, "entry_1", datasets)


def write_nexus(path: Path, stored: StoredDiffraction, **changes: Any) -> Path:
    """NXcxi_ptycho of a raster, the beam in keV, the ring in GeV, motors in mm."""
    x, y, _ = translations(stored).T.reshape(3, 3, 4) * 1e3
    detector = "instrument_1/detector_1"
    datasets = {
        "definition": "NXcxi_ptycho",
        f"{detector}/data": stored.frames.reshape(3, 4, *SHAPE),
        f"{detector}/distance": DISTANCE_MM,
        f"{detector}/x_pixel_size": PIXEL_UM,
        f"{detector}/y_pixel_size": PIXEL_UM,
        f"{detector}/mask": stored.mask,
        "instrument_1/source_1/energy": 3.0,
        "instrument_1/source_1/probe": "x-ray",
        "instrument_1/beam_1/incident_beam_energy": ENERGY_KEV,
        "sample_1/transformations/x": x,
        "sample_1/transformations/y": y,
        "sample_1/name": "star",
    } | changes
    units = {"x": "mm", "y": "mm", "distance": "mm", "energy": "GeV"}
    units |= {"x_pixel_size": "um", "y_pixel_size": "µm", "incident_beam_energy": "keV"}
    _write(path, "recorded", datasets)
    with h5py.File(path, "r+") as file:
        for name in datasets:
            unit = units.get(name.rpartition("/")[2])
            if unit and f"recorded/{name}" in file:
                file[f"recorded/{name}"].attrs["units"] = unit
    return path


def write_camera(path: Path, stored: StoredDiffraction, **changes: Any) -> Path:
    """Two darks, then the frames, as the twin's camera writes them."""
    n_darks = len(stored.darks)
    positions = np.concatenate([np.zeros((n_darks, 2)), stored.positions_um])
    attributes = {
        "piezo_y": positions[:, 0],
        "piezo_x": positions[:, 1],
        "FrameType": np.repeat([1, 0], [n_darks, N]).astype(np.int32),
        "NDArrayTimeStamp": np.r_[np.arange(-n_darks, 0.0), stored.times_s],
        "energy_kev": np.full(n_darks + N, ENERGY_KEV),
        "distance_mm": np.full(n_darks + N, DISTANCE_MM),
        "detector_pixel_um": np.full(n_darks + N, PIXEL_UM),
    } | changes
    with h5py.File(path, "w", libver="latest") as file:
        file["entry/data/data"] = np.concatenate([stored.darks, stored.frames])
        for name, values in attributes.items():
            if values is not None:
                file[f"entry/instrument/NDAttributes/{name}"] = values
    return path
