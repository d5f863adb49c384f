"""`daiss bench ptychography`: speed, first image, final result, beside every peer."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from daiss_bluesky.algorithms.ptychography.refinement import one_pass
from daiss_bluesky.bench import plain_rpie
from daiss_bluesky.bench.diffraction_cases import DiffractionCase
from daiss_bluesky.bench.live_ptychography import live_figures
from daiss_bluesky.bench.measuring import paired_ratio, seconds
from daiss_bluesky.bench.plain_rpie import PlainRpie
from daiss_bluesky.bench.ptychography_peers import PEERS, Pass, Scan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.kernels.devices import choose_device
from daiss_bluesky.kernels.ptychography_guess import scaled, sweep
from daiss_bluesky.kernels.ptychography_modes import widen
from daiss_bluesky.kernels.ptychography_solver import MakeSolver, forms_on
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
    case: DiffractionCase,
    *,
    peers: bool,
    device: str = "auto",
    told: Callable[[str], None] = lambda _: None,
) -> Iterator[dict[str, Any]]:
    """Measure a case; one row for each way, ours first, then the live scan."""
    if case.missing:
        yield {"case": case.name, "name": "daiss", "missing": case.missing}
        return
    told(f"case {case.name}: frames")
    stored = case.stored()
    scan = _scan(stored)
    make = forms_on(choose_device(device)).make
    for way in (_own_rows(scan, make), _peer_rows(scan, make, peers, told)):
        for row in way:
            yield {"case": case.name} | row
    told(f"case {case.name}: live")
    yield {"case": case.name, "name": "daiss: live"} | live_figures(
        case, stored, device=device
    )


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


def _ours(scan: Scan, make: MakeSolver, modes: int, step: Step) -> Pass:
    solver = make(widen(scan.probe, modes) if modes > 1 else scan.probe)
    solver.add(scan.frames, scan.positions_px)
    solver.canvas.corners(solver.positions)
    everything = np.arange(solver.count)

    def passes() -> None:
        for number in range(OUR_PASSES):
            one_pass(solver, everything, number, step)

    return passes


def _plain(scan: Scan) -> PlainRpie:
    corners = np.rint(scan.positions_px).astype(np.int64)
    return PlainRpie(scan.frames, corners - corners.min(axis=0), scan.probe)


def _own_rows(scan: Scan, make: MakeSolver) -> Iterator[dict[str, Any]]:
    """Give one mode beside a plain rPIE, and what the final result takes."""
    visits, plain = OUR_PASSES * len(scan.frames), _plain(scan)
    ours = _ours(scan, make, 1, ONE_MODE)
    ours()
    own_s, plain_s, ratio = paired_ratio(ours, plain.one_pass, RUNS)
    yield {"name": "daiss: one mode", "frame_iterations_per_s": visits / own_s}
    ours = _ours(scan, make, 3, WITH_POSITIONS)
    ours()
    own_s = float(np.median([seconds(ours) for _ in range(RUNS)]))
    name = "daiss: three modes, positions"
    yield {"name": name, "frame_iterations_per_s": visits / own_s}
    yield {
        "name": plain_rpie.NAME,
        "frame_iterations_per_s": len(scan.frames) / plain_s,
        "times_ours": ratio * OUR_PASSES,
    }


def _peer_rows(
    scan: Scan, make: MakeSolver, wanted: bool, told: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    few = Scan(scan.frames[:PEER_FRAMES], scan.positions_px[:PEER_FRAMES], scan.probe)
    for peer in PEERS if wanted else ():
        if not peer.is_importable:
            yield {"name": peer.name, "missing": peer.install}
            continue
        told(peer.name)
        theirs, ours = peer.prepare(few), _ours(few, make, 1, ONE_MODE)
        theirs()
        ours()
        _, peer_s, ratio = paired_ratio(ours, theirs, RUNS)
        yield {
            "name": peer.name,
            "frame_iterations_per_s": len(few.frames) / peer_s,
            "times_ours": ratio * OUR_PASSES,
        }
