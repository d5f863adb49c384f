"""A finished ptychogram as a CXI file that is an NXcxi_ptycho file as well.

https://www.cxidb.org/cxi.html (version 1.6),
https://manual.nexusformat.org/classes/contributed_definitions/NXcxi_ptycho.html

Everything is in SI units. Where the two disagree CXI wins, since that is what programs
read: `source_1/energy` is that of the photons. `image_1` is the probe, `image_2` the
object; `probe/data` and `object/data` lead to the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import KEV_UM, PtychographyScan
from daiss_bluesky.publishers.cxi_frames import LinkedFrames, write_frames

CXI_VERSION = 160
CXI_PIXEL_IS_INVALID = 0x1
KEV_J = 1.602176634e-16


@dataclass(frozen=True, slots=True, eq=False)
class Ptychogram:
    """What a ptychographic reconstruction ends with."""

    object: NDArray[np.complex64]
    """(row, column)."""
    probe: NDArray[np.complex64]
    """(mode, row, column)."""
    positions_um: NDArray[np.float64]
    """(frame, 2), row and column, refined where that was done."""
    origin_um: tuple[float, float]
    """The position of a probe whose first pixel lies on the first of the object."""
    measured_um: NDArray[np.float64] | None = None
    """Positions before refinement."""
    mask: NDArray[np.bool_] | None = None
    """(row, column) of the detector, True where bad."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: what process_1 holds, by name; plain values and arrays."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.object.ndim != 2 or self.probe.ndim != 3:  # noqa: PLR2004
            raise InputError(
                f"an object of shape {self.object.shape} and a probe of"
                f" {self.probe.shape} came, expected (row, column) and (mode, row,"
                " column)"
            )
        for name in ("positions_um", "measured_um"):
            found = getattr(self, name)
            if found is not None and found.shape != (len(self.positions_um), 2):
                raise InputError(f"{name} has shape {found.shape}, expected (frame, 2)")


def write_cxi(
    path: Path,
    scan: PtychographyScan,
    result: Ptychogram,
    frames: NDArray[Any] | LinkedFrames | None = None,
) -> None:
    """Write it; frames are copied, or stay where they are and are linked.

    Raises InputError for a file that is there, and where the size of a pixel of the
    object is not known. What could not be written whole is removed.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.absolute().parent} to write into")
    pixel_um = scan.object_pixel_um(_shape(result.probe))
    try:
        file = h5py.File(path, "x")
    except FileExistsError:
        raise InputError(f"{path} is there already; name another output") from None
    try:
        with file:
            _write(file, path, scan, result, frames, pixel_um)
    except BaseException:
        path.unlink()
        raise


def _shape(image: NDArray[Any]) -> tuple[int, int]:
    return int(image.shape[-2]), int(image.shape[-1])


def _write(
    file: Any,
    path: Path,
    scan: PtychographyScan,
    result: Ptychogram,
    frames: NDArray[Any] | LinkedFrames | None,
    pixel_um: tuple[float, float],
) -> None:
    file["cxi_version"] = CXI_VERSION
    file.attrs["default"] = "entry_1"
    entry = _group(file, "entry_1", "NXentry")
    entry.attrs["default"] = "object"
    entry["definition"] = "NXptycho"
    entry["title"] = scan.sample
    entry["experiment_identifier"] = scan.run_uid
    _write_sample(entry, scan, result)
    _write_instrument(entry, scan, result)
    _write_image(entry, 1, "probe", result.probe, pixel_um)
    _write_image(entry, 2, "object", result.object, pixel_um)
    _put(entry["image_2"], "origin", _xyz(np.array([result.origin_um]))[0])
    data = _group(entry, "data_1", "NXcollection")
    data["translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")
    if frames is not None:
        detector = entry["instrument_1/detector_1"]
        write_frames(detector, path, frames, len(result.positions_um))
        data["data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
    process = _group(entry, "process_1", "NXprocess")
    for key, value in {"program": "daiss_bluesky", **result.metadata}.items():
        process[key] = "" if value is None else value


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _put(group: Any, name: str, value: Any, units: str = "m") -> Any:
    group[name] = value
    group[name].attrs["units"] = units
    return group[name]


def _xyz(positions_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the sample's place in meters for rows and columns of the probe on it.

    The sample is where the probe is not, and rows run along -y, columns along -x.
    """
    down, across = positions_um.T * 1e-6
    return np.stack([across, down, np.zeros_like(down)], axis=1)


def _write_sample(entry: Any, scan: PtychographyScan, result: Ptychogram) -> None:
    sample = _group(entry, "sample_1", "NXsample")
    sample["name"] = scan.sample
    geometry = _group(sample, "geometry_1", "NXcollection")
    moved = _xyz(result.positions_um)
    translation = _put(geometry, "translation", moved)
    translation.attrs["axes"], translation.attrs["interpretation"] = (
        "translation:y:x",
        "image",
    )
    if result.measured_um is not None:
        _put(geometry, "translation_measured", _xyz(result.measured_um))
    axes = _group(sample, "transformations", "NXtransformations")
    for i, (name, depends_on) in enumerate({"x": ".", "y": "x"}.items()):
        axis = _put(axes, name, moved[:, i])
        axis.attrs["transformation_type"] = "translation"
        axis.attrs["vector"] = np.eye(3)[i]
        axis.attrs["depends_on"] = depends_on


def _write_instrument(entry: Any, scan: PtychographyScan, result: Ptychogram) -> None:
    instrument = _group(entry, "instrument_1", "NXinstrument")
    source = _group(instrument, "source_1", "NXsource")
    source["probe"] = "x-ray"
    source["illumination"] = h5py.SoftLink("/entry_1/image_1/data")
    if scan.energy_kev is not None:
        _put(source, "energy", scan.energy_kev * KEV_J, "J")
        _put(source, "wavelength", KEV_UM / scan.energy_kev * 1e-6)
        beam = _group(instrument, "beam_1", "NXbeam")
        for name in ("energy", "incident_beam_energy"):
            _put(beam, name, scan.energy_kev * KEV_J, "J")
    detector = _group(instrument, "detector_1", "NXdetector")
    detector.attrs["field"] = scan.field
    detector["translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")
    if result.mask is not None:
        detector["mask"] = np.where(result.mask, CXI_PIXEL_IS_INVALID, 0).astype("u4")
    if scan.distance_mm is not None:
        _put(detector, "distance", scan.distance_mm * 1e-3)
    if scan.detector_pixel_um is not None:
        _write_pixels(detector, scan.detector_pixel_um * 1e-6, _shape(result.probe))


def _write_pixels(detector: Any, pixel_m: float, shape: tuple[int, int]) -> None:
    for axis, n in zip("yx", shape, strict=True):
        _put(detector, f"{axis}_pixel_size", pixel_m)
        # Of the middle of pixel n // 2, counted from the detector's edge.
        _put(detector, f"beam_center_{axis}", (n // 2 + 0.5) * pixel_m)
    _put(
        detector,
        "basis_vectors",
        np.array([[0.0, -pixel_m, 0.0], [-pixel_m, 0.0, 0.0]]).T,
    )


def _write_image(
    entry: Any,
    number: int,
    name: str,
    image: NDArray[np.complex64],
    pixel_um: tuple[float, float],
) -> None:
    group = _group(entry, f"image_{number}", "NXcollection")
    data = group.create_dataset("data", data=image)
    data.attrs["axes"] = "y:x" if image.ndim == 2 else "mode:y:x"  # noqa: PLR2004
    group["data_type"], group["data_space"] = "amplitude", "real"
    group["dimensionality"] = 2
    height, width = (n * p * 1e-6 for n, p in zip(_shape(image), pixel_um, strict=True))
    _put(group, "image_size", np.array([width, height, 0.0]))
    group["process_1"] = h5py.SoftLink("/entry_1/process_1")
    shown = _group(entry, name, "NXdata")
    shown.attrs["signal"] = "data"
    shown["data"] = h5py.SoftLink(f"/entry_1/image_{number}/data")
    for axis, size_um in zip("yx", pixel_um, strict=True):
        _put(shown, f"{axis}_pixel_size", size_um * 1e-6)
