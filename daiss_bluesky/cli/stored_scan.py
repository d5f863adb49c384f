"""A stored scan through the pipeline, for the command line and for comparisons."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

from daiss_bluesky.algorithms.backends.registry import BACKENDS, find_backend
from daiss_bluesky.algorithms.iterative import SirtAlgorithm
from daiss_bluesky.algorithms.peer import PeerAlgorithm
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.reconstruction import Progress as State
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import Final
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.readers import open_scan


def reconstruct_file(
    file: Path, pipeline: Pipeline, center_px: float | None, *, show: bool
) -> Final:
    """Run the pipeline on a stored scan, with a progress bar if asked."""
    parameters = dict(pipeline.parameters)
    if center_px is not None:
        parameters["center_px"] = center_px
    algorithm = _make(pipeline.algorithm, parameters)
    columns = ("{task.description}", BarColumn(), TimeRemainingColumn())
    stored = open_scan(file)
    console = Console(stderr=True)
    # Where nobody watches, and before a refusal, there is no bar to leave behind.
    hidden = not (show and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("reconstructing", total=None)

        def advance(state: State) -> None:
            bar.update(task, completed=state.frames_used, total=state.frames_expected)

        def iterate(done: int, total: int, _residual: float) -> None:
            bar.update(task, description="iterating", completed=done, total=total)

        if isinstance(algorithm, SirtAlgorithm):
            algorithm.on_iteration = iterate
        return reconstruct_scan(stored, algorithm, advance)


def choose(
    pipeline: Pipeline,
    algorithm: str | None,
    backend: str | None,
    iterations: int | None,
) -> Pipeline:
    """Put what the command line says in place of what the pipeline does.

    A backend stands where the algorithm does; an unknown one is refused here.
    """
    if algorithm is not None and backend is not None:
        raise InputError("give --algorithm or --backend, not both")
    if backend is not None:
        algorithm = find_backend(backend).name
    parameters = dict(pipeline.parameters)
    if iterations is not None:
        parameters["iterations"] = iterations
    return pipeline.model_copy(
        update={
            "algorithm": algorithm or pipeline.algorithm,
            "parameters": parameters,
        }
    )


def _make(name: str, parameters: dict[str, Any]) -> Algorithm:
    if name in BACKENDS:
        return PeerAlgorithm(name, **parameters)
    algorithm: Algorithm = find(ALGORITHMS, name)(**parameters)
    return algorithm


def convergence(final: Final) -> dict[str, Any]:
    """Give the iterations and the residual before the first and the last of them."""
    parameters = final.progress.parameters
    residuals = parameters.get("residuals")
    if not residuals:
        return {}
    return {
        "iterations": parameters["iterations"],
        "residual_first": residuals[0],
        "residual_last": residuals[-1],
    }


def summary(final: Final) -> dict[str, Any]:
    """Give the figures of a reconstruction that every report shows."""
    progress = final.progress
    return {
        "status": final.status,
        "frames_expected": progress.frames_expected,
        "frames_received": progress.frames_received,
        "frames_missing": progress.frames_missing,
        "duplicates": progress.duplicates,
        "center_px": progress.parameters.get("center_px"),
        "center_source": progress.parameters.get("center_source"),
    }


def provenance(file: Path, pipeline: Pipeline, final: Final) -> dict[str, Any]:
    """Give what a reader of the volume needs to make it again."""
    return {
        "source": str(file.resolve()),
        "algorithm": pipeline.algorithm,
        "parameters": json.dumps(dict(final.progress.parameters)),
        **summary(final),
    }
