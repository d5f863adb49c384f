"""`daiss bench ptychography`: speed, first image, final result, beside every peer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from daiss_bluesky.algorithms.ptychography.refinement import one_pass
from daiss_bluesky.bench import plain_rpie
from daiss_bluesky.bench.diffraction_cases import DiffractionCase
from daiss_bluesky.bench.live_ptychography import live_figures
from daiss_bluesky.bench.measuring import paired_ratio
from daiss_bluesky.bench.plain_rpie import PlainRpie
from daiss_bluesky.bench.ptychography_peers import PEERS, Pass, Scan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.kernels.ptychography import Solver
from daiss_bluesky.kernels.ptychography_guess import scaled, sweep
from daiss_bluesky.kernels.ptychography_modes import widen
from daiss_bluesky.kernels.ptychography_step import Step

RUNS = 3
OUR_PASSES = 4
"""Of ours, to one of a peer: they are too short to time alone."""
PEER_FRAMES = 128
"""Peers are timed on the first so many."""
FIRST = 32
"""Frames the probe is found from."""
ONE_MODE = Step()
WITH_POSITIONS = Step(position_step=1.0)


def bench_case(
    case: DiffractionCase, *, peers: bool, told: Callable[[str], None] = lambda _: None
) -> Iterator[dict[str, Any]]:
    """Measure a case; one row for each way, ours first, then the live scan."""
    if case.missing:
        yield {"case": case.name, "name": "daiss", "missing": case.missing}
        return
    told(f"case {case.name}: frames")
    stored = case.stored()
    scan = _scan(stored)
    for way in (_own_rows(scan), _peer_rows(scan, peers, told)):
        for row in way:
            yield {"case": case.name} | row
    told(f"case {case.name}: live")
    yield {"case": case.name, "name": "daiss: live"} | live_figures(case, stored)


def _scan(stored: StoredDiffraction) -> Scan:
    pixels = stored.frames[:]
    frames = np.asarray(np.fft.ifftshift(pixels, axes=(-2, -1)), np.uint16)
    positions_px = stored.positions_px
    if stored.probe is None:
        probe = sweep(frames[:FIRST], positions_px[:FIRST])
    else:
        probe = stored.probe[0]
    light = float(frames[:FIRST].sum(axis=(1, 2), dtype=np.float64).max())
    return Scan(frames, positions_px, scaled(probe, light))


def _ours(scan: Scan, modes: int, step: Step) -> tuple[Pass, Solver]:
    solver = Solver(widen(scan.probe, modes) if modes > 1 else scan.probe)
    solver.add(scan.frames, scan.positions_px)
    solver.canvas.corners(solver.positions)
    everything = np.arange(solver.count)

    def passes() -> None:
        for number in range(OUR_PASSES):
            one_pass(solver, everything, number, step)

    return passes, solver


def _plain(scan: Scan) -> PlainRpie:
    corners = np.rint(scan.positions_px).astype(np.int64)
    return PlainRpie(scan.frames, corners - corners.min(axis=0), scan.probe)


def _own_rows(scan: Scan) -> Iterator[dict[str, Any]]:
    """Give one mode, and what the final result takes: three modes and positions."""
    visits, plain = OUR_PASSES * len(scan.frames), _plain(scan)
    plain_per_s = 0.0
    for name, modes, step in (
        ("daiss: one mode", 1, ONE_MODE),
        ("daiss: three modes, positions", 3, WITH_POSITIONS),
    ):
        ours, _ = _ours(scan, modes, step)
        ours()
        own_s, plain_s, ratio = paired_ratio(ours, plain.one_pass, RUNS)
        yield {
            "name": name,
            "frame_iterations_per_s": visits / own_s,
            "times_plain": ratio * OUR_PASSES,
        }
        plain_per_s = max(plain_per_s, len(scan.frames) / plain_s)
    yield {"name": plain_rpie.NAME, "frame_iterations_per_s": plain_per_s}


def _peer_rows(
    scan: Scan, wanted: bool, told: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    few = Scan(scan.frames[:PEER_FRAMES], scan.positions_px[:PEER_FRAMES], scan.probe)
    for peer in PEERS if wanted else ():
        if not peer.is_importable:
            yield {"name": peer.name, "missing": peer.install}
            continue
        told(peer.name)
        theirs, (ours, _) = peer.prepare(few), _ours(few, 1, ONE_MODE)
        theirs()
        ours()
        _, peer_s, ratio = paired_ratio(ours, theirs, RUNS)
        yield {
            "name": peer.name,
            "frame_iterations_per_s": len(few.frames) / peer_s,
            "times_ours": ratio * OUR_PASSES,
        }
