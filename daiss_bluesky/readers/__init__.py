"""Readers of stored scans: npz, DXchange, NXtomo and areaDetector HDF5 files."""

from pathlib import Path

from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.stored import StoredScan

_READERS = {
    ".npz": "daiss_bluesky.readers.npz:open_npz",
    ".h5": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".hdf5": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".hdf": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".nxs": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".nx": "daiss_bluesky.readers.hdf5:open_hdf5",
}
_SIGNATURES = {b"PK\x03\x04": ".npz", b"\x89HDF": ".h5"}


def open_scan(path: str | Path, *, center_px: float | None = None) -> StoredScan:
    """Open a stored tomography scan, whatever its format.

    The content decides, the extension only where the content says nothing. HDF5
    frames are read when they are used, npz frames at once. `center_px` is noted in
    the scan as the user's rotation center. Raises InputError, one sentence, for a
    file that cannot be read or makes no complete scan.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"scan file {path} does not exist or is not a file")
    try:
        with path.open("rb") as file:
            signature = file.read(4)
    except OSError as error:
        raise InputError(f"scan file {path} cannot be read: {error.strerror}") from None
    kind = _SIGNATURES.get(signature, path.suffix.lower())
    if kind not in _READERS:
        raise unknown(f"format of scan file {path.name}", path.suffix, _READERS)
    stored: StoredScan = load(_READERS[kind])(path, center_px)
    return stored
