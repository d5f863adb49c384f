"""The state of one filtered backprojection: what has come, and the sum so far.

Projections are backprojected as they come, with relative weights guessed from the
plan. What each should have weighed is known at the end, from the angles that were
measured; only those whose guess was wrong are read again.
"""

import logging

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.center import CenterFinder, ChosenCenter
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fields import FieldCollector
from daiss_bluesky.algorithms.ledger import Ledger
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.geometry import angle_weights, coverage
from daiss_bluesky.core.reconstruction import Arrays, Progress, Reread
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.backprojection import (
    Blocks,
    backproject,
    clear,
    filter_projections,
    to_volume,
)
from daiss_bluesky.kernels.correction import Fields, attenuation

logger = logging.getLogger(__name__)

WORK_FRAMES = 32
"""Frames backprojected at once; bounds the memory, whatever the size of a batch."""

_SAME_WEIGHT = 1e-6


class FbpReconstruction:
    """Takes frames in any order and holds the volume they make."""

    def __init__(
        self, scan: Scan, frame_shape: tuple[int, int], parameters: FbpParameters
    ) -> None:
        given_px = parameters.center_px
        if given_px is None:
            given_px = scan.center_px
        self._scan = scan
        self._shape = frame_shape
        self._parameters = parameters
        self._zingers = parameters.zinger_threshold if parameters.zingers else None
        self._collector = FieldCollector(
            dark_level=parameters.dark_level, repair_dead=parameters.dead_pixels
        )
        planned_rad = scan.planned_angles_rad
        self._finder = CenterFinder(given_px, frame_shape[1], planned_rad)
        self._guesses = _guess_weights(planned_rad)
        self._ledger = Ledger()
        self._blocks = Blocks(*frame_shape)
        self._sum = self._blocks.zeros()
        self._fields: Fields | None = None
        self._fields_version = 0
        self._center: ChosenCenter | None = None
        self._newest_projection: NDArray[np.float32] | None = None
        self._volume: NDArray[np.float32] | None = None

    def add(self, batch: Batch) -> None:
        """Take frames in; any order, repeats are counted and change nothing."""
        if batch.pixels.shape[1:] != self._shape:
            raise InputError(
                f"{batch.kind} frames of {batch.pixels.shape[1:]} pixels came in a scan"
                f" of {self._shape}"
            )
        if batch.kind in {"dark", "flat"}:
            self._collector.add(batch)
        elif batch.kind == "pair":
            self._finder.add_pair(batch)
        else:
            self._add_projections(self._ledger.receive(batch))

    def _add_projections(self, batch: Batch) -> None:
        self._finder.add_projections(batch)
        if len(batch) == 0 or self._collector.missing():
            return
        weights = self._guess(batch.indices)
        self._accumulate(batch, weights)
        for key, weight in zip(batch.keys, weights, strict=True):
            self._ledger.entries[key].weight = float(weight)

    def _guess(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Guess relative weights from the plan, 1 where there is none."""
        guesses = self._guesses
        inside = (indices >= 0) & (indices < guesses.size)
        weights = np.ones(len(indices))
        weights[inside] = guesses[indices[inside]]
        return weights

    def _accumulate(self, batch: Batch, weights: NDArray[np.float64]) -> None:
        fields, center = self._settle()
        for first in range(0, len(batch), WORK_FRAMES):
            part = slice(first, first + WORK_FRAMES)
            pixels, times_s = batch.pixels[part], batch.times_s[part]
            p = attenuation(pixels, times_s, fields, self._zingers)
            self._newest_projection = p[-1].copy()
            self._keep(batch.keys[part], p)
            name = self._parameters.filter
            q = filter_projections(p, weights[part], self._blocks, name)
            backproject(q, batch.angles_rad[part], center.center_px, self._sum)

    def _keep(self, keys: list[FrameKey], p: NDArray[np.float32]) -> None:
        """Hold line integrals for the end; the sum over angles needs none."""

    def _settle(self) -> tuple[Fields, ChosenCenter]:
        """Fix fields and center for all projections until the next restart."""
        if self._fields is None:
            self._fields_version = self._collector.version
            self._fields = self._collector.fields()
        if self._center is None:
            self._center = self._finder.choose(self._fields, self._zingers)
        return self._fields, self._center

    def stale(self) -> str | None:
        """Say why the projections must be read again, or None."""
        if self._collector.missing() or self._volume is not None:
            return None
        if any(entry.weight is None for entry in self._ledger.entries.values()):
            return "projections came before the flat and dark fields"
        if self._fields is None or self._center is None:
            return None
        if self._fields_version != self._collector.version:
            return "flats or darks came after projections"
        better = self._finder.choose(self._fields, self._zingers)
        if better.center_px != self._center.center_px:
            return f"the rotation center was found: {better.center_px:.2f} px"
        return None

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        self._ledger.forget()
        clear(self._sum)
        if self._fields_version != self._collector.version:
            self._fields = None
            self._finder.forget_result()
        self._center = None

    def progress(self) -> Progress:
        """Tell how far it is."""
        _, angles, _ = self._ledger.used_arrays()
        newest = self._ledger.newest()
        parameters = self._parameters.model_dump() | {"center_source": None}
        if self._center is not None:
            parameters["center_px"] = self._center.center_px
            parameters["center_source"] = self._center.source
            parameters["center_correlation"] = self._center.correlation
        if self._ledger.without_angle:
            parameters["frames_without_angle"] = self._ledger.without_angle
        return Progress(
            frames_expected=self._scan.n_projections,
            frames_received=len(self._ledger.entries),
            frames_used=len(angles),
            duplicates=self._ledger.duplicates,
            coverage=coverage(angles, self._scan.n_projections),
            newest_time_s=newest.time_s if newest else None,
            newest_angle_rad=newest.angle_rad if newest else None,
            parameters=parameters,
        )

    def views(self) -> Arrays:
        """Give three slices through the middle and the newest projection; copies."""
        if self._newest_projection is None or not self._ledger.used:
            return {}
        rows, n = self._shape
        z, middle = rows // 2, n // 2
        if self._volume is not None:
            volume = self._volume
            slices = [volume[z], volume[:, middle], volume[:, :, middle]]
            scale = 1.0
        else:
            _, angles, weights = self._ledger.used_arrays()
            scale = float(angle_weights(angles).sum() / weights.sum())
            block, inside = divmod(z, self._blocks.slices)
            slices = [
                self._sum[block][:, :, inside],
                np.concatenate([b[middle].T for b in self._sum])[:rows],
                np.concatenate([b[:, middle].T for b in self._sum])[:rows],
            ]
        names = ("slice_xy", "slice_xz", "slice_yz")
        views = {
            name: np.multiply(s, np.float32(scale), order="C")
            for name, s in zip(names, slices, strict=True)
        }
        return views | {"projection": self._newest_projection.copy()}

    def finish(self, reread: Reread) -> Arrays:
        """Give the volume (z, y, x) in attenuation per pixel.

        Reads everything again if the reconstruction is stale, otherwise the few
        projections whose weight was guessed wrong. The sum is used up.
        """
        if self._volume is None:
            self._volume = self._finish(reread)
        return {"volume": self._volume}

    def _finish(self, reread: Reread) -> NDArray[np.float32]:
        self._read_stale(reread)
        scale = self._correct_weights(reread)
        return to_volume(self._sum, self._shape[0], scale)

    def _read_stale(self, reread: Reread) -> None:
        """Bring the sum up to what is known by now; refuses a scan that has none."""
        if not self._ledger.entries:
            raise InputError("no projection came with the scan")
        self._collector.fields()
        while self.stale():
            keys = list(self._ledger.entries)
            self.restart()
            for batch in reread(keys):
                self.add(batch)

    def _correct_weights(self, reread: Reread) -> float:
        """Add what the guessed weights lack; gives the factor common to all."""
        keys, angles, used = self._ledger.used_arrays()
        target = angle_weights(angles)
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


def _guess_weights(planned_rad: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if planned_rad is None:
        return np.ones(0)
    weights = angle_weights(planned_rad)
    return np.asarray(weights / weights.mean())
