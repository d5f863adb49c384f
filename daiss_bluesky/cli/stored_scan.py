"""A stored scan through the pipeline, for the command line and for comparisons."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console

from daiss_bluesky.algorithms.backends.registry import BACKENDS, find_backend
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.offset_axis import not_sure, slices_shape
from daiss_bluesky.algorithms.peer import PeerAlgorithm
from daiss_bluesky.algorithms.phase_parameters import phase_filter
from daiss_bluesky.cli.center_measure import find_axis
from daiss_bluesky.cli.step_bar import make_bar, watched
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.pipeline import Pipeline
from daiss_bluesky.core.reconstruction import Algorithm
from daiss_bluesky.core.reconstruction import Progress as State
from daiss_bluesky.core.registry import ALGORITHMS, find
from daiss_bluesky.core.results import Final
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.engine.slab_scan import reconstruct_slabs, slab_rows
from daiss_bluesky.kernels.axis_tilt import margin_rows
from daiss_bluesky.publishers.volume_file import VolumeFile
from daiss_bluesky.readers import open_scan


def reconstruct_file(
    file: Path, pipeline: Pipeline, center_px: float | None, *, show: bool
) -> Final:
    """Run the pipeline on a stored scan, with a progress bar if asked."""
    parameters = dict(pipeline.parameters)
    if center_px is not None:
        parameters["center_px"] = center_px
    stored = open_scan(file)
    # The width of the slices of a half-acquisition must be known to state memory.
    found = _find_axis(stored, parameters) if parameters.get("half_acquisition") else {}
    algorithm = _make(pipeline.algorithm, parameters)
    with watched(show=show) as (console, advance):
        say_method = _once(console)

        def step(state: State) -> None:
            say_method(state)
            advance(state)

        return _noting(found, reconstruct_scan(stored, algorithm, step))


def reconstruct_in_slabs(
    file: Path, pipeline: Pipeline, center_px: float | None, target: Path, *, show: bool
) -> tuple[Final, list[int]]:
    """Reconstruct as many rows at a time as fit, straight into a volume file.

    Gives how the last slab ended, and the shape of the volume. A center or a tilt that
    is not given is found first, from the whole frames.
    """
    stored = open_scan(file)
    parameters = dict(pipeline.parameters)
    if center_px is not None:
        parameters["center_px"] = center_px
    found = _find_axis(stored, parameters)
    algorithm = _make(pipeline.algorithm, parameters)
    limit_gb = pipeline.memory_limit_gb or psutil.virtual_memory().available / 1e9
    margin_rows = _margin_rows(algorithm, stored)
    rows = slab_rows(algorithm, stored, 1e9 * limit_gb, margin_rows)
    if isinstance(algorithm, FbpAlgorithm):
        algorithm.settle(stored.scan, (rows, stored.frame_shape[1]))
    shape = _volume_shape(algorithm, stored)
    volume, final = VolumeFile(target, shape), None
    try:
        with make_bar(show=show) as bar:
            task = bar.add_task(f"slabs of {rows} rows", total=shape[0])

            say_method = _once(bar.console)

            def advance(first: int, state: State) -> None:
                say_method(state)
                bar.update(task, completed=first + _part_done(state) * rows)

            slabs = reconstruct_slabs(stored, algorithm, rows, margin_rows, advance)
            for first, slices, ended in slabs:
                volume.write(first, slices)
                final = ended
                del slices
        assert final is not None  # noqa: S101 - a scan has rows
        final = _noting(found, final)
        volume.close(provenance(file, pipeline, final))
    except BaseException:
        volume.discard()
        raise
    return final, list(shape)


def _part_done(state: State) -> float:
    if "iterations" in state.parameters:
        return state.step / max(1, state.steps)
    return state.frames_used / max(1, state.frames_expected or 1)


def _once(console: Console) -> Callable[[State], None]:
    """Give what tells the method and why, the first time it is called.

    To somebody at a terminal only; the report has it too.
    """
    said: list[str] = []

    def say(state: State) -> None:
        reason = state.parameters.get("method_reason")
        if reason is not None and not said and console.is_terminal:
            console.print(f"method: {reason}", soft_wrap=True, highlight=False)
            said.append(reason)

    return say


def _noting(found: dict[str, Any], final: Final) -> Final:
    """Say of what was found before the reconstruction that it was not given."""
    in_force = {**final.progress.parameters, **found}
    return replace(final, progress=replace(final.progress, parameters=in_force))


def _find_axis(stored: StoredScan, parameters: dict[str, Any]) -> dict[str, Any]:
    """Set center and tilt where they are to be found; gives what to say of them."""
    tilt_deg = parameters.get("axis_tilt_deg")
    no_center = parameters.get("center_px") is None and stored.scan.center_px is None
    if not no_center and tilt_deg != "auto":
        return {}
    asked = FbpParameters.parse({"axis_tilt_deg": tilt_deg}, "the parameters")
    is_offset = bool(parameters.get("half_acquisition"))
    center, tilt = find_axis(stored, asked.axis_tilt_deg, is_offset=is_offset)
    found: dict[str, Any] = {}
    if no_center:
        if is_offset and center.unsure is not None:
            raise not_sure(center.unsure)
        parameters["center_px"] = center.center_px
        found |= center.parameters()
    if tilt_deg == "auto":
        parameters["axis_tilt_deg"] = float(np.rad2deg(tilt.tilt_rad))
        found |= tilt.parameters()
    return found


def _margin_rows(algorithm: Algorithm, stored: StoredScan) -> int:
    """Tell how many rows beyond a slab its corrections look at."""
    parameters, margin = algorithm.parameters, 0
    if getattr(parameters, "phase", None) is not None:
        made = phase_filter(parameters.phase, stored.scan, stored.frame_shape)
        margin += made.margin_px
    tilt_deg = getattr(parameters, "axis_tilt_deg", None) or 0.0
    return margin + margin_rows(float(np.deg2rad(tilt_deg)), stored.frame_shape)


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
    axis_tilt_deg: str | None = None,
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
    if axis_tilt_deg is not None:
        parameters["axis_tilt_deg"] = axis_tilt_deg
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
    tilt = {
        key: value
        for key, value in progress.parameters.items()
        if key.startswith("axis_tilt") and value is not None
    }
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
        "device": progress.parameters.get("device"),
        **tilt,
    }


def provenance(file: Path, pipeline: Pipeline, final: Final) -> dict[str, Any]:
    """Give what a reader of the volume needs to make it again."""
    return {
        "source": str(file.resolve()),
        "algorithm": pipeline.algorithm,
        "parameters": json.dumps(dict(final.progress.parameters)),
        **summary(final),
    }
