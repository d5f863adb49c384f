"""A ptychography scan as it would come from a detector, by the shipped parameters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.algorithm import RpieAlgorithm
from daiss_bluesky.algorithms.ptychography.reconstruction import (
    PtychographyReconstruction,
)
from daiss_bluesky.bench.diffraction_cases import DiffractionCase, PhantomCase
from daiss_bluesky.bench.measuring import RECOGNIZED, alike, seconds
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.reconstruction import Arrays
from daiss_bluesky.core.stored_batches import count_frames, sample_batch
from daiss_bluesky.core.stored_diffraction import StoredDiffraction

BATCH = 16
"""Frames that the local engine takes at once."""
COMPILED = 4
"""Batches that let everything be compiled."""
LOOK = 4
"""Frames between two looks at the first pictures."""
LOOKED_AT = 128
EQUAL_PASSES = 10
"""After the last frame, where streamed and offline are compared."""

Picture = NDArray[np.float32]


def live_figures(
    case: DiffractionCase, stored: StoredDiffraction, *, device: str = "auto"
) -> dict[str, Any]:
    """Give ingest, first image, final result, and streamed against offline."""
    start = partial(_start, stored, device=device)
    _compile(stored, start(passes=1))
    found: dict[str, Any] = {
        "ingest_off_fps": _ingest_fps(stored, start(visits_per_frame=0)),
        "ingest_fps": _ingest_fps(stored, start()),
    }
    reconstruction = start()
    looks = list(_watch(reconstruction, stored))
    results: list[Arrays] = []
    found["finish_s"] = seconds(
        lambda: results.append(reconstruction.finish(lambda _: iter(())))
    )
    progress, final = reconstruction.progress(), _look(reconstruction)
    found |= dict(progress.quality) | {"passes": progress.step}
    if final is not None:
        found |= _first_image(looks, final)
    if final is not None and isinstance(case, PhantomCase):
        found["truth_error_rad"] = case.truth_error_rad(
            results[0]["object"], final.origin_px, final.coverage
        )
    return found | _equal_visits(stored, start)


def _start(stored: StoredDiffraction, **parameters: Any) -> PtychographyReconstruction:
    algorithm = RpieAlgorithm(**parameters)
    return algorithm.start(stored.scan, stored.frame_shape)


def _batches(stored: StoredDiffraction, size: int) -> list[Batch]:
    n = count_frames(stored)
    return [
        sample_batch(stored, np.arange(first, min(n, first + size)))
        for first in range(0, n, size)
    ]


def _compile(
    stored: StoredDiffraction, reconstruction: PtychographyReconstruction
) -> None:
    """Go through the beginning of a scan, for what is compiled not to be timed."""
    for batch in _batches(stored, BATCH)[:COMPILED]:
        reconstruction.add(batch)
    reconstruction.views()
    reconstruction.finish(lambda _: iter(()))


def _ingest_fps(
    stored: StoredDiffraction, reconstruction: PtychographyReconstruction
) -> float:
    batches = _batches(stored, BATCH)

    def feed() -> None:
        for batch in batches:
            reconstruction.add(batch)

    return count_frames(stored) / seconds(feed)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The object after some of the frames."""

    frames: int
    iterations: int
    computing_s: float
    phase: Picture
    coverage: Picture
    origin_px: NDArray[np.float64]


def _look(reconstruction: PtychographyReconstruction) -> Look | None:
    pictures, told = reconstruction.views(), reconstruction.progress()
    if "object_phase" not in pictures:
        return None
    known: Any = told.parameters
    return Look(
        told.frames_used,
        known["frame_iterations"],
        known["computing_s"],
        pictures["object_phase"],
        pictures["coverage"],
        np.array(known["object_origin_px"]),
    )


def _watch(
    reconstruction: PtychographyReconstruction, stored: StoredDiffraction
) -> Iterator[Look]:
    """Feed all, and look after every few of the first frames."""
    for batch in _batches(stored, LOOK):
        reconstruction.add(batch)
        if batch.indices[-1] >= LOOKED_AT:
            continue
        look = _look(reconstruction)
        if look is not None:
            yield look


def _first_image(looks: list[Look], final: Look) -> dict[str, float]:
    """Find the first look that shows what the final one does, where covered."""
    for one in looks:
        # Positions beyond the planned ones have made the picture grow since.
        y, x = (one.origin_px - final.origin_px).astype(int)
        rows, columns = one.phase.shape
        right = final.phase[y : y + rows, x : x + columns]
        lit = one.coverage > 0
        if alike(one.phase[lit], right[lit]) > RECOGNIZED:
            return {
                "first_image_frames": one.frames,
                "first_image_iterations": one.iterations,
                "first_image_s": one.computing_s,
            }
    return {}


def _equal_visits(
    stored: StoredDiffraction, start: Callable[..., PtychographyReconstruction]
) -> dict[str, float]:
    """Compare one mode without positions, streamed or with all frames at once."""
    streamed = RpieAlgorithm().parameters.visits_per_frame
    found = {}
    for name, live in (("streamed", streamed), ("offline", 0)):
        reconstruction = start(
            visits_per_frame=live,
            passes=EQUAL_PASSES + streamed - live,
            modes=1,
            refine_positions=False,
            least_gain=0,
        )
        for batch in _batches(stored, BATCH):
            reconstruction.add(batch)
        reconstruction.finish(lambda _: iter(()))
        found[f"{name}_residual"] = reconstruction.progress().quality["residual"]
    return found
