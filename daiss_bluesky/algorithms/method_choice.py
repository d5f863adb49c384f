"""Which form the sum over projections takes, from geometry, rate and machine.

Nothing is measured here, so that the same figures always give the same choice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daiss_bluesky.algorithms.accumulation import Method
from daiss_bluesky.kernels.backprojection import Blocks
from daiss_bluesky.kernels.gridding import Grid
from daiss_bluesky.kernels.method_speeds import MethodSpeeds

NOTICED_S = 0.1
"""A shorter wait is no reason to leave gridding."""

CLEARLY = 2.0
"""How many times as long the wait by gridding must be."""


FILLED_ROWS = 16
"""From so many rows on gridding does less than half of backprojection's work anywhere.

A measurement on a busy machine may say otherwise, and must not: a live run and the file
it leaves would differ by as much as the methods do.
"""


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """A method, and why: one sentence for the user."""

    method: Method
    reason: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a method will do with line integrals on this machine."""

    frames_per_s: float
    tail_s: float
    """From the last projection to the volume, once all others are in the sum."""

    def keeps_up(self, arrival_fps: float) -> bool:
        """Tell whether frames that come at this rate do not pile up."""
        return self.frames_per_s >= arrival_fps

    def wait_s(self, n_angles: int, arrival_fps: float | None) -> float:
        """Give the time from the last arrival to the volume; no rate: all are there."""
        arriving_s = 0.0 if arrival_fps is None else n_angles / arrival_fps
        return self.tail_s + max(0.0, n_angles / self.frames_per_s - arriving_s)

    def __str__(self) -> str:
        return f"{_rate(self.frames_per_s)} and a tail of {self.tail_s:.2g} s"


def _rate(fps: float) -> str:
    return f"{float(f'{fps:.3g}'):.8g} frames/s"


def predict(rows: int, columns: int, speeds: MethodSpeeds) -> dict[Method, Prediction]:
    """Predict each method for slices of this number and width.

    Gridding takes its slices in blocks of 32, backprojection in multiples of 16: what
    is not filled costs the same.
    """
    grid, blocks = Grid(rows, columns), Blocks(rows, columns)
    spread_s = speeds.spread_s * grid.rounds(speeds.threads) * grid.row_plan.length
    invert_s = speeds.invert_s * grid.blocks * grid.size**2
    smeared = blocks.count * blocks.slices * columns**2
    return {
        "gridding": Prediction(1 / spread_s, invert_s),
        "backprojection": Prediction(
            1 / (speeds.backproject_s * smeared), speeds.turn_s * rows * columns**2
        ),
    }


def choose_method(
    fits: Collection[Method],
    predictions: Mapping[Method, Prediction],
    rows: int,
    n_angles: int,
    arrival_fps: float | None,
) -> MethodChoice:
    """Choose among the methods that fit into memory; gridding in case of doubt.

    Gridding from FILLED_ROWS on. For fewer rows what keeps up with the frames that
    arrive, and of those the one with the shorter wait: backprojection only where the
    difference is noticed and clear.
    """
    method, why = _decide(fits, predictions, rows, n_angles, arrival_fps)
    other: Method = "backprojection" if method == "gridding" else "gridding"
    return MethodChoice(
        method,
        f"{method}, {why}: {predictions[method]} predicted"
        f" ({other}: {predictions[other]})",
    )


def _decide(
    fits: Collection[Method],
    predictions: Mapping[Method, Prediction],
    rows: int,
    n_angles: int,
    arrival_fps: float | None,
) -> tuple[Method, str]:
    if len(fits) == 1:
        (only,) = fits
        return only, "which alone fits into memory"
    if rows >= FILLED_ROWS:
        return "gridding", f"which has less to do from {FILLED_ROWS} rows on"
    gridding, other = predictions["gridding"], predictions["backprojection"]
    if arrival_fps is not None:
        keeps, other_keeps = (one.keeps_up(arrival_fps) for one in (gridding, other))
        rate = f"keeps up with {_rate(arrival_fps)}"
        if keeps and not other_keeps:
            return "gridding", f"which alone {rate}"
        if other_keeps and not keeps:
            return "backprojection", f"which alone {rate}"
    wait_s, other_wait_s = (
        one.wait_s(n_angles, arrival_fps) for one in (gridding, other)
    )
    if wait_s > max(NOTICED_S, CLEARLY * other_wait_s):
        return "backprojection", "whose volume is there sooner"
    return "gridding", "since backprojection's volume is not there clearly sooner"
