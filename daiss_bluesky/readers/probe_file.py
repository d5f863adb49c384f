"""A probe of an earlier run, alone: npy, npz, or a CXI file with or without frames."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.readers.cxi import find_probe
from daiss_bluesky.readers.diffraction_stack import as_modes

PROBE = "probe"


def read_probe(path: str | Path) -> NDArray[np.complex64]:
    """Read a probe (mode, row, column), by content whatever the extension.

    Of an npz file the array `probe`, of HDF5 where CXI and other programs keep it.
    Raises InputError for a file without one.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"probe file {path} does not exist or is not a file")
    found = _from_hdf5(path) if h5py.is_hdf5(path) else _from_numpy(path)
    if found is None:
        raise InputError(f"{path} holds no probe")
    return as_modes(path, found)


def _from_hdf5(path: Path) -> NDArray[Any] | None:
    with h5py.File(path, "r") as file:
        entries = (entry for entry in file.values() if hasattr(entry, "keys"))
        probes = (find_probe(entry) for entry in entries)
        return next((probe for probe in probes if probe is not None), None)


def _from_numpy(path: Path) -> NDArray[Any] | None:
    try:
        # Opened here, because np.load leaves a file it cannot read open.
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            return found[PROBE] if PROBE in found.files else None
    except (BadZipFile, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path} is no file of NumPy or HDF5: {error}") from None
