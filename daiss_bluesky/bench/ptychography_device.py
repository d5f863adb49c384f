"""Ptychography on a GPU: frame-iterations a second, and of what they are a part.

`python -m daiss_bluesky.bench.ptychography_device` needs nothing of bluesky.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from daiss_bluesky.algorithms.ptychography.refinement import one_pass
from daiss_bluesky.bench.diffraction_cases import (
    DiffractionCase,
    MeasuredCase,
    PhantomCase,
)
from daiss_bluesky.bench.live_ptychography import live_figures
from daiss_bluesky.bench.measuring import seconds
from daiss_bluesky.core.stored_batches import count_frames
from daiss_bluesky.kernels.cuda.limits import fft_pairs_per_s, measure_limits
from daiss_bluesky.kernels.cuda.queue import DeviceQueue
from daiss_bluesky.kernels.devices import choose_device
from daiss_bluesky.kernels.ptychography_device import Bench, DeviceSolver
from daiss_bluesky.kernels.ptychography_solver import AnySolver, MakeSolver, forms_on
from daiss_bluesky.kernels.ptychography_step import Step

SIZES = (
    ((128, 128), 2048, (1, 3)),
    ((256, 256), 512, (1, 3)),
    ((512, 512), 128, (1,)),
    ((64, 64), 2048, (1,)),
    ((120, 96), 2048, (1,)),
)
"""Rows and columns, frames, and numbers of modes."""

RUNS = 5
LIVE_FRAMES = 516
STEP_PX = 12.0
"""Between neighbors of the made-up scan, in rows and columns."""


def device_rows(device: str) -> Iterator[dict[str, Any]]:
    """Measure all sizes on a GPU; one row for each."""
    chosen = choose_device(device)
    make = forms_on(chosen).make
    yield {"case": "ceiling", **measure_limits()}
    for shape, frames, numbers in SIZES:
        ceiling = fft_pairs_per_s(shape)
        for modes in numbers:
            solver = _random_solver(make, shape, frames, modes)
            for name, step in (
                ("object, probe", Step()),
                ("object, probe, positions", Step(position_step=1.0)),
            ):
                rate = _rate(solver, step)
                yield {
                    "case": f"{shape[0]} x {shape[1]}",
                    "name": f"{modes} modes: {name}",
                    "frame_iterations_per_s": rate,
                    "fft_pairs_ceiling_per_s": ceiling,
                    "of_ceiling": rate * modes / ceiling,
                }
    yield from host_rows(chosen.gpus[0].number)


def host_rows(number: int) -> Iterator[dict[str, Any]]:
    """Measure with frames in the memory of the host, as if the device were full."""
    (shape, frames, _), *_ = SIZES
    make = partial(DeviceSolver, bench=Bench(DeviceQueue(number)), frame_bytes=0)
    solver = _random_solver(make, shape, frames, 1)
    rate = _rate(solver, Step())
    yield {
        "case": f"{shape[0]} x {shape[1]}",
        "name": "1 modes: object, probe, frames in the host's memory",
        "frame_iterations_per_s": rate,
        "gb_per_s": 2e-9 * rate * shape[0] * shape[1],
    }


def _rate(solver: AnySolver, step: Step) -> float:
    everything = np.arange(solver.count)
    one_pass(solver, everything, 0, step)
    took_s = [
        seconds(partial(one_pass, solver, everything, number, step))
        for number in range(RUNS)
    ]
    return float(solver.count / np.median(took_s))


def _random_solver(
    make: MakeSolver, shape: tuple[int, int], frames: int, modes: int
) -> AnySolver:
    """Give a solver of frames that nothing explains, on a square of positions."""
    rng = np.random.default_rng(0)
    probe = rng.normal(size=(modes, *shape)) + 1j * rng.normal(size=(modes, *shape))
    solver = make(probe.astype(np.complex64))
    side = int(np.ceil(np.sqrt(frames)))
    number = np.arange(frames)
    at = STEP_PX * np.stack([number // side, number % side], axis=1)
    solver.add(rng.integers(0, 20, (frames, *shape), np.uint16), at + 0.3)
    return solver


def main() -> None:
    """Print JSON, a line each: the device, what it reaches, and a live scan."""
    device = "cuda:0" if len(sys.argv) < 2 else sys.argv[1]  # noqa: PLR2004
    _tell({"device": str(choose_device(device))})
    cases: tuple[DiffractionCase, ...] = (
        MeasuredCase(),
        PhantomCase(n_frames=LIVE_FRAMES),
    )
    for case in cases:
        if case.missing:
            _tell({"case": case.name, "missing": case.missing})
            continue
        stored = case.stored()
        live = live_figures(case, stored, device=device)
        _tell({"case": case.name, "frames": count_frames(stored)} | live)
    for row in device_rows(device):
        _tell(row)


def _tell(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
