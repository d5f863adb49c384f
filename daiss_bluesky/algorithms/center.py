"""Which rotation center a reconstruction uses, and where it comes from."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.kernels.correction import Fields, attenuation
from daiss_bluesky.kernels.rotation_center import find_center, opposite_pair

logger = logging.getLogger(__name__)

CenterSource = Literal["given", "pair", "projections", "detector middle"]

_MAX_PAIR_FRAMES = 4


@dataclass(frozen=True, slots=True)
class ChosenCenter:
    """A rotation center in columns from the left edge, and why it is this one."""

    center_px: float
    source: CenterSource
    correlation: float | None = None
    """Of the opposite projections, also where they were not believed."""


class CenterFinder:
    """Keeps the few frames the center is found from, and finds it."""

    def __init__(
        self,
        given_px: float | None,
        n_columns: int,
        planned_rad: NDArray[np.float64] | None,
    ) -> None:
        self._given_px = given_px
        self._middle_px = n_columns / 2
        self._pair: dict[FrameKey, tuple[float, NDArray[Any]]] = {}
        self._opposites: dict[int, tuple[float, NDArray[Any]]] = {}
        self._wanted = None if planned_rad is None else opposite_pair(planned_rad)
        self._has_plan = planned_rad is not None
        self._changed = True
        self._chosen: ChosenCenter | None = None

    def add_pair(self, batch: Batch) -> None:
        """Keep frames that were taken to find the center."""
        for key, angle, frame in zip(
            batch.keys, batch.angles_rad, batch.pixels, strict=True
        ):
            known = key in self._pair or len(self._pair) >= _MAX_PAIR_FRAMES
            if not known and np.isfinite(angle):
                self._pair[key] = (float(angle), frame.copy())
                self._changed = True

    def add_projections(self, batch: Batch) -> None:
        """Keep the two opposite projections, where nothing better is at hand."""
        if self._given_px is not None or len(self._pair) > 1:
            return
        for index, angle, frame in zip(
            batch.indices, batch.angles_rad, batch.pixels, strict=True
        ):
            if int(index) not in self._opposites and self._wants(int(index), angle):
                self._opposites[int(index)] = (float(angle), frame.copy())
                self._changed = True

    def _wants(self, index: int, angle: float) -> bool:
        if self._has_plan:
            return self._wanted is not None and index in self._wanted
        if not self._opposites:
            return True
        (first, _), *others = self._opposites.values()
        return not others and opposite_pair([first, angle]) is not None

    def forget_result(self) -> None:
        """Find the center anew when next asked: darks or flats have changed."""
        self._changed = True

    def choose(self, fields: Fields, zinger_threshold: float | None) -> ChosenCenter:
        """Take the given center, or find it, or fall back to the detector's middle.

        The frames are corrected with the first flats whatever their time, so that
        flats after the scan do not move the center.
        """
        if self._given_px is not None:
            return ChosenCenter(self._given_px, "given")
        if self._changed or self._chosen is None:
            self._chosen = self._find(fields, zinger_threshold)
            self._changed = False
        return self._chosen

    def _find(self, fields: Fields, zinger_threshold: float | None) -> ChosenCenter:
        candidates: list[tuple[CenterSource, list[tuple[float, NDArray[Any]]]]] = [
            ("pair", list(self._pair.values())),
            ("projections", [self._opposites[i] for i in sorted(self._opposites)]),
        ]
        correlation = None
        for source, frames in candidates:
            pair = opposite_pair([angle for angle, _ in frames])
            if pair is None:
                continue
            raw = np.stack([frames[i][1] for i in pair])
            p = attenuation(raw, np.full(2, np.nan), fields, zinger_threshold)
            center = find_center(p[0], p[1])
            correlation = center.correlation
            if center.is_reliable:
                return ChosenCenter(center.center_px, source, correlation)
            logger.warning(
                "the %s half a turn apart do not match (correlation %.2f),"
                " so they give no center",
                "frames" if source == "pair" else source,
                correlation,
            )
        return ChosenCenter(self._middle_px, "detector middle", correlation)
