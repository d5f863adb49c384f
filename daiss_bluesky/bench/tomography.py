"""`daiss bench tomography`: time, memory and error beside every peer there is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import SUMS, Method
from daiss_bluesky.algorithms.backends.registry import BACKENDS, load_peer
from daiss_bluesky.algorithms.method_choice import Prediction, predict
from daiss_bluesky.bench import plain_gridrec
from daiss_bluesky.bench.arrival import tail_at_rate_s
from daiss_bluesky.bench.cases import Case
from daiss_bluesky.bench.measuring import (
    gain_and_error,
    paired_ratio,
    peak_memory,
    seconds,
)
from daiss_bluesky.kernels.method_speeds import measure_speeds

BATCH = 32
RUNS = 3
SLOW_S = 5.0
"""What takes longer is run once, and so not a median."""

Volume = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ours:
    """One of our own ways."""

    method: Method
    filter: str

    @property
    def name(self) -> str:
        """As shown."""
        return f"daiss:{self.method} {self.filter}"


OURS = (
    Ours("gridding", "sharp"),
    Ours("gridding", "ramp"),
    Ours("backprojection", "ramp"),
)


def bench_case(
    case: Case,
    *,
    peers: bool,
    arrival_fps: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[dict[str, Any]]:
    """Measure a case; gives one row for each way, ours first, then each peer.

    With a rate, ours are also given frames as they would arrive.
    """
    told(f"case {case.name}: line integrals")
    p, truth = case.projections(), case.truth()
    predictions = predict(case.rows, case.columns, measure_speeds())
    for way in OURS:
        told(f"case {case.name}: {way.name}")
        row = _own_row(case, way, p, truth) | _predicted(predictions[way.method])
        if arrival_fps is not None:
            tail_s = tail_at_rate_s(case, SUMS[way.method], way.filter, p, arrival_fps)
            row |= {"arrival_fps": arrival_fps, "tail_at_fps_ms": 1e3 * tail_s}
        yield row
    direct = [one for one in BACKENDS.values() if one.iterations is None]
    for backend in direct if peers else ():
        if not backend.is_importable:
            yield {"case": case.name, "name": backend.name, "missing": backend.install}
            continue
        told(f"case {case.name}: {backend.name}")
        yield _peer_row(case, backend.name, load_peer(backend), p, truth)
        if backend.name == "tomopy:gridrec":
            plain = plain_gridrec.reconstruct
            yield _peer_row(
                case, plain_gridrec.NAME, plain, p, truth, plain_gridrec.placed
            )


def _predicted(prediction: Prediction) -> dict[str, float]:
    return {
        "predicted_frames_per_s": prediction.frames_per_s,
        "predicted_tail_ms": 1e3 * prediction.tail_s,
    }


def _own_row(case: Case, way: Ours, p: Volume, truth: Volume) -> dict[str, Any]:
    _reconstruct(case, way, p[:, :1])
    with peak_memory() as peak:
        volume = _reconstruct(case, way, p)
    gain, error = gain_and_error(volume[case.judged], truth)
    del volume
    first_s = seconds(lambda: _reconstruct(case, way, p))
    runs = RUNS if first_s < SLOW_S else 1
    again = range(runs - 1)
    times_s = [first_s, *(seconds(lambda: _reconstruct(case, way, p)) for _ in again)]
    return {
        "case": case.name,
        "name": way.name,
        "ms_per_slice": 1e3 * float(np.median(times_s)) / case.rows,
        "peak_gb": peak.bytes / 1e9,
        "gain": gain,
        "error": error,
        **_streamed(case, way, p, runs),
    }


def _reconstruct(case: Case, way: Ours, p: Volume) -> Volume:
    total = SUMS[way.method](p.shape[1:], way.filter)
    for first in range(0, case.n_angles, BATCH):
        part = slice(first, first + BATCH)
        total.add(p[part], case.angles_rad[part], case.weights[part], case.center_px)
    return total.volume(1.0)


def _streamed(case: Case, way: Ours, p: Volume, runs: int) -> dict[str, float]:
    """Feed frames as a detector would, look at slices that moved, and at the end."""
    times_s = np.array([_stream_once(case, way, p) for _ in range(runs)])
    feed_s, slices_s, tail_s, tail_cpu_s = np.median(times_s, axis=0)
    worst_s = times_s[:, 2].max()
    return {
        "frames_per_s": float(case.n_angles / feed_s),
        "three_slices_ms": float(1e3 * slices_s),
        "tail_ms": float(1e3 * tail_s),
        "longest_tail_ms": float(1e3 * worst_s),
        "tail_cpu_ms": float(1e3 * tail_cpu_s),
    }


def _stream_once(case: Case, way: Ours, p: Volume) -> tuple[float, ...]:
    total = SUMS[way.method]((case.rows, case.columns), way.filter)

    def feed() -> None:
        for first in range(0, case.n_angles, BATCH):
            part = slice(first, first + BATCH)
            angles, weights = case.angles_rad[part], case.weights[part]
            total.add(p[part], angles, weights, case.center_px)

    z, middle = case.rows // 3, case.columns // 3
    feed_s = seconds(feed)
    slices_s = seconds(lambda: total.slices(z, middle, middle, 1.0))
    # Beside the time, what all threads together work: other programs do not add to it.
    began_s = time.process_time()
    tail_s = seconds(lambda: total.volume(1.0))
    return feed_s, slices_s, tail_s, time.process_time() - began_s


def _peer_row(
    case: Case,
    name: str,
    peer: Callable[..., Volume],
    p: Volume,
    truth: Volume,
    place: Callable[[Volume], Volume] = lambda found: found,
) -> dict[str, Any]:
    """Measure a peer; `place`, which takes no part in its time, puts slices as ours."""
    judged = case.judged
    # One more, so that two cores have as much to do.
    timed = np.ascontiguousarray(p[:, judged.start : judged.stop + 1])
    per_slice = timed.shape[1]
    began_s = time.perf_counter()
    with peak_memory() as peak:
        found = peer(timed, case.angles_rad, case.center_px)
    runs = RUNS if time.perf_counter() - began_s < SLOW_S else 1
    gain, error = gain_and_error(place(found)[: judged.stop - judged.start], truth)
    own_s, peer_s, _ = paired_ratio(
        lambda: _reconstruct(case, OURS[0], p),
        lambda: peer(timed, case.angles_rad, case.center_px),
        runs,
    )
    own_ms, peer_ms = 1e3 * own_s / case.rows, 1e3 * peer_s / per_slice
    return {
        "case": case.name,
        "name": name,
        "ms_per_slice": peer_ms,
        "times_ours": peer_ms / own_ms,
        "peak_gb": peak.bytes / 1e9,
        "slices": per_slice,
        "gain": gain,
        "error": error,
    }
