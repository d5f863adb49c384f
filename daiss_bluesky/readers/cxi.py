"""CXI files and their NeXus sisters NXcxi_ptycho and NXptycho.

https://www.cxidb.org/cxi.html (version 1.6),
https://manual.nexusformat.org/classes/contributed_definitions/NXcxi_ptycho.html

Coordinates of both: z along the beam, y up, x to the left of one who looks along it.
A translation is where the sample is, so the probe is at its opposite on the sample.
Rows of a frame run along -y and columns along -x unless basis vectors say otherwise,
which takes that sign away again: row = y, column = x.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.readers.diffraction_frames import CenteredFrames, FlatFrames
from daiss_bluesky.readers.diffraction_stack import make_diffraction
from daiss_bluesky.readers.si_units import energy_kev, length_um

CXI_PIXEL_HAS_SIGNAL = 0x1000
"""The one bit of a mask that does not mean a bad pixel."""

ROWS_AND_COLUMNS = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
"""Directions of rows and columns (x, y, z) where a file has no basis vectors."""

_TRANSLATIONS = (
    "sample_1/geometry_1/translation", "sample_1/geometry/translation",
    "data_1/translation", "instrument_1/detector_1/translation",
    "sample/geometry/translation", "instrument/detector/translation",
)  # fmt: skip
_SAMPLE_AXES = ("sample_1/transformations", "sample/transformations", "data")
_FRAMES = (
    "data_1/data", "instrument_1/detector_1/data_1", "instrument_1/detector_1/data",
    "instrument/detector/data", "data/data",
)  # fmt: skip
_PROBES = (
    "instrument_1/source_1/illumination", "instrument_1/source_1/probe", "probe/data",
    "probe", "instrument/source/illumination",
)  # fmt: skip
_PHOTON_ENERGIES = (
    "instrument_1/beam_1/incident_beam_energy", "instrument_1/beam_1/energy",
    "instrument/beam/incident_beam_energy", "instrument/beam/energy",
    "instrument_1/source_1/energy",
)  # fmt: skip
_HIGHEST_PHOTON_KEV = 1e3
_MODES_NDIM = 3


def recognizes(file: Any) -> bool:
    """Tell whether frames and what a ptychography scan needs are where CXI has them."""
    return _find_entry(file) is not None


def read(
    file: Any, path: Path, lazy: Callable[[Any, Path], Any], center_px: float | None
) -> StoredDiffraction:
    """Read positions, optics, mask, darks and probe; frames stay in the file.

    In NXcxi_ptycho the source's energy is the ring's and the beam's is that of the
    photons; CXI means photons by the source's. What no photon has is not taken.
    """
    if center_px is not None:
        raise InputError(f"{path} is ptychography, which has no rotation center")
    entry = _find_entry(file)
    detector = _first(entry, ("instrument_1/detector_1", "instrument/detector"))
    dataset = _first(entry, _FRAMES)
    frames = lazy(dataset, path)
    if len(frames.shape) > _MODES_NDIM:
        frames = FlatFrames(frames)
    if bool(dataset.attrs.get("is_fft_shifted", False)):
        frames = CenteredFrames(frames)
    return make_diffraction(
        path,
        frames=frames,
        positions_um=_positions_um(entry, detector, path),
        record=_optics(entry, detector, path),
        darks=_darks(detector),
        mask=_mask(detector),
        probe=find_probe(entry),
    )


def _find_entry(file: Any) -> Any:
    """Find the entry that has frames and a definition or a name of ptychography."""
    for name, entry in file.items():
        if not hasattr(entry, "keys") or _first(entry, _FRAMES) is None:
            continue
        definition = entry["definition"][()] if "definition" in entry else b""
        if isinstance(definition, bytes):
            definition = definition.decode(errors="replace")
        if name == "entry_1" or "ptycho" in str(definition).lower():
            return entry
    return None


def _first(group: Any, names: tuple[str, ...]) -> Any:
    """Give the first that is there and leads somewhere."""
    return next((group[name] for name in names if group.get(name) is not None), None)


def _positions_um(entry: Any, detector: Any, path: Path) -> NDArray[np.float64]:
    """Give rows and columns of the probe on the sample, (n, 2)."""
    translation = _first(entry, _TRANSLATIONS)
    if translation is not None:
        moved = np.atleast_2d(length_um(translation, path))
    else:
        moved = _from_axes(entry, path)
    if moved.ndim != 2 or moved.shape[1] not in (2, 3):  # noqa: PLR2004
        raise InputError(
            f"the translations in {path} have shape {moved.shape}, expected (frame, 3)"
        )
    along = ROWS_AND_COLUMNS[:, : moved.shape[1]]
    basis = None if detector is None else detector.get("basis_vectors")
    if basis is not None:
        along = _directions(basis, path)[:, : moved.shape[1]]
    return np.asarray(-moved @ along.T)


def _from_axes(entry: Any, path: Path) -> NDArray[np.float64]:
    """Read x and y of NXsample or NXdata: one value a frame, raster or not."""
    for name in _SAMPLE_AXES:
        group = entry.get(name)
        if group is not None and "x" in group and "y" in group:
            x, y = (length_um(group[axis], path).ravel() for axis in "xy")
            if len(x) != len(y):
                raise InputError(
                    f"{path} has {len(x)} positions in x but {len(y)} in y"
                )
            return np.stack([x, y], axis=1)
    raise InputError(f"{path} has diffraction frames but no positions of the sample")


def _directions(basis: Any, path: Path) -> NDArray[np.float64]:
    """Give unit vectors of rows and columns; files have them as rows or as columns."""
    vectors = np.asarray(basis[()], np.float64)
    vectors = vectors.reshape(-1, *vectors.shape[-2:])[0]
    if vectors.shape == (3, 2):
        vectors = vectors.T
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if vectors.shape != (2, 3) or not (lengths > 0).all():
        raise InputError(
            f"the basis vectors of the detector in {path} have shape {basis.shape},"
            " expected two vectors of three numbers"
        )
    return np.asarray(vectors / lengths)


def _optics(entry: Any, detector: Any, path: Path) -> dict[str, Any]:
    record: dict[str, Any] = {"energy_kev": _photon_energy_kev(entry, path)}
    name = _first(entry, ("sample_1/name", "sample/name"))
    if name is not None:
        text = name[()]
        record["sample"] = text.decode() if isinstance(text, bytes) else str(text)
    if detector is None:
        return record
    field = detector.attrs.get("field")
    record["field"] = None if field is None else str(field)
    if "distance" in detector:
        distance_um = length_um(detector["distance"], path)
        record["distance_mm"] = float(distance_um.ravel()[0]) * 1e-3
    sizes = [
        float(length_um(detector[f"{axis}_pixel_size"], path).ravel()[0])
        for axis in "yx"
        if f"{axis}_pixel_size" in detector
    ]
    if sizes and not np.allclose(sizes, sizes[0], rtol=1e-4):
        raise InputError(
            f"the detector in {path} has pixels of {sizes[0]:g} by {sizes[1]:g} µm;"
            " only square ones are read"
        )
    record["detector_pixel_um"] = sizes[0] if sizes else None
    return record


def _photon_energy_kev(entry: Any, path: Path) -> float | None:
    for name in _PHOTON_ENERGIES:
        if entry.get(name) is not None:
            found = energy_kev(entry[name], path)
            if found < _HIGHEST_PHOTON_KEV:
                return found
    return None


def _darks(detector: Any) -> NDArray[Any] | None:
    if detector is None or detector.get("data_dark") is None:
        return None
    darks: NDArray[Any] = detector["data_dark"][()]
    return darks[None] if darks.ndim == 2 else darks  # noqa: PLR2004


def _mask(detector: Any) -> NDArray[np.bool_] | None:
    """Read the mask, True where bad; a pixel bad in one frame is so in all."""
    found = None if detector is None else _first(detector, ("mask", "pixel_mask"))
    if found is None:
        return None
    bits = np.asarray(found[()]).astype(np.uint32)
    bad = (bits & np.uint32(~np.uint32(CXI_PIXEL_HAS_SIGNAL))) != 0
    return np.asarray(bad.reshape(-1, *bad.shape[-2:]).any(axis=0))


def find_probe(entry: Any) -> NDArray[Any] | None:
    """Read the probe; where NeXus has the word `x-ray` there is none."""
    for name in _PROBES:
        probe = entry.get(name)
        if probe is not None and getattr(probe, "dtype", np.dtype("S")).kind == "c":
            return np.asarray(probe[()])
    return None
