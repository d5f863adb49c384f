"""`daiss bench gpu`: tomography whose frames stay on a GPU, beside what the GPU can do.

Also `python -m daiss_bluesky.bench.gpu`, which needs no beamline packages. Frames are
a blob with noise, in a ring of a few in the host's memory, which are read again.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.resident_reconstruction import ResidentReconstruction
from daiss_bluesky.bench.gpu_peers import peer_rows
from daiss_bluesky.bench.measuring import seconds
from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKind
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.devices import find_gpus
from daiss_bluesky.kernels.gridding import Grid

BATCH = 32
RING = 64
"""Frames that are there to be read."""

PAGANIN = {"delta_beta": 100.0, "energy_kev": 20.0, "distance_mm": 100.0,
           "pixel_size_um": 1.0}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GpuCase:
    """Shape of one scan over half a turn."""

    name: str
    n_angles: int
    rows: int
    columns: int

    @property
    def raw_bytes(self) -> int:
        """Of all projections, two a pixel."""
        return 2 * self.n_angles * self.rows * self.columns

    @property
    def volume_bytes(self) -> int:
        """In single precision."""
        return 4 * self.rows * self.columns**2

    @property
    def fft_operations(self) -> float:
        """Of transforms of rows and slices, two slices in a complex number."""
        grid = Grid(self.rows, self.columns)
        length, size = grid.row_plan.length, grid.size
        pairs = self.rows / 2
        rows = 5 * length * np.log2(length) * self.n_angles * pairs
        return float(rows + 5 * size**2 * np.log2(size**2) * pairs)


CUBE = GpuCase("2048 cube", 2048, 2048, 2048)
SMALL = GpuCase("400 of 520 x 768", 400, 520, 768)
ODD = GpuCase("odd", 1201, 1023, 1537)


class Feed:
    """Frames of one case, without end."""

    def __init__(
        self, case: GpuCase, algorithm: Callable[..., FbpAlgorithm] = FbpAlgorithm
    ) -> None:
        self.algorithm = algorithm
        rng = np.random.default_rng(0)
        shape = RING, case.rows, case.columns
        y, x = np.ogrid[-1 : 1 : case.rows * 1j, -1 : 1 : case.columns * 1j]
        light = 30_000 * np.exp(-1.5 * np.clip(1 - x**2 - 0.2 * y**2, 0, None))
        self.case = case
        self.ring = rng.integers(0, 600, shape, np.uint16)
        self.ring += light.astype(np.uint16)
        turns = np.arange(case.n_angles, dtype=np.float64) / case.n_angles
        self.angles_rad: NDArray[np.float64] = np.pi * turns

    def calibration(self) -> Iterator[Batch]:
        """Give darks and flats."""
        for kind, level in (("dark", 100), ("flat", 33_000)):
            frames = np.full((2, self.case.rows, self.case.columns), level, np.uint16)
            frames += self.ring[:2] // 256
            yield _batch(kind, 0, frames, np.zeros(2))  # type: ignore[arg-type]

    def projections(self) -> Iterator[Batch]:
        """Give all, some at a time."""
        for first in range(0, self.case.n_angles, BATCH):
            angles = self.angles_rad[first : first + BATCH]
            at = first % RING
            yield _batch("projection", first, self.ring[at : at + len(angles)], angles)


def _batch(
    kind: FrameKind, first: int, pixels: NDArray[Any], angles: NDArray[np.float64]
) -> Batch:
    n = len(angles)
    times_s = np.arange(first, first + n, dtype=np.float64)
    return Batch(kind, kind, first + np.arange(n), angles, times_s, pixels[:n])


def begin(feed: Feed, **parameters: Any) -> ResidentReconstruction:
    """Start a reconstruction on the first GPU, darks and flats in it."""
    case = feed.case
    scan = Scan(run_uid="gpu", counts={"projection": case.n_angles, "flat": 2},
                center_px=case.columns / 2 + 0.3)  # fmt: skip
    algorithm = feed.algorithm(device="cuda:0", **parameters)
    started = algorithm.start(scan, (case.rows, case.columns))
    if not isinstance(started, ResidentReconstruction):
        raise UnavailableError("the benchmark of a GPU needs one")
    for batch in feed.calibration():
        started.add(batch)
    return started


def whole_scan(feed: Feed, **parameters: Any) -> dict[str, Any]:
    """Time set-up, reading all frames, and the volume on the device; then it again."""
    began_s = time.perf_counter()
    reconstruction = begin(feed, **parameters)
    reconstruction.wait()
    setup_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    for batch in feed.projections():
        reconstruction.add(batch)
    reconstruction.wait()
    read_s = time.perf_counter() - began_s
    reconstruction.device_volume()
    reconstruction.wait()
    total_s = time.perf_counter() - began_s
    stated_gb = reconstruction.device_bytes / 1e9
    held_gb = reconstruction.held_bytes() / 1e9
    again_s = []
    for _ in range(2):
        reconstruction.set_center(feed.case.columns / 2 + 0.1)
        again_s.append(seconds(partial(_volume, reconstruction)))
    reconstruction.close()
    return {
        "setup_s": setup_s, "upload_s": read_s, "from_host_s": total_s,
        "resident_s": min(again_s), "stated_gb": stated_gb, "held_gb": held_gb,
    }  # fmt: skip


def _volume(reconstruction: ResidentReconstruction) -> None:
    reconstruction.device_volume()
    reconstruction.wait()


def live_scan(feed: Feed, looks: int = 8, **parameters: Any) -> dict[str, Any]:
    """Time arrival with three slices live, each look at them, and the tail."""
    reconstruction = begin(feed, **parameters)
    batches = list(feed.projections())
    for batch in batches[:2]:
        reconstruction.add(batch)
    reconstruction.views()
    reconstruction.wait()
    every = max(1, len(batches) // looks)
    looks_s = []
    began_s = time.perf_counter()
    for number, batch in enumerate(batches[2:], 3):
        reconstruction.add(batch)
        if number % every == 0:
            looks_s.append(seconds(reconstruction.views))
    reconstruction.wait()
    arrival_s = time.perf_counter() - began_s
    tail_s = seconds(partial(_volume, reconstruction))
    moved_s = []
    rows, columns = feed.case.rows, feed.case.columns
    for step in range(3):
        place = rows // 3 + step, columns // 3, columns // 2
        moved_s.append(seconds(partial(reconstruction.slices, *place)))
    held_gb = reconstruction.held_bytes() / 1e9
    stated_gb = reconstruction.device_bytes / 1e9
    finish_s = seconds(lambda: reconstruction.finish(lambda _: iter(())))
    read = feed.case.raw_bytes * (len(batches) - 2) / len(batches)
    return {
        "arrival_gb_per_s": read / arrival_s / 1e9, "look_s": float(np.median(looks_s)),
        "tail_s": tail_s, "moved_slices_s": min(moved_s), "finish_on_host_s": finish_s,
        "stated_gb": stated_gb, "held_gb": held_gb,
    }  # fmt: skip


def three_planes(feed: Feed, side: int = 1024, **parameters: Any) -> dict[str, Any]:
    """Time three pictures of `side`² from new frames, and once one has moved."""
    rows, columns = feed.case.rows, feed.case.columns
    step = columns / side
    middle = (rows - 1) / 2, (columns - 1) / 2, (columns - 1) / 2
    planes = [
        Plane(middle, down, across, (side, side))
        for down, across in (
            ((0, step, 0), (0, 0, step)),
            ((step, 0, 0), (0, 0, step)),
            ((step, 0, 0), (0, step, 0)),
        )
    ]
    tilted = Plane((middle[0] - 20, *middle[1:]), (0.3, step, 0), (0, 0, step),
                   (side, side))  # fmt: skip
    reconstruction = begin(feed, **parameters)
    _new_data(feed, reconstruction, planes)
    new_s, moved_s = [], []
    for _ in range(4):
        reconstruction.restart()
        new_s.append(seconds(partial(_new_data, feed, reconstruction, planes)))
        moved_s.append(seconds(partial(reconstruction.cuts, [tilted])))
    reconstruction.close()
    return {"new_data_s": min(new_s), "moved_plane_s": min(moved_s)}


def _new_data(
    feed: Feed, reconstruction: ResidentReconstruction, planes: list[Plane]
) -> None:
    for batch in feed.projections():
        reconstruction.add(batch)
    reconstruction.cuts(planes)


def bench_gpu(
    cube: int | None = None,
    *,
    peers: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure on the first GPU; the cube's side is 2048 unless it is given."""
    gpus = find_gpus()
    if not gpus.found:
        raise UnavailableError(f"no GPU to measure: {gpus.why_none}")
    from daiss_bluesky.kernels.cuda.limits import measure_limits  # noqa: PLC0415

    told("limits of the device")
    limits = measure_limits()
    case = CUBE if cube is None else GpuCase(f"{cube} cube", cube, cube, cube)
    rows = []
    for row in _rows(case, told):
        rows.append(row)
        told(json.dumps(row))
    if peers:
        rows += peer_rows(told)
    return {"device": str(gpus.found[0]), "limits": limits,
            "rows": [_beside(row, limits) for row in rows]}  # fmt: skip


def _rows(case: GpuCase, told: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    feed = Feed(case)
    both = {"phase": PAGANIN, "stripes": "sorting"}
    plans: list[tuple[str, Callable[..., dict[str, Any]], Feed, dict[str, Any]]] = [
        ("batch, the first of all", whole_scan, feed, {}),
        ("batch", whole_scan, feed, {}),
        ("batch, half precision", whole_scan, feed, {"precision": "half"}),
        ("batch, sorting and Paganin, their first", whole_scan, feed, both),
        ("batch, sorting and Paganin", whole_scan, feed, both),
        ("live", live_scan, feed, {}),
        ("three planes", three_planes, Feed(SMALL), {}),
        ("live", live_scan, Feed(SMALL), {}),
        ("batch", whole_scan, Feed(ODD), {}),
    ]
    for name, measure, fed, parameters in plans:
        told(f"{name}: {fed.case.name}")
        try:
            found = measure(fed, **parameters)
        except UnavailableError as error:
            found = {"refused": str(error)}
        about = asdict(fed.case)
        case = about.pop("name")
        yield {"case": case, "name": name, **about, **_counted(fed.case), **found}


def _counted(case: GpuCase) -> dict[str, float]:
    return {
        "least_bytes": case.raw_bytes + case.volume_bytes,
        "fft_operations": case.fft_operations,
    }


def _beside(row: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    """Add which part of the measured ceilings a volume from resident frames reaches."""
    if "resident_s" not in row:
        return row
    bytes_s = row["least_bytes"] / (1e9 * limits["copy_gb_per_s"])
    fft_s = row["fft_operations"] / (1e9 * limits["fft_gflop_per_s"])
    upload_s = 2 * row["n_angles"] * row["rows"] * row["columns"]
    upload_s /= 1e9 * limits["upload_gb_per_s"]
    return {
        **row,
        "of_bandwidth": bytes_s / row["resident_s"],
        "of_fft": fft_s / row["resident_s"],
        "of_upload": upload_s / row["upload_s"],
    }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cube", type=int, default=None, help="side of the cube")
    parser.add_argument("--peers", action="store_true", help="PyTorch and ASTRA beside")
    given = parser.parse_args()

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    print(json.dumps(bench_gpu(given.cube, peers=given.peers, told=told)))  # noqa: T201


if __name__ == "__main__":
    main()
