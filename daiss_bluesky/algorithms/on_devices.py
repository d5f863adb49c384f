"""Whether a scan is reconstructed on GPUs, and with how much memory there and here."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import psutil

from daiss_bluesky.algorithms.device_part import Chain
from daiss_bluesky.algorithms.device_plan import (
    SHARE,
    DeviceCase,
    DevicePlan,
    plan_device,
)
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.offset_axis import widest_shape
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.registry import load
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.devices import choose_device
from daiss_bluesky.kernels.operators import Operators
from daiss_bluesky.kernels.phase import padded_shape

Devices = list[tuple[Operators, DevicePlan]]

MANY_ANGLES = 3
"""Projections for each column, where nothing says how many will come."""

PINNED_BYTES = 1 << 29
"""Of the host's memory, that frames pass through on their way to a device."""


def open_devices(parameters: FbpParameters) -> list[Operators]:
    """Give the GPUs that parameters ask for and that are there; none: the CPU."""
    chosen = choose_device(parameters.device)
    if not chosen.gpus:
        return []
    make: Any = load("daiss_bluesky.kernels.cuda.operators:CudaOperators")
    half = parameters.precision == "half"
    return [make(gpu.number, half=half) for gpu in chosen.gpus]


@dataclass(frozen=True, slots=True)
class Fit:
    """Devices with a plan each, or why there is none."""

    devices: Devices
    why_not: str | None = None


def fit(
    operators: Sequence[Operators],
    parameters: FbpParameters,
    scan: Scan,
    frame_shape: tuple[int, int],
) -> Fit:
    """Plan for a scan whose rows are dealt out to devices."""
    cases = _cases(len(operators), parameters, scan, frame_shape)
    devices: Devices = []
    for ops, case in zip(operators, cases, strict=True):
        if case.stripes and case.n_frames > ops.most_sorted:
            return Fit(
                [],
                f"{ops.place} sorts the stripes of {ops.most_sorted} projections at"
                f" most, not of {case.n_frames}",
            )
        free = ops.free_bytes() * SHARE
        if parameters.device_memory_gb is not None:
            free = min(free, parameters.device_memory_gb * 1e9)
        if (plan := plan_device(case, ops, int(free))) is None:
            return Fit(
                [],
                f"{free / 1e9:.2f} GB on {ops.place} are too few for"
                f" {case.n_frames} projections of {frame_shape[0]} x {frame_shape[1]}",
            )
        devices.append((ops, plan))
    return Fit(devices)


def refuse_or_leave(parameters: FbpParameters, why_not: str) -> None:
    """Refuse a scan that does not fit on the GPU asked for; auto takes the CPU."""
    if parameters.device != "auto":
        raise InputError(f"{why_not}: device auto or cpu would take the CPU")


def _cases(
    count: int, parameters: FbpParameters, scan: Scan, frame_shape: tuple[int, int]
) -> list[DeviceCase]:
    width = widest_shape(parameters, scan, frame_shape)[1]
    chain = Chain.of(parameters, scan, frame_shape)
    cases = []
    for rows in part_rows(frame_shape[0], count):
        held = chain.held(rows)
        shape = held.stop - held.start, frame_shape[1]
        cases.append(
            DeviceCase(
                n_frames=scan.n_projections or MANY_ANGLES * frame_shape[1],
                frame_shape=shape,
                rows=rows.stop - rows.start,
                width=width,
                stripes=parameters.needs_whole_sinograms,
                padded=_padded(chain, shape),
            )
        )
    return cases


def _padded(chain: Chain, shape: tuple[int, int]) -> int:
    """Count the pixels of a frame that phase retrieval transforms, if it does."""
    if chain.phase is None:
        return 0
    tall, wide = padded_shape(*shape, chain.phase.margin_px)
    return tall * (wide + 2)


def part_rows(rows: int, count: int) -> list[slice]:
    """Deal rows out to so many devices."""
    edges: list[int] = np.linspace(0, rows, count + 1).astype(int).tolist()
    return [slice(top, bottom) for top, bottom in pairwise(edges)]


def store_limits(devices: Devices) -> dict[str, int]:
    """Give the bytes that each device, and the host for it, may hold by name.

    On the host more than was stated, for frames of more bytes a pixel than usual.
    """
    stated = sum(plan.host_frames_bytes for _, plan in devices)
    limits = {"cpu": max(stated, int(psutil.virtual_memory().available) // 2)}
    for ops, plan in devices:
        room = plan.frames_bytes + plan.bytes
        limits[ops.place] = limits.get(ops.place, 0) + room
    return limits
