"""What others make of as many slices on the same GPU, where they can be imported."""

import importlib
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from daiss_bluesky.core.errors import UnavailableError

SLICES, SIDE, ANGLES = 16, 2048, 2048
"""Whole volumes are this, times the number of slices."""

_RUNS = 1


def peer_rows(told: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Time filtered backprojection of a few slices, line integrals on the GPU."""
    for name, module, measure in (
        ("PyTorch grid_sample", "torch", _torch),
        ("ASTRA FBP_CUDA", "astra", _astra),
    ):
        row = {
            "case": "slices",
            "name": name,
            "rows": SLICES,
            "columns": SIDE,
            "n_angles": ANGLES,
        }
        if find_spec(module) is None:
            yield {**row, "missing": module}
            continue
        told(name)
        try:
            found: dict[str, Any] = {"s_per_slice": measure() / SLICES}
        except Exception as error:  # noqa: BLE001 - no peer may cost our own figures
            found = {"failed": f"{type(error).__name__}: {error}"}
        yield row | found


def _torch() -> float:
    """Ramp by FFT, then grid_sample for each angle, all slices as channels."""
    torch = importlib.import_module("torch")
    p = torch.rand(ANGLES, SLICES, SIDE, device="cuda")
    ramp = torch.fft.rfftfreq(2 * SIDE, device="cuda")
    axis = (torch.arange(SIDE, device="cuda") - (SIDE - 1) / 2) / (SIDE / 2)
    y, x = torch.meshgrid(axis, axis, indexing="ij")

    def run() -> None:
        q = torch.fft.irfft(torch.fft.rfft(p, 2 * SIDE) * ramp)[..., :SIDE]
        volume = torch.zeros(SLICES, SIDE, SIDE, device="cuda")
        for number in range(ANGLES):
            angle = np.pi * number / ANGLES
            s = x * np.cos(angle) + y * np.sin(angle)
            at = torch.stack([s, torch.zeros_like(s)], -1)[None]
            line = q[number][None, :, None]
            volume += torch.nn.functional.grid_sample(line, at, align_corners=False)[0]
        torch.cuda.synchronize()

    return _least_s(run)


def _astra() -> float:
    astra = importlib.import_module("astra")
    angles = np.linspace(0, np.pi, ANGLES, endpoint=False)
    projected = astra.create_proj_geom("parallel", 1.0, SIDE, angles)
    placed = astra.create_vol_geom(SIDE, SIDE)
    p = np.random.default_rng(0).random((ANGLES, SIDE), np.float32)
    given = astra.data2d.create("-sino", projected, p)
    found = astra.data2d.create("-vol", placed)
    settings = astra.astra_dict("FBP_CUDA")
    settings |= {"ProjectionDataId": given, "ReconstructionDataId": found}
    algorithm = astra.algorithm.create(settings)
    least_s = _least_s(lambda: astra.algorithm.run(algorithm))
    # Without a device it is quick, and only prints why.
    if not astra.data2d.get(found).any():
        raise UnavailableError("ASTRA made an empty slice")
    return SLICES * least_s


def _least_s(run: Callable[[], object]) -> float:
    run()
    times_s = []
    for _ in range(_RUNS):
        began_s = time.perf_counter()
        run()
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)
