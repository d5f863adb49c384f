"""Readers of stored scans, of tomography and of ptychography, whatever their format."""

from pathlib import Path

from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction

_READERS = {
    ".npz": "daiss_bluesky.readers.npz:open_npz",
    ".h5": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".hdf5": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".hdf": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".nxs": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".nx": "daiss_bluesky.readers.hdf5:open_hdf5",
    ".cxi": "daiss_bluesky.readers.hdf5:open_hdf5",
}
_SIGNATURES = {b"PK\x03\x04": ".npz", b"\x89HDF": ".h5"}


_PARTS = "daiss_bluesky.readers.hdf5:open_parts"


def open_any(
    path: str | Path, *more: str | Path, center_px: float | None = None
) -> StoredScan | StoredDiffraction:
    """Open a stored scan of either technique, whatever its format.

    The content decides, the extension only where the content says nothing. HDF5
    frames are read when they are used, npz frames at once. `more` are further files
    of the same run, where the detector wrote several. `center_px` is noted in the
    scan as the user's rotation center. Raises InputError, one sentence, for a file
    that cannot be read or makes no complete scan.
    """
    paths = [Path(path), *map(Path, more)]
    kinds = [_kind(path) for path in paths]
    if more and any(kind == ".npz" for kind in kinds):
        raise InputError(f"an npz file is a whole scan, but {len(paths)} files came")
    stored: StoredScan | StoredDiffraction
    if more:
        stored = load(_PARTS)(paths, center_px)
    else:
        stored = load(_READERS[kinds[0]])(paths[0], center_px)
    return stored


def open_scan(
    path: str | Path, *more: str | Path, center_px: float | None = None
) -> StoredScan:
    """Open a stored tomography scan as `open_any` does; refuses ptychography."""
    stored = open_any(path, *more, center_px=center_px)
    if isinstance(stored, StoredScan):
        return stored
    close(stored)
    raise InputError(f"{path} holds a ptychography scan, not tomography")


def open_diffraction(path: str | Path, *more: str | Path) -> StoredDiffraction:
    """Open a stored ptychography scan as `open_any` does; refuses tomography."""
    stored = open_any(path, *more)
    if isinstance(stored, StoredDiffraction):
        return stored
    close(stored)
    raise InputError(f"{path} holds a tomography scan, not ptychography")


def holds_ptychography(path: Path) -> bool:
    """Tell the technique by a look at the file; what is no scan counts as tomography.

    Raises InputError for a file that is not there or of no known format.
    """
    look = {
        ".npz": "daiss_bluesky.readers.npz:holds_ptychography",
        ".h5": "daiss_bluesky.readers.hdf5:holds_ptychography",
    }
    found: bool = load(look.get(_kind(path), look[".h5"]))(path)
    return found


def close(stored: StoredScan | StoredDiffraction) -> None:
    """Close the files of a scan, if any are open."""
    frames = stored.projections if isinstance(stored, StoredScan) else stored.frames
    if hasattr(frames, "close"):
        frames.close()


def _kind(path: Path) -> str:
    """Tell the format by the first bytes, else by the extension."""
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
    return kind
