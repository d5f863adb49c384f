"""The state of one filtered backprojection: what has come, and the sum so far.

Projections are backprojected as they come, with relative weights guessed from the
plan. What each should have weighed is known at the end, from the angles that were
measured; only those whose guess was wrong are read again.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.algorithms.accumulation import SUMS
from daiss_bluesky.algorithms.adjusting import adjusted
from daiss_bluesky.algorithms.axis import Axis, AxisFinder
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fields import FieldCollector
from daiss_bluesky.algorithms.ledger import Ledger
from daiss_bluesky.algorithms.method_choice import MethodChoice
from daiss_bluesky.algorithms.offset_axis import slices_shape
from daiss_bluesky.algorithms.preprocessing import MeanProjection, Preprocessing
from daiss_bluesky.algorithms.read_sinogram import read_sinogram
from daiss_bluesky.algorithms.rings import Rings
from daiss_bluesky.algorithms.slabs import Projections, reconstruct_slabs
from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.geometry import angle_weights, coverage
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.reconstruction import (
    Arrays,
    OnStep,
    Progress,
    Reread,
    nobody_watches,
)
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.center_fan import Fan
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.plane_sampling import add_slab

logger = logging.getLogger(__name__)

WORK_FRAMES = 32
"""Frames backprojected at once; bounds the memory, whatever the size of a batch."""

_SAME_WEIGHT = 1e-6


class FbpReconstruction:
    """Takes frames in any order and holds the volume they make."""

    adjustable = ("filter", "zingers", "zinger_threshold", "stripe_window_px")

    def __init__(
        self,
        scan: Scan,
        frame_shape: tuple[int, int],
        parameters: FbpParameters,
        choice: MethodChoice,
    ) -> None:
        self._scan = scan
        self._shape = frame_shape
        self._parameters = parameters
        self._preprocessing = Preprocessing.of(parameters, scan, frame_shape)
        self._mean = (
            None if parameters.stripes == "none" else MeanProjection(frame_shape)
        )
        self._stripes_in_views = "none" if self._mean is None else "mean"
        self._collector = FieldCollector(
            dark_level=parameters.dark_level, repair_dead=parameters.dead_pixels
        )
        planned_rad = scan.planned_angles_rad
        self._finder = AxisFinder(scan, frame_shape, parameters)
        # Opposite projections show different halves in half-acquisition.
        self._period_rad = 2 * np.pi if parameters.half_acquisition else np.pi
        self._guesses = self._guess_weights(planned_rad)
        self._ledger = Ledger()
        self._choice = choice
        self._make_sum(slices_shape(parameters, scan, frame_shape))
        self._fields: Fields | None = None
        self._fields_version = 0
        self._axis: Axis | None = None
        self._is_adjusted = False
        self._newest_projection: NDArray[np.float32] | None = None
        self._volume: NDArray[np.float32] | None = None

    def _make_sum(self, shape: tuple[int, int]) -> None:
        """Begin with slices of this number and width, shown at their middle."""
        rows, n = self._slices_shape = shape
        self._place = rows // 2, n // 2, n // 2
        self._sum = SUMS[self._choice.method](shape, self._parameters.filter)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of the detector's frames."""
        return self._shape

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
        if len(batch) == 0 or self._collector.missing() or self._settle() is None:
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
        fields, axis = self._settled()
        for first in range(0, len(batch), WORK_FRAMES):
            part = slice(first, first + WORK_FRAMES)
            pixels, times_s = batch.pixels[part], batch.times_s[part]
            p = self._preprocessing.line_integrals(
                pixels, times_s, fields, axis.tilt.tilt_rad
            )
            if self._mean is not None:
                self._mean.add(p, weights[part])
            self._newest_projection = p[-1].copy()
            self._keep(batch.keys[part], p)
            angles = batch.angles_rad[part]
            self._sum.add(axis.place(p), angles, weights[part], axis.center_px)

    def _keep(self, keys: list[FrameKey], p: NDArray[np.float32]) -> None:
        """Hold line integrals for the end; the sum over angles needs none."""

    def _settle(self) -> tuple[Fields, Axis] | None:
        """Fix fields and axis for all projections until the next restart.

        None while a half-acquisition has no center.
        """
        changed = self._fields_version != self._collector.version
        if self._fields is None or (self._axis is None and changed):
            self._fields_version = self._collector.version
            self._fields = self._collector.fields()
            self._finder.forget_result()
        if self._axis is None:
            self._axis = self._finder.choose(self._fields)
            if self._axis is None:
                return None
            shape = self._axis.slices_shape(self._shape)
            if shape != self._slices_shape:
                del self._sum  # so that there are never two
                self._make_sum(shape)
        return self._fields, self._axis

    def _settled(self) -> tuple[Fields, Axis]:
        if (settled := self._settle()) is None:
            raise self._finder.refusal()
        return settled

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

    def set_center(self, center_px: float | None) -> None:
        """Set the rotation center in mid-scan, or (None) let it be found again.

        Makes the reconstruction stale where that changes the center. Refuses a place
        off the detector, and a reconstruction that is finished.
        """
        if self._volume is not None:
            raise InputError("the reconstruction is finished; its center stays")
        self._finder.give(center_px)

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

    def sinogram(
        self, row: int, reread: Reread | None = None
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
        """Give the row, its angles and its attenuation (angle, column), corrected.

        Of the row nearest to it that was kept; with `reread` of the row itself.
        """
        if not 0 <= row < self._shape[0]:
            raise InputError(f"row z = {row}: 0 to {self._shape[0] - 1} is expected")
        if reread is None:
            fields = self._fields or self._collector.fields()
            return self._finder.kept_sinogram(fields, row)
        fields, axis = self._settled()
        correct = self._preprocessing.of_rows(
            fields, axis.tilt.tilt_rad, slice(row, row + 1)
        )
        return row, *read_sinogram(self._ledger, reread, correct)

    def center_fan(
        self, candidates_px: ArrayLike, row: int | None = None
    ) -> tuple[int, Fan]:
        """Give slices at candidate centers from the projections so far.

        Of the row kept for it that is nearest to `row` (the middle), which comes first.
        """
        fields = self._fields or self._collector.fields()
        row = self._shape[0] // 2 if row is None else row
        return self._finder.fan(fields, candidates_px, row)

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        self._ledger.forget()
        if self._is_adjusted:
            place = self._place
            del self._sum  # so that there are never two
            self._make_sum(self._slices_shape)
            self._place, self._is_adjusted = place, False
        self._sum.clear()
        if self._mean is not None:
            self._mean.clear()
        if self._fields_version != self._collector.version:
            self._fields = None
        self._axis = None

    def progress(self) -> Progress:
        """Tell how far it is."""
        _, angles, _ = self._ledger.used_arrays()
        newest = self._ledger.newest()
        parameters = self._parameters.model_dump()
        parameters |= {"center_source": None, "method": self._choice.method}
        parameters["method_reason"] = self._choice.reason
        parameters["slices_zyx"] = self._place
        if self._axis is not None:
            parameters |= self._axis.parameters()
        if self._finder.unsure:
            parameters["center_unsure"] = self._finder.unsure
        if self._mean is not None:
            parameters["stripes_in_views"] = self._stripes_in_views
        if self._ledger.unusable:
            parameters["frames_unusable"] = len(self._ledger.unusable)
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
        """Give three slices, the middle ones at first, and the newest projection."""
        if self._newest_projection is None or not self._ledger.used:
            return {}
        slices = self.slices(*self._place)
        return {**slices, "projection": self._newest_projection.copy()}

    def slices(self, z: int, y: int, x: int) -> Arrays:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now; copies."""
        self._check_place(z, y, x)
        volume = self._present_volume()
        if volume is not None:
            planes = volume[z], volume[:, y], volume[:, :, x]
            copies = tuple(plane.copy() for plane in planes)
        else:
            copies = self._sum.slices(z, y, x, self._present_scale())
        names = ("slice_xy", "slice_xz", "slice_yz")
        found = dict(zip(names, copies, strict=True))
        if volume is None and (rings := self._rings()):
            rings.subtract_from_slices(found, z, y, x)
        return found

    def look_at(self, z: int, y: int, x: int) -> None:
        """Let the views show the slices through this place from now on."""
        self._check_place(z, y, x)
        self._place = z, y, x

    def _check_place(self, z: int, y: int, x: int) -> None:
        rows, n = self._slices_shape
        for name, at, count in (("z", z, rows), ("y", y, n), ("x", x, n)):
            if not (isinstance(at, int) and 0 <= at < count):
                raise InputError(f"slice {name} = {at!r}: 0 to {count - 1} is expected")

    def cut(self, plane: Plane) -> NDArray[np.float32]:
        """Give the picture of any plane, as of now."""
        picture = np.zeros(plane.shape, np.float32)
        if (volume := self._present_volume()) is not None:
            add_slab(volume, 0, plane, picture)
        else:
            rings = self._rings()
            for first, slab in self._sum.slabs(self._present_scale()):
                if rings:
                    rings.subtract(slab, first)
                add_slab(slab, first, plane, picture)
        return picture

    def _present_volume(self) -> NDArray[np.float32] | None:
        """Give the volume, as soon as there is one; else the sum has to do."""
        return self._volume

    def _present_scale(self) -> float:
        """Give what the sum of guessed weights is short of the half circle."""
        _, angles, weights = self._ledger.used_arrays()
        return (
            float(self._weights(angles).sum() / weights.sum()) if angles.size else 1.0
        )

    def finish(self, reread: Reread, on_step: OnStep = nobody_watches) -> Arrays:
        """Give the volume (z, y, x) in attenuation per pixel.

        Reads everything again if the reconstruction is stale, otherwise the few
        projections whose weight was guessed wrong. The sum is used up.
        """
        if self._volume is None:
            self._volume = self._finish(reread, on_step)
        return {"volume": self._volume}

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

    def _rings(self) -> Rings | None:
        """Find the rings inside the sum, scaled like the volume; None: not asked."""
        if self._mean is None:
            return None
        _, angles, _ = self._ledger.used_arrays()
        stripes = self._mean.stripes(self._parameters.mean_window_px(self._shape[1]))
        axis, name = self._settled()[1], self._parameters.filter
        (placed,) = axis.place(stripes[None])
        return Rings.of(
            placed,
            angles,
            self._weights(angles),
            axis.center_px,
            name,
            self._choice.method,
        )

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

    def _weights(self, angles_rad: ArrayLike) -> NDArray[np.float64]:
        """Give the angle each projection stands for."""
        return angle_weights(angles_rad, self._period_rad)

    def _guess_weights(
        self, planned_rad: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        if planned_rad is None:
            return np.ones(0)
        weights = self._weights(planned_rad)
        return np.asarray(weights / weights.mean())
