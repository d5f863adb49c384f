"""Pictures as files with all their values: TIFF for other programs, HDF5 for ours."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.viewers.model.picture import Picture

_DESCRIPTION, _X_RESOLUTION, _Y_RESOLUTION, _UNIT, _SOFTWARE = 270, 282, 283, 296, 305
_CENTIMETER = 3
_EXACT_IN_FLOAT32 = 1 << 24


def describe(picture: Picture) -> dict[str, Any]:
    """Say what a picture is, as JSON can hold it."""
    return {
        "result_uid": picture.result_uid,
        "view": picture.view,
        "update": picture.number,
        "published_s": picture.published_s,
        "pixel_size_um": picture.pixel_size_um,
        "rows_along": picture.rows_along,
        "columns_along": picture.columns_along,
        "place": picture.place,
        **dict(picture.facts),
    }


def save_tiff(path: Path, picture: Picture, pixels: NDArray[Any] | None = None) -> None:
    """Write a 32-bit float TIFF; what it is stands in its description as JSON.

    `pixels` replace those of the picture (a difference). InputError for complex
    pictures and for counts that float32 cannot hold, UnavailableError where the
    file cannot be written.
    """
    values = picture.pixels if pixels is None else pixels
    if np.iscomplexobj(values):
        raise InputError("a TIFF cannot hold complex values: expected HDF5 for these")
    if values.dtype.kind in "iu" and np.abs(values).max() > _EXACT_IN_FLOAT32:
        raise InputError(
            f"counts up to {values.max()} do not fit a float32 TIFF: expected HDF5"
        )
    tags = ImageFileDirectory_v2()
    tags[_DESCRIPTION] = json.dumps(describe(picture))
    tags[_SOFTWARE] = "daiss_bluesky"
    if picture.pixel_size_um is not None:
        tags[_X_RESOLUTION] = tags[_Y_RESOLUTION] = 1e4 / picture.pixel_size_um
        tags[_UNIT] = _CENTIMETER
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    try:
        image.save(path, format="TIFF", tiffinfo=tags)
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error}") from error


def save_hdf5(path: Path, picture: Picture, pixels: NDArray[Any] | None = None) -> None:
    """Write an NXdata group with the values as they are, complex ones too.

    UnavailableError where the file cannot be written.
    """
    try:
        with h5py.File(path, "w") as file:
            _fill(file, picture, picture.pixels if pixels is None else pixels)
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error}") from error


def _fill(file: h5py.File, picture: Picture, values: NDArray[Any]) -> None:
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs.update({"NX_class": "NXentry", "default": "picture"})
    group = entry.create_group("picture")
    axes = [picture.rows_along, picture.columns_along]
    known = picture.pixel_size_um is not None and axes[0] != axes[1]
    group.attrs.update({"NX_class": "NXdata", "signal": "data"})
    group.create_dataset("data", data=values, compression="gzip", shuffle=True)
    if picture.pixel_size_um is not None and known:
        group.attrs["axes"] = axes
        for name, length in zip(axes, picture.shape, strict=True):
            middles_um = (np.arange(length) + 0.5) * picture.pixel_size_um
            group.create_dataset(name, data=middles_um).attrs["units"] = "um"
    about = entry.create_group("about")
    about.attrs["NX_class"] = "NXcollection"
    for name, value in describe(picture).items():
        if value is not None:
            about[name.replace("/", "_")] = value
