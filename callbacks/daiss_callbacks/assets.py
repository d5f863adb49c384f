"""Resource documents to image locations: which specs and MIME types are known."""

import posixpath
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_callbacks.locations import (
    AxisLocation,
    Hdf5Image,
    ImageLocation,
    NpyImage,
)
from daiss_callbacks.stream_view import IMAGE_NDIM, AxisView

AD_DATASET = "/entry/data/data"
"""Where NDFileHDF5's default layout has the frames."""

HDF5_SPECS = ("AD_HDF5", "AD_HDF5_SWMR")
NPY_SPEC = "NPY_SEQ"
SPECS = (*HDF5_SPECS, NPY_SPEC)

HDF5_MIMETYPES = ("application/x-hdf5", "application/x-hdf5;type=swmr")


def resource_problem(resource: Mapping[str, Any]) -> str | None:
    """Say why a resource's frames cannot be read, or None."""
    if resource["spec"] in SPECS:
        return None
    return (
        f"resource spec {resource['spec']!r} is not known (known: {', '.join(SPECS)})"
    )


def datum_images(
    resource: Mapping[str, Any], datum: Mapping[str, Any], frames_per_event: int
) -> list[ImageLocation]:
    """List the images of one datum, in order.

    areaDetector's `point_number` counts events over all streams of a run, so it says
    where in the file, never which frame of the stream.
    """
    kwargs, datum_kwargs = resource["resource_kwargs"], datum["datum_kwargs"]
    path = posixpath.join(resource.get("root") or "", resource["resource_path"])
    if resource["spec"] == NPY_SPEC:
        uri = f"{path}_{datum_kwargs['index']}.npy"
        n = frames_per_event
        return [NpyImage(uri, k if n > 1 else None) for k in range(n)]
    n = int(kwargs.get("frame_per_point") or 1)
    first = int(datum_kwargs.get("point_number", 0)) * n
    dataset = kwargs.get("path") or AD_DATASET
    return [Hdf5Image(path, dataset, first + k) for k in range(n)]


def stream_resource_problem(resource: Mapping[str, Any]) -> str | None:
    """Say why a stream resource's frames cannot be read, or None."""
    if resource.get("mimetype") not in HDF5_MIMETYPES:
        return (
            f"stream resource of MIME type {resource.get('mimetype')!r} is not known"
            f" (known: {HDF5_MIMETYPES[0]})"
        )
    return None


def stream_images(
    resource: Mapping[str, Any], index: int, frames_per_event: int
) -> list[ImageLocation]:
    """List the images of one index of a stream resource, in order."""
    dataset = resource["parameters"].get("dataset") or AD_DATASET
    first = index * frames_per_event
    return [
        Hdf5Image(resource["uri"], dataset, first + k) for k in range(frames_per_event)
    ]


def stream_values(
    resource: Mapping[str, Any], index: int, view: AxisView, frames_per_event: int
) -> list[AxisLocation]:
    """List where the values of an axis are for one index's frames, in order.

    An encoder captured by a trigger box has one for the event, an NDAttribute one for
    each frame.
    """
    n = frames_per_event
    each = view.values_per_event == n
    dataset = resource["parameters"].get("dataset", "")
    rows = [index * n + k if each else index for k in range(n)]
    return [AxisLocation(resource["uri"], dataset, row, view.factor) for row in rows]


def event_images(value: Any, dtype: str | None) -> list[NDArray[Any]] | None:
    """Split what an event holds into images; JSON has made a list of an array."""
    try:
        array = np.asarray(value, dtype=dtype if isinstance(value, list) else None)
    except (ValueError, TypeError):
        return None
    if array.dtype.kind not in "biuf" or array.size == 0:
        return None
    if array.ndim == IMAGE_NDIM:
        return [array]
    return list(array) if array.ndim == IMAGE_NDIM + 1 else None
