"""A stored scan through the pipeline, for the command line and for comparisons."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

from daiss_bluesky.algorithms.backends.registry import BACKENDS, find_backend
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.iterative import SirtAlgorithm
from daiss_bluesky.algorithms.offset_axis import slices_shape
from daiss_bluesky.algorithms.peer import PeerAlgorithm
from daiss_bluesky.algorithms.phase_parameters import phase_filter
from daiss_bluesky.cli.center_measure import find_center_px
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.reconstruction import Progress as State
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.engine.slab_scan import reconstruct_slabs, slab_rows
from daiss_bluesky.publishers.volume_file import VolumeFile
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

        say_method = _once(console)

        def advance(state: State) -> None:
            say_method(state)
            bar.update(task, completed=state.frames_used, total=state.frames_expected)

        def iterate(done: int, total: int, _residual: float) -> None:
            bar.update(task, description="iterating", completed=done, total=total)

        if isinstance(algorithm, SirtAlgorithm):
            algorithm.on_iteration = iterate
        return reconstruct_scan(stored, algorithm, advance)


def reconstruct_in_slabs(
    file: Path, pipeline: Pipeline, center_px: float | None, target: Path, *, show: bool
) -> tuple[Final, list[int]]:
    """Reconstruct as many rows at a time as fit, straight into a volume file.

    Gives how the last slab ended, and the shape of the volume. A center that is not
    given is found first, from the whole frames.
    """
    stored = open_scan(file)
    parameters = dict(pipeline.parameters)
    if parameters.get("center_px") is None:
        parameters["center_px"] = center_px
    if parameters["center_px"] is None:
        parameters["center_px"] = find_center_px(stored)
    algorithm = _make(pipeline.algorithm, parameters)
    limit_gb = pipeline.memory_limit_gb or psutil.virtual_memory().available / 1e9
    margin_rows = _margin_rows(algorithm, stored)
    rows = slab_rows(algorithm, stored, 1e9 * limit_gb, margin_rows)
    if isinstance(algorithm, FbpAlgorithm):
        algorithm.settle(stored.scan, (rows, stored.frame_shape[1]))
    shape = _volume_shape(algorithm, stored)
    volume, final = VolumeFile(target, shape), None
    console = Console(stderr=True)
    hidden = not (show and console.is_terminal)
    columns = ("{task.description}", BarColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
            task = bar.add_task(f"slabs of {rows} rows", total=shape[0])

            say_method = _once(console)

            def advance(first: int, state: State) -> None:
                say_method(state)
                part = state.frames_used / max(1, state.frames_expected or 1)
                bar.update(task, completed=first + part * rows)

            slabs = reconstruct_slabs(stored, algorithm, rows, margin_rows, advance)
            for first, slices, ended in slabs:
                volume.write(first, slices)
                final = ended
                del slices
        assert final is not None  # noqa: S101 - a scan has rows
        volume.close(provenance(file, pipeline, final))
    except BaseException:
        volume.discard()
        raise
    return final, list(shape)


def _once(console: Console) -> Callable[[State], None]:
    """Give what tells the method and why, the first time it is called."""
    said: list[str] = []

    def say(state: State) -> None:
        reason = state.parameters.get("method_reason")
        if reason is not None and not said:
            console.print(f"method: {reason}", soft_wrap=True, highlight=False)
            said.append(reason)

    return say


def _margin_rows(algorithm: Algorithm, stored: StoredScan) -> int:
    phase = getattr(algorithm.parameters, "phase", None)
    if phase is None:
        return 0
    return phase_filter(phase, stored.scan, stored.frame_shape).margin_px


def _volume_shape(algorithm: Algorithm, stored: StoredScan) -> tuple[int, int, int]:
    rows, width = stored.frame_shape
    if isinstance(algorithm, FbpAlgorithm):
        rows, width = slices_shape(
            algorithm.parameters, stored.scan, stored.frame_shape
        )
    return rows, width, width


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
        "method": progress.parameters.get("method"),
        "method_reason": progress.parameters.get("method_reason"),
    }


def provenance(file: Path, pipeline: Pipeline, final: Final) -> dict[str, Any]:
    """Give what a reader of the volume needs to make it again."""
    return {
        "source": str(file.resolve()),
        "algorithm": pipeline.algorithm,
        "parameters": json.dumps(dict(final.progress.parameters)),
        **summary(final),
    }
