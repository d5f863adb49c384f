"""A stored ptychography scan through the pipeline, and into a CXI file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.cli.step_bar import watched
from daiss_bluesky.core.errors import InputError, unknown
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored_batches import read_frames
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.kernels.orientation import apply_orientation
from daiss_bluesky.publishers.cxi_file import write_cxi
from daiss_bluesky.publishers.cxi_frames import LinkedFrames
from daiss_bluesky.publishers.ptychogram import as_ptychogram, frame_numbers

ENDINGS = (".cxi", ".h5", ".nxs")


def check_target(path: Path) -> None:
    """Refuse an ending we do not write, a missing folder, a file that is there."""
    if path.suffix not in ENDINGS:
        raise unknown("ptychogram file ending", path.suffix, ENDINGS)
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.absolute().parent} to write into")
    if path.exists():
        raise InputError(f"{path} is there already; name another output")


def make_algorithm(pipeline: Pipeline, stored: StoredDiffraction) -> Any:
    """Make the algorithm, with probe and mask of the file where it was given none."""
    algorithm: Any = find(ALGORITHMS, pipeline.algorithm)(
        memory_limit_gb=pipeline.memory_limit_gb, **pipeline.parameters
    )
    if algorithm.technique != stored.scan.technique:
        raise InputError(
            f"{pipeline.algorithm!r} is an algorithm of {algorithm.technique}, but the"
            f" file holds a {stored.scan.technique} scan"
        )
    if isinstance(algorithm, RpieAlgorithm):
        return algorithm.with_guess(probe=stored.probe, bad=stored.mask)
    return algorithm


def reconstruct_diffraction(
    stored: StoredDiffraction, pipeline: Pipeline, *, show: bool
) -> Final:
    """Run the pipeline on a stored scan, with a progress bar if asked."""
    algorithm = make_algorithm(pipeline, stored)
    with watched(show=show, doing="passes through all frames") as (_, advance):
        return reconstruct_scan(stored, algorithm, advance)


def write_result(
    target: Path, file: Path, stored: StoredDiffraction, final: Final
) -> None:
    """Write a CXI file of the result; frames stay where they are, if they can."""
    in_force = final.progress.parameters
    turn = str(in_force["orientation"])
    mask = None if stored.mask is None else apply_orientation(stored.mask, turn)
    result = as_ptychogram(
        final.arrays,
        in_force,
        measured_um=stored.positions_um,
        mask=mask,
        metadata={"source": str(file.resolve()), **summary(final)},
    )
    numbers = stored.frame_indices[frame_numbers(final.arrays)]
    write_cxi(target, stored.scan, result, _frames(stored, numbers, turn))


def _frames(
    stored: StoredDiffraction, numbers: NDArray[np.int64], turn: str
) -> NDArray[Any] | LinkedFrames:
    """Link frames that lie as they should in a file of ours; copy others."""
    source = getattr(stored.frames, "source", None)
    if source is not None and turn == "none":
        path, dataset = source
        return LinkedFrames(path, dataset, numbers)
    return apply_orientation(read_frames(stored.frames, numbers), turn)


def summary(final: Final) -> dict[str, Any]:
    """Give the figures that a report shows."""
    progress, known = final.progress, final.progress.parameters
    return {
        "status": final.status,
        "frames_expected": progress.frames_expected,
        "frames_received": progress.frames_received,
        "frames_used": progress.frames_used,
        "frames_missing": progress.frames_missing,
        "residual": progress.quality.get("residual"),
        "frc_half_period_px": progress.quality.get("frc_half_period_px"),
        "modes": known.get("modes"),
        "overlap": known.get("overlap"),
        "orientation": known.get("orientation"),
        "orientation_found": known.get("orientation_found"),
        "warning": known.get("warning"),
    }
