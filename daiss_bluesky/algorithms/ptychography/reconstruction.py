"""One ptychographic scan: the object grows with every block of frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Intake, Optics, Taken
from daiss_bluesky.algorithms.ptychography.parameters import PtychographyParameters
from daiss_bluesky.algorithms.ptychography.refinement import Trust, half_data, refined
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
from daiss_bluesky.kernels.ptychography import GROUP, Solver
from daiss_bluesky.kernels.ptychography_probe import probe_from_mean
from daiss_bluesky.kernels.ptychography_step import Misfit, Step

Complex = NDArray[np.complex64]


@dataclass(slots=True)
class Switches:
    """What is improved while the scan runs."""

    object: bool
    probe: bool


class PtychographyReconstruction:
    """Takes frames and positions; the state after n frames depends on these only."""

    def __init__(
        self,
        scan: PtychographyScan,
        parameters: PtychographyParameters,
        optics: Optics,
        probe: Complex | None = None,
    ) -> None:
        """Begin; `probe` (mode, row, column) or (row, column) if it is known."""
        self._scan = scan
        self._parameters = parameters
        self._optics = optics
        self._given = probe
        self._intake = Intake(optics)
        self._switches = Switches(parameters.update_object, parameters.update_probe)
        self._pictures = Pictures(scan, optics)
        self._trust = Trust()
        self._step = self._steps = 0
        self._begin()

    def _begin(self) -> None:
        self._taken: list[Taken] = []
        self._indices: list[int] = []
        self._newest_s = np.nan
        self._solver: Solver | None = None
        self._visits = Visits(self._parameters.visits_per_frame, GROUP)
        self._visited = 0

    def add(self, batch: Batch) -> None:
        """Take frames in; any order, repeats are counted and change nothing."""
        if batch.kind == "dark":
            self._intake.take_dark(batch)
            return
        if not batch.is_sample:
            return
        taken = self._intake.take(batch)
        if not len(taken):
            return
        self._pictures.add(taken)
        self._indices += taken.indices.tolist()
        self._newest_s = float(np.nanmax([self._newest_s, *taken.times_s]))
        if self._solver is None:
            self._taken.append(taken)
            self._start_if_enough()
        else:
            self._solver.add(taken.frames, taken.positions_px)
        self._visit_whole_blocks()

    def _start_if_enough(self) -> None:
        if sum(map(len, self._taken)) >= BLOCK:
            self._start()

    def _start(self) -> None:
        frames = np.concatenate([one.frames for one in self._taken])
        probe = self._given
        if probe is None:
            probe = probe_from_mean(frames[:BLOCK])
        self._solver = self._make_solver(probe)
        positions = np.concatenate([one.positions_px for one in self._taken])
        self._solver.add(frames, positions)
        self._taken.clear()

    def _make_solver(self, probe: Complex) -> Solver:
        solver = Solver(probe, bad=self._pictures.solver_mask)
        planned = self._pictures.planned_px
        if planned is not None:
            solver.canvas.corners(planned)
        return solver

    def _visit_whole_blocks(self) -> None:
        if self._solver is None:
            return
        while self._solver.count - self._visited >= BLOCK:
            self._visit(self._solver, self._visited + BLOCK)

    def _visit(self, solver: Solver, last: int) -> None:
        step = Step(
            object_step=float(self._switches.object),
            probe_step=float(self._switches.probe and self._probe_is_free),
            alpha=self._parameters.alpha,
            beta=self._parameters.alpha,
        )
        for group in self._visits.after(self._visited, last):
            self._trust.note(solver.update(group, step))
        self._visited = last

    @property
    def _probe_is_free(self) -> bool:
        return self._visited >= self._parameters.hold_probe_frames

    def set_updates(
        self, *, update_object: bool | None = None, update_probe: bool | None = None
    ) -> None:
        """Switch what is improved while the scan runs; None leaves it as it is."""
        if update_object is not None:
            self._switches.object = update_object
        if update_probe is not None:
            self._switches.probe = update_probe

    def progress(self) -> Progress:
        """Tell how far it is."""
        intake, expected = self._intake, self._scan.n_frames
        received = len(intake.seen)
        return Progress(
            frames_expected=expected,
            frames_received=received,
            frames_used=self._visited,
            duplicates=intake.duplicates,
            coverage=self._visited / max(1, expected or received),
            newest_time_s=None if np.isnan(self._newest_s) else self._newest_s,
            quality=self._trust.figures(),
            parameters=self._in_force(),
            step=self._step,
            steps=self._steps,
        )

    def _in_force(self) -> dict[str, object]:
        intake = self._intake
        modes = 0 if self._solver is None else len(self._solver.probe)
        known: dict[str, object] = {
            "update_object": self._switches.object,
            "update_probe": self._switches.probe and self._probe_is_free,
            "modes": modes,
            "orientation": self._parameters.orientation,
            "frames_empty": intake.empty,
            "frames_saturated": intake.saturated,
            "frames_without_position": intake.without_position,
        }
        if warning := self._pictures.overlap_warning(self._solver):
            known["warning"] = warning
        return known

    def views(self) -> Arrays:
        """Give small 2-D pictures of the present state; copies, always finite."""
        return self._pictures.show(self._solver, self._visited)

    def stale(self) -> str | None:
        """Say why the frames must be read again, or None."""
        return "darks came after the frames" if self._intake.stale else None

    def restart(self) -> None:
        """Forget the frames, keep the darks."""
        self._intake.forget()
        self._pictures = Pictures(self._scan, self._optics)
        self._begin()

    def finish(self, reread: Reread, on_step: OnStep = nobody_watches) -> Arrays:
        """Give object, probe and positions, refined; steps are passes."""
        if self._intake.stale:
            self._read_again(reread)
        self._intake.refuse_useless()
        solver = self._whole()
        parameters = self._parameters
        self._steps = parameters.passes
        for misfit in refined(solver, parameters):
            self._step += 1
            self._trust.note_pass(misfit)
            on_step()
        self._trust.note_half_data(half_data(solver, parameters))
        order = np.argsort(self._indices)
        positions_um = self._optics.positions_um(solver.positions)
        return {
            "object": self._pictures.crop(solver),
            "probe": np.fft.fftshift(solver.probe, axes=()),
            "positions_um": positions_um[order],
        }

    def _read_again(self, reread: Reread) -> None:
        keys = sorted(self._intake.seen)
        self.restart()
        for batch in reread(keys):
            self.add(batch)

    def _whole(self) -> Solver:
        """Visit what waits for its block; begin again if frames came in disorder."""
        if self._solver is None:
            self._start()
        solver = self._solver
        if solver is None:
            raise InputError("no diffraction frame has come")
        if self._indices != sorted(self._indices):
            solver = self._in_order(solver)
        if solver.count > self._visited:
            self._visit(solver, solver.count)
        return solver

    def _in_order(self, solver: Solver) -> Solver:
        """Do it over from the first block, with the frames in their order."""
        raise NotImplementedError


def blocks(n: int) -> Iterator[int]:
    """Give where each block ends."""
    yield from range(BLOCK, n + 1, BLOCK)
