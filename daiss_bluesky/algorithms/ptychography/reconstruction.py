"""One ptychographic scan: the object grows with every block of frames."""

import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Intake, Optics, Taken
from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.refinement import (
    half_data_resolution_px,
    refined,
    total,
)
from daiss_bluesky.algorithms.ptychography.slope import level
from daiss_bluesky.algorithms.ptychography.views import Pictures, illumination
from daiss_bluesky.algorithms.ptychography.visits import BLOCK, Visits
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import (
    Arrays,
    OnStep,
    Progress,
    Reread,
    nobody_watches,
)
from daiss_bluesky.kernels.overlap import find_overlap
from daiss_bluesky.kernels.ptychography import GROUP, Solver
from daiss_bluesky.kernels.ptychography_probe import guess_probe
from daiss_bluesky.kernels.ptychography_step import Misfit, Step

Complex = NDArray[np.complex64]

RECENT_GROUPS = 32
"""Groups whose residual stands for that of the object while the scan runs."""


class PtychographyReconstruction:
    """Takes frames and positions; what it shows depends on these and nothing else."""

    def __init__(
        self,
        scan: PtychographyScan,
        parameters: PtychographyParameters,
        optics: Optics,
        probe: Complex | None = None,
    ) -> None:
        """Begin; `probe` (mode, row, column) where it is known."""
        self._scan = scan
        self._parameters = parameters
        self._optics = optics
        self._given = probe
        self._intake = Intake(optics)
        self._update_object = parameters.update_object
        self._update_probe = parameters.update_probe
        self._begin()

    def _begin(self) -> None:
        self._pictures = Pictures(self._scan, self._optics)
        self._waiting: list[Taken] = []
        self._indices: list[int] = []
        self._newest_s = -np.inf
        self._solver: Solver | None = None
        self._order: NDArray[np.int64] | None = None
        """Of the solver's frames, where they did not come in order."""
        self._visits = Visits(self._parameters.visits_per_frame, GROUP)
        self._visited = 0
        self._recent: deque[Misfit] = deque(maxlen=RECENT_GROUPS)
        self._quality: dict[str, float] = {}
        self._step = self._steps = 0
        self._visits_done, self._computing_s = 0, 0.0

    def add(self, batch: Batch) -> None:
        """Take frames in; any order, repeats are counted and change nothing."""
        if batch.kind == "dark":
            self._intake.take_dark(batch)
        if not batch.is_sample:
            return
        taken = self._intake.take(batch)
        if not len(taken):
            return
        self._pictures.add(taken)
        self._indices += taken.indices.tolist()
        self._newest_s = float(np.fmax(self._newest_s, np.nanmax(taken.times_s)))
        self._waiting.append(taken)
        self._visit_whole_blocks()

    def _visit_whole_blocks(self) -> None:
        if len(self._indices) - self._visited < BLOCK:
            return
        solver = self._with_waiting()
        while solver.count - self._visited >= BLOCK:
            self._visit(solver, self._visited + BLOCK)

    def _with_waiting(self) -> Solver:
        """Hand the frames that wait to the solver, made when the first do."""
        if self._solver is None:
            frames = np.concatenate([one.frames for one in self._waiting])
            self._solver = self._make_solver(self._first_probe(frames[:BLOCK]))
        for one in self._waiting:
            self._solver.add(one.frames, one.positions_px)
        self._waiting.clear()
        return self._solver

    def _first_probe(self, frames: NDArray[np.uint16]) -> Complex:
        """Give the known probe, as bright as the frames say, or guess one."""
        if self._given is None:
            return guess_probe(frames)
        light = frames.sum(axis=(1, 2), dtype=np.float64).max()
        power = np.sum(np.abs(self._given) ** 2, dtype=np.float64)
        return np.asarray(self._given * np.sqrt(light / power), np.complex64)

    def _make_solver(self, probe: Complex) -> Solver:
        bad = self._optics.bad
        if bad is not None:
            bad = np.asarray(self._optics.corner(bad))
        solver = Solver(probe, transfer=self._optics.transfer, bad=bad)
        return self._roomy(solver)

    def _roomy(self, solver: Solver) -> Solver:
        """Give the object its final size at once, where the plan tells it."""
        if self._pictures.planned_px is not None:
            solver.canvas.corners(self._pictures.planned_px)
        return solver

    def _visit(self, solver: Solver, last: int) -> None:
        held = self._visited < self._parameters.hold_probe_frames
        step = Step(
            object_step=float(self._update_object),
            probe_step=float(self._update_probe and not held),
            alpha=self._parameters.alpha,
            beta=self._parameters.alpha,
        )
        began_s = time.perf_counter()
        for group in self._visits.after(self._visited, last):
            frames = group if self._order is None else self._order[group]
            self._recent.append(solver.update(frames, step))
            self._visits_done += len(frames)
        self._visited = last
        self._computing_s += time.perf_counter() - began_s

    def set_updates(
        self, *, update_object: bool | None = None, update_probe: bool | None = None
    ) -> None:
        """Switch what is improved from now on; None leaves it as it is."""
        if update_object is not None:
            self._update_object = update_object
        if update_probe is not None:
            self._update_probe = update_probe

    def progress(self) -> Progress:
        """Tell how far it is."""
        intake, expected = self._intake, self._scan.n_frames
        received = len(intake.seen)
        quality = dict(self._quality)
        if self._recent:
            quality.setdefault("residual", total(list(self._recent)).residual)
        return Progress(
            frames_expected=expected,
            frames_received=received,
            frames_used=self._visited,
            duplicates=intake.duplicates,
            coverage=min(1.0, self._visited / max(1, expected or received)),
            newest_time_s=self._newest_s if np.isfinite(self._newest_s) else None,
            quality=quality,
            parameters=self._in_force(),
            step=self._step,
            steps=self._steps,
        )

    def _in_force(self) -> dict[str, object]:
        intake, solver = self._intake, self._solver
        known: dict[str, object] = {
            "update_object": self._update_object,
            "update_probe": self._update_probe,
            "orientation": self._parameters.orientation,
            "frames_paired": len(intake.seen) - intake.without_position,
            "frames_empty": intake.empty,
            "frames_saturated": intake.saturated,
            "frames_without_position": intake.without_position,
        }
        if solver is not None and self._visited > 1:
            overlap = find_overlap(solver.positions[: self._visited], solver.probe)
            known |= {"modes": len(solver.probe), "overlap": round(overlap.linear, 3)}
            known |= {
                "object_origin_px": self._pictures.origin_px,
                "object_pixel_um": self._optics.pixel_um,
                "frame_iterations": self._visits_done,
                "computing_s": round(self._computing_s, 3),
            }
            if overlap.warning:
                known["warning"] = overlap.warning
        return known

    def views(self) -> Arrays:
        """Give small 2-D pictures of the present state; copies, always finite."""
        return self._pictures.show(self._solver)

    def stale(self) -> str | None:
        """Say why the frames must be read again, or None."""
        return "darks came after the frames" if self._intake.stale else None

    def restart(self) -> None:
        """Forget the frames, keep the darks."""
        self._intake.forget()
        self._begin()

    def finish(self, reread: Reread, on_step: OnStep = nobody_watches) -> Arrays:
        """Give object, probe modes and positions; its steps are passes through all."""
        if self._intake.stale:
            self._read_again(reread)
        self._intake.refuse_useless()
        solver = self._whole()
        parameters = self._parameters
        self._steps = parameters.passes
        began_s = time.perf_counter()
        for misfit in refined(solver, parameters):
            self._computing_s += time.perf_counter() - began_s
            self._visits_done += solver.count
            self._step += 1
            self._quality["residual"] = misfit.residual
            on_step()
            began_s = time.perf_counter()
        half_period_px = half_data_resolution_px(solver, parameters)
        if half_period_px is not None:
            self._quality["frc_half_period_px"] = half_period_px
        order = np.argsort(self._indices)
        level(solver, illumination(solver) > 0)
        return {
            "object": self._pictures.crop(solver, solver.canvas.pixels).copy(),
            "probe": solver.probe,
            "positions_um": self._optics.positions_um(solver.positions[order]),
            "frame_indices": np.array(self._indices, np.float64)[order],
        }

    def _read_again(self, reread: Reread) -> None:
        keys = sorted(self._intake.seen)
        self.restart()
        for batch in reread(keys):
            self.add(batch)

    def _whole(self) -> Solver:
        """Visit what waits for its block; do it over if frames came in disorder."""
        solver = self._with_waiting()
        if self._indices != sorted(self._indices):
            solver = self._in_order(solver)
        if solver.count > self._visited:
            self._visit(solver, solver.count)
        return solver

    def _in_order(self, old: Solver) -> Solver:
        """Do it over from the first block, with the frames in their order."""
        self._order = np.argsort(self._indices)
        probe = self._first_probe(old.frames_of(self._order[:BLOCK]))
        self._solver = self._roomy(old.anew(probe))
        self._visits = Visits(self._parameters.visits_per_frame, GROUP)
        self._visited = 0
        self._visit_whole_blocks()
        return self._solver
