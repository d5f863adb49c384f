"""One ptychographic scan: the object grows with every block of frames."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.adjusting import adjusted
from daiss_bluesky.algorithms.ptychography.intake import Intake, Optics, Taken, turned
from daiss_bluesky.algorithms.ptychography.orientation import TRIES, Bearing
from daiss_bluesky.algorithms.ptychography.parameters import (
    LAST,
    PtychographyParameters,
)
from daiss_bluesky.algorithms.ptychography.refinement import (
    FADING,
    Updates,
    half_data_resolution_px,
    refined,
    total,
)
from daiss_bluesky.algorithms.ptychography.slope import level
from daiss_bluesky.algorithms.ptychography.views import Pictures
from daiss_bluesky.algorithms.ptychography.visits import BLOCK, Visits
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import (
    Arrays,
    OnStep,
    Progress,
    Reread,
    nobody_watches,
)
from daiss_bluesky.kernels.overlap import Overlap, differ, find_overlap
from daiss_bluesky.kernels.ptychography_guess import scaled, sweep
from daiss_bluesky.kernels.ptychography_solver import CPU, AnySolver, Forms
from daiss_bluesky.kernels.ptychography_step import GROUP, Misfit, Step

Complex = NDArray[np.complex64]

FIRST_FRAMES = 32
"""The object begins with so many: they tell bad pixels and the probe."""

RECENT_GROUPS = 32
"""Groups whose residual stands for that of the object while the scan runs."""


class PtychographyReconstruction:
    """Takes frames and positions; what it shows depends on these and nothing else."""

    adjustable = (
        "alpha", "least_gain", "passes", "refine_positions", "update_object",
        "update_probe",
    )  # fmt: skip

    def __init__(
        self,
        scan: PtychographyScan,
        parameters: PtychographyParameters,
        optics: Optics,
        probe: Complex | None = None,
        keep_probe: Callable[[Complex], None] | None = None,
        forms: Forms = CPU,
    ) -> None:
        """Begin; `probe` (mode, row, column) where it is known.

        `keep_probe` is called with the final one of a whole scan; `forms` are those of
        the kernels on some device.
        """
        self._forms = forms
        self._keep_probe = keep_probe
        self._scan = scan
        self._parameters = parameters
        self._optics = optics
        self._given = probe
        self._intake = Intake(optics)
        # The last run's probe fits the orientation that it was found with.
        known = None if parameters.probe == LAST else probe
        self._bearing = Bearing(parameters.orientation, known, forms.arrays)
        self._updates = Updates.of(parameters)
        self._adjusted: dict[str, object] = {}
        self._begin()

    def _begin(self) -> None:
        self._pictures = Pictures(self._scan, self._optics, self._forms.moments)
        self._waiting: list[Taken] = []
        self._indices: list[int] = []
        self._newest_s = -np.inf
        self._solver: AnySolver | None = None
        self._visits = Visits(self._parameters.visits_per_frame, GROUP)
        self._visited = 0
        self._recent: deque[Misfit] = deque(maxlen=RECENT_GROUPS)
        self._quality: dict[str, float] = {}
        self._step = self._steps = 0
        self._visits_done, self._computing_s, self._bad_count = 0, 0.0, 0

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
        self._newest_s = float(np.fmax.reduce(taken.times_s, initial=self._newest_s))
        self._waiting.append(taken)
        self._visit_whole_blocks()

    def _visit_whole_blocks(self) -> None:
        come = len(self._indices)
        if self._bearing.due(come):
            self._take_bearing(last=come >= TRIES[-1])
        if self._solver is None and (come < FIRST_FRAMES or not self._bearing.decided):
            return
        self._visit_blocks(self._with_waiting())

    def _visit_blocks(self, solver: AnySolver) -> None:
        whole = (solver.count - self._visited) // BLOCK
        self._visit(solver, self._visited + whole * BLOCK)

    def _take_bearing(self, *, last: bool) -> None:
        """Find how the detector lies, and turn the frames that wait."""
        old = self._optics
        began_s = time.perf_counter()
        frames = np.concatenate([one.frames for one in self._waiting])
        positions = np.concatenate([one.positions_px for one in self._waiting])
        bad = old.upright(old.bad_pixels(frames))
        self._bearing.decide(old.upright(frames), positions, bad, last=last)
        if self._bearing.name != old.orientation:
            self._optics = old.turned(self._bearing.name)
            self._intake.turn(self._optics)
            self._pictures = Pictures(self._scan, self._optics, self._forms.moments)
            self._waiting = [turned(one, old, self._optics) for one in self._waiting]
            for one in self._waiting:
                self._pictures.add(one)
        self._computing_s += time.perf_counter() - began_s

    def _with_waiting(self) -> AnySolver:
        """Hand the frames that wait to the solver, made when the first do."""
        if self._solver is None:
            frames = np.concatenate([one.frames for one in self._waiting])
            positions = np.concatenate([one.positions_px for one in self._waiting])
            self._solver = self._make_solver(
                frames[:FIRST_FRAMES], positions[:FIRST_FRAMES]
            )
        for one in self._waiting:
            self._solver.add(one.frames, one.positions_px)
            # Views cut the object out as far as positions reach, visited or not.
            self._solver.canvas.corners(one.positions_px)
        self._waiting.clear()
        return self._solver

    def _make_solver(
        self, frames: NDArray[np.uint16], positions_px: NDArray[np.float64]
    ) -> AnySolver:
        """Make a solver from what the first frames tell of detector and probe."""
        optics = self._optics
        bad = optics.bad_pixels(frames)
        self._bad = optics.upright(bad)
        self._bad_count = int(bad.sum())
        light = float(frames.sum(axis=(1, 2), dtype=np.float64).max())
        began_s = time.perf_counter()
        if self._given is not None:
            probe = scaled(self._given, light)
        else:
            make = self._forms.make
            probe = sweep(
                frames, positions_px, bad, transfer=optics.transfer, make=make
            )
        self._computing_s += time.perf_counter() - began_s
        solver = self._forms.make(probe, transfer=optics.transfer, bad=bad)
        if self._pictures.planned_px is not None:
            # The object has its final size at once.
            solver.canvas.corners(self._pictures.planned_px)
        return solver

    def _visit(self, solver: AnySolver, last: int) -> None:
        """Visit frames up to this one (excluded), block by block."""
        began_s = time.perf_counter()
        while self._visited < last:
            held = self._held
            groups: list[NDArray[np.int64]] = []
            # The solver is given all that one step does, for it not to wait in between.
            while self._visited < last and self._held == held:
                upto = min(self._visited + BLOCK, last)
                groups += self._visits.after(self._visited, upto)
                self._visited = upto
            step = Step(
                object_step=float(self._updates.update_object),
                probe_step=float(self._updates.update_probe and not held),
                alpha=self._parameters.alpha,
            )
            self._recent.extend(solver.run(groups, step))
            self._visits_done += sum(map(len, groups))
        self._computing_s += time.perf_counter() - began_s

    @property
    def _held(self) -> bool:
        """The probe stays as it began until some frames have been visited."""
        return self._visited < self._parameters.hold_probe_frames

    def set_updates(
        self,
        *,
        update_object: bool | None = None,
        update_probe: bool | None = None,
        refine_positions: bool | None = None,
    ) -> None:
        """Switch what is improved from now on; None leaves it as it is.

        Positions are improved in the passes at the end.
        """
        wanted = {
            "update_object": update_object,
            "update_probe": update_probe,
            "refine_positions": refine_positions,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        self._updates = replace(self._updates, **given)

    def set_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change adjustable parameters, from the next visits or passes on."""
        if self._steps:
            late = changes.keys() - asdict(self._updates).keys()
            if late:
                raise InputError(
                    f"the passes at the end have begun; {min(late)} stays as it is"
                )
        self._parameters = adjusted(self._parameters, changes, self.adjustable)
        switches = {k: v for k, v in changes.items() if k in asdict(self._updates)}
        self._updates = replace(self._updates, **switches)
        self._adjusted.update({k: v for k, v in changes.items() if k not in switches})

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
            **asdict(self._updates),
            **self._adjusted,
            **self._bearing.report(),
            "device": self._forms.device,
            "frames_paired": len(intake.seen) - intake.without_position,
            "bad_pixels": self._bad_count,
            "frames_empty": intake.empty,
            "frames_saturated": intake.saturated,
            "frames_without_position": intake.without_position,
        }
        if solver is not None and self._visited:
            known |= {
                "modes": len(solver.probe),
                "object_origin_px": self._pictures.origin_px,
                "object_pixel_um": self._optics.pixel_um,
                "frame_iterations": self._visits_done,
                "computing_s": round(self._computing_s, 3),
            }
            overlap = self._overlap(solver.positions[: self._visited], solver.probe)
            if overlap is not None:
                known["overlap"] = round(overlap.linear, 3)
            warnings = [overlap and overlap.warning, self._bearing.warning]
            if any(warnings):
                known["warning"] = "; ".join(one for one in warnings if one)
        return known

    @staticmethod
    def _overlap(positions_px: NDArray[np.float64], probe: Complex) -> Overlap | None:
        return find_overlap(positions_px, probe) if differ(positions_px) else None

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
        self._steps = parameters.passes + len(FADING)
        began_s = time.perf_counter()
        for misfit in refined(solver, parameters, lambda: self._updates):
            self._computing_s += time.perf_counter() - began_s
            self._visits_done += solver.count
            self._step += 1
            self._quality["residual"] = misfit.residual
            on_step()
            began_s = time.perf_counter()
        self._steps = self._step
        if not np.isfinite(solver.probe).all():
            raise InputError(
                "the reconstruction diverged: are energy, distance and pixel those of"
                " the scan? a smaller alpha is steadier"
            )
        half_period_px = half_data_resolution_px(solver, parameters)
        if half_period_px is not None:
            self._quality["frc_half_period_px"] = half_period_px
        self._confirm_bearing(solver)
        level(solver, solver.illumination() > 0)
        if self._keep_probe is not None and not self.progress().frames_missing:
            self._keep_probe(solver.probe)
        return {
            "object": self._pictures.crop(solver, solver.canvas.pixels).copy(),
            "probe": solver.probe,
            "positions_um": self._optics.positions_um(solver.positions),
            "frame_indices": np.array(self._indices, np.float64),
        }

    def _confirm_bearing(self, solver: AnySolver) -> None:
        """Compare the orientation that was set with what the frames say."""
        few = np.arange(min(solver.count, TRIES[-1]))
        if self._optics.transfer is not None or len(few) < FIRST_FRAMES:
            return
        frames = self._optics.upright(solver.frames_of(few))
        self._bearing.confirm(frames, solver.positions[few], self._bad, solver.probe)

    def _read_again(self, reread: Reread) -> None:
        keys = sorted(self._intake.seen)
        self.restart()
        for batch in reread(keys):
            self.add(batch)

    def _whole(self) -> AnySolver:
        """Visit what waits for its block; do it over if frames came in disorder."""
        if not self._bearing.decided:
            self._take_bearing(last=True)
        solver = self._with_waiting()
        if self._indices != sorted(self._indices):
            solver = self._in_order(solver)
        self._visit_blocks(solver)  # fewer than FIRST_FRAMES wait until here
        if solver.count > self._visited:
            self._visit(solver, solver.count)
        return solver

    def _in_order(self, old: AnySolver) -> AnySolver:
        """Do it over from the first block, with the frames in their order."""
        order = np.argsort(self._indices)
        first = order[:FIRST_FRAMES]
        self._solver = self._make_solver(old.frames_of(first), old.positions[first])
        for start in range(0, len(order), GROUP):
            part = order[start : start + GROUP]
            self._solver.add(old.frames_of(part), old.positions[part])
        self._indices.sort()
        self._visits = Visits(self._parameters.visits_per_frame, GROUP)
        self._visited = 0
        return self._solver
