"""The state of one filtered backprojection: what has come, and the sum so far.

Projections are backprojected as they come, with relative weights guessed from the
plan. What each should have weighed is known at the end, from the angles that were
measured; only those whose guess was wrong are read again.
"""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.accumulation import SUMS, Accumulation, Slab
from daiss_bluesky.algorithms.adjusting import adjusted
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.method_choice import MethodChoice
from daiss_bluesky.algorithms.preprocessing import MeanProjection, Preprocessing
from daiss_bluesky.algorithms.projection_reconstruction import ProjectionReconstruction
from daiss_bluesky.algorithms.slabs import Projections, reconstruct_slabs
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.reconstruction import OnStep, Reread
from daiss_bluesky.core.scan import Scan

logger = logging.getLogger(__name__)

WORK_FRAMES = 32
"""Frames backprojected at once; bounds the memory, whatever the size of a batch."""

_SAME_WEIGHT = 1e-6


class FbpReconstruction(ProjectionReconstruction):
    """Holds the volume that the frames so far make."""

    adjustable = ("filter", "zingers", "zinger_threshold", "stripe_window_px")

    def __init__(
        self,
        scan: Scan,
        frame_shape: tuple[int, int],
        parameters: FbpParameters,
        choice: MethodChoice,
    ) -> None:
        self._preprocessing = Preprocessing.of(parameters, scan, frame_shape)
        self._mean = (
            None if parameters.stripes == "none" else MeanProjection(frame_shape)
        )
        self._newest: NDArray[np.float32] | None = None
        self._is_adjusted = False
        super().__init__(scan, frame_shape, parameters, choice)

    def _make_sum(self, shape: tuple[int, int]) -> None:
        # So that there are never two.
        self.__dict__.pop("_sum", None)
        self._sum: Accumulation = SUMS[self._choice.method](
            shape, self._parameters.filter
        )

    def _add_projections(self, batch: Batch) -> None:
        self._finder.add_projections(batch)
        if len(batch) == 0 or self._collector.missing() or self._settle() is None:
            return
        weights = self._guess(batch.indices)
        self._accumulate(batch, weights)
        for key, weight in zip(batch.keys, weights, strict=True):
            self._ledger.entries[key].weight = float(weight)

    def _accumulate(self, batch: Batch, weights: NDArray[np.float64]) -> None:
        fields, axis = self._settled()
        for first in range(0, len(batch), WORK_FRAMES):
            part = slice(first, first + WORK_FRAMES)
            pixels, times_s = batch.pixels[part], batch.times_s[part]
            p = self._preprocessing.line_integrals(
                pixels, times_s, fields, axis.tilt.tilt_rad
            )
            if self._mean is not None:
                self._mean.add(p, weights[part])
            self._newest = p[-1].copy()
            self._keep(batch.keys[part], p)
            angles = batch.angles_rad[part]
            self._sum.add(axis.place(p), angles, weights[part], axis.center_px)

    def _keep(self, keys: list[FrameKey], p: NDArray[np.float32]) -> None:
        """Hold line integrals for the end; the sum over angles needs none."""

    def stale(self) -> str | None:
        """Say why the projections must be read again, or None."""
        if self._collector.missing() or self._volume is not None:
            return None
        if self._is_adjusted:
            return "parameters were changed"
        return self._late_knowledge()

    def _late_knowledge(self) -> str | None:
        if any(entry.weight is None for entry in self._ledger.entries.values()):
            if self._settle() is None:
                return None
            return "projections came before the fields or the center they need"
        if self._fields is None or self._axis is None:
            return None
        if self._fields_version != self._collector.version:
            return "flats or darks came after projections"
        better = self._finder.choose(self._fields) or self._axis
        reason = better.differs(self._axis)
        self._axis = self._axis if reason else better
        return reason

    def set_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change some of the adjustable parameters; the projections are read again."""
        if self._volume is not None:
            raise InputError("the reconstruction is finished; its parameters stay")
        wanted = adjusted(self._parameters, changes, self.adjustable)
        if wanted.filter == "sharp" and self._choice.method != "gridding":
            raise InputError("filter 'sharp' needs gridding; this is backprojection")
        self._parameters = wanted
        self._preprocessing = Preprocessing.of(wanted, self._scan, self._shape)
        self._finder.set_zingers(wanted)
        self._is_adjusted = True

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        self._ledger.forget()
        if self._is_adjusted:
            self._make_sum(self._slices_shape)
            self._is_adjusted = False
        self._sum.clear()
        if self._mean is not None:
            self._mean.clear()
        if self._fields_version != self._collector.version:
            self._fields = None
        self._axis = None

    def _newest_projection(self) -> NDArray[np.float32] | None:
        return self._newest

    def _slices_now(
        self, z: int, y: int, x: int, scale: float
    ) -> tuple[NDArray[np.float32], ...]:
        return self._sum.slices(z, y, x, scale)

    def _slabs_now(self, scale: float) -> Iterator[Slab]:
        return self._sum.slabs(scale)

    def _stripe_image(self) -> NDArray[np.float32] | None:
        if self._mean is None:
            return None
        return self._mean.stripes(self._parameters.mean_window_px(self._shape[1]))

    def _finish(
        self,
        reread: Reread,
        on_step: OnStep,  # noqa: ARG002 - it is done in one
    ) -> NDArray[np.float32]:
        self._read_stale(reread)
        if self._parameters.needs_whole_sinograms:
            volume = self._from_whole_sinograms(reread)
            if volume is not None:
                return volume
        volume = self._sum.volume(self._correct_weights(reread))
        if rings := self._rings():
            rings.subtract(volume)
        return volume

    def _read_stale(self, reread: Reread) -> None:
        """Read everything again for as long as something that came late changes it."""
        self._ledger.refuse_nothing()
        self._collector.fields()
        self._finder.end()
        while self.stale():
            keys = list(self._ledger.entries)
            self.restart()
            for batch in reread(keys):
                self.add(batch)
        self._settled()

    def _from_whole_sinograms(self, reread: Reread) -> NDArray[np.float32] | None:
        """Correct whole sinograms; None where a projection cannot be read again."""
        keys, angles, _ = self._ledger.used_arrays()
        fields, axis = self._settled()

        try:
            volume = reconstruct_slabs(
                Projections(keys, angles, self._weights(angles)),
                reread,
                partial(self._preprocessing.of_rows, fields, axis.tilt.tilt_rad),
                self._preprocessing.remove_stripes,
                self._shape,
                axis,
                partial(SUMS[self._choice.method], filter_name=self._parameters.filter),
            )
        except UnavailableError as error:
            logger.warning("stripes are removed by their mean only: %s", error)
            return None
        self._stripes_in_views = self._parameters.stripes
        return volume

    def _correct_weights(self, reread: Reread) -> float:
        """Add what the guessed weights lack; gives the factor common to all."""
        keys, angles, used = self._ledger.used_arrays()
        target = self._weights(angles)
        factor = float(np.median(target / used))
        lacking = target / factor - used
        wrong = np.flatnonzero(np.abs(lacking) > _SAME_WEIGHT * used)
        if wrong.size == 0:
            return factor
        by_key = {keys[i]: float(lacking[i]) for i in wrong}
        try:
            for batch in reread(list(by_key)):
                weights = np.array([by_key.pop(key) for key in batch.keys])
                self._accumulate(batch, weights)
        except UnavailableError as error:
            logger.warning(
                "%d projections keep their guessed weight: %s", len(by_key), error
            )
        return factor
