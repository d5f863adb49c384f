"""What a reconstruction on a device takes there, stated before anything is made."""

from dataclasses import dataclass

import numpy as np

from daiss_bluesky.algorithms.device_part import WORK_BYTES
from daiss_bluesky.algorithms.fields import MAX_FLAT_SUMS
from daiss_bluesky.kernels.operators import Operators

RAW_BYTES = 2
"""For a pixel, as cameras give it; wider ones take the host's memory sooner."""

SHARE = 0.9
"""Of what is free; the rest is for the driver, libraries and fragments."""

STEP = 16
"""Rows of a slab are a multiple of it, or all."""

STRIPE_ROWS = 64
"""Sinograms whose stripes are removed at once."""

MOST_SLAB_BYTES = 1 << 33
"""Of line integrals held at once, where more would gain nothing."""

_WORK_COPIES = 6
"""Of what is worked on at once: corrected, padded, transformed, filtered."""

_SLAB_COPIES = 2.5
"""Of a slab's line integrals: themselves, raw counts, and what is made of some."""

_PHASE_COPIES = 26
"""Of a frame as phase retrieval transforms it: the filter, and several at once."""

_STRIPE_COPIES = 4
"""Of sinograms that are sorted: in order, ranked, smoothed, and the places."""


@dataclass(frozen=True, slots=True)
class DeviceCase:
    """What must be known of a scan to plan for it."""

    n_frames: int
    frame_shape: tuple[int, int]
    """Of the rows the device holds."""
    rows: int
    """Slices it makes."""
    width: int
    """Of slices."""
    stripes: bool = False
    """Whether whole sinograms are sorted."""
    padded: int = 0
    """Pixels of a frame whose phase is retrieved, with what is added to them."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Bytes for one device, and how the volume is made there."""

    frames_bytes: int
    """That frames may take on the device."""
    host_frames_bytes: int
    """That they take on the host."""
    slab_rows: int
    """Slices whose line integrals are there at once."""
    keeps_volume: bool
    """Whether the volume stays on the device until it is whole."""
    keeps_filtered: bool
    """Whether frames filtered for backprojection stay, for slices anywhere."""
    bytes: int
    """On the device, with frames of RAW_BYTES a pixel."""


def plan_device(
    case: DeviceCase, operators: Operators, free_bytes: int
) -> DevicePlan | None:
    """Plan to stay within `free_bytes`; None where not even the smallest slab fits.

    Frames come first, then room for the volume, larger slabs, and filtered frames. What
    is left then is for frames of more bytes a pixel, or more of them, than was said.
    """
    frames = RAW_BYTES * case.n_frames * case.frame_shape[0] * case.frame_shape[1]
    height = min(STEP, case.rows)
    least = _making_bytes(case, operators, height, keeps=False)
    if least > free_bytes:
        return None
    keeps = frames + _making_bytes(case, operators, height, keeps=True) <= free_bytes
    on_device = min(frames, free_bytes - least)
    while height < case.rows:
        taller = min(2 * height, case.rows)
        making = _making_bytes(case, operators, taller, keeps=keeps)
        if on_device + making > free_bytes:
            break
        if _line_bytes(case, taller) > MOST_SLAB_BYTES:
            break
        height = taller
    making = _making_bytes(case, operators, height, keeps=keeps)
    filtered = np.dtype(operators.stored).itemsize * case.n_frames
    filtered *= case.rows * case.width
    keeps_filtered = frames + making + filtered <= free_bytes
    making += filtered if keeps_filtered else 0
    return DevicePlan(
        frames_bytes=free_bytes - making,
        host_frames_bytes=frames - on_device,
        slab_rows=height,
        keeps_volume=keeps,
        keeps_filtered=keeps_filtered,
        bytes=on_device + making,
    )


def _making_bytes(
    case: DeviceCase, operators: Operators, height: int, *, keeps: bool
) -> int:
    """Tell what there is beside the frames, with slabs of that height."""
    rows, columns = case.frame_shape
    fields = 4 * rows * columns * (MAX_FLAT_SUMS // 4 + 6)
    pictures = 4 * case.width * (case.width + 2 * case.rows)
    slices = 4 * case.width**2 * (case.rows if keeps else height)
    slab = _slab_bytes(case, operators, height)
    work = _WORK_COPIES * WORK_BYTES + 4 * _PHASE_COPIES * case.padded
    return fields + 2 * pictures + work + slices + slab


def _line_bytes(case: DeviceCase, rows: int) -> int:
    return 4 * case.n_frames * rows * max(case.frame_shape[1], case.width)


def _slab_bytes(case: DeviceCase, operators: Operators, rows: int) -> int:
    copies = _SLAB_COPIES + (case.width > case.frame_shape[1])
    made = operators.slab_bytes(rows, case.width, case.n_frames)
    if case.stripes:
        made += _STRIPE_COPIES * _line_bytes(case, min(rows, STRIPE_ROWS))
    return int(copies * _line_bytes(case, rows)) + made
