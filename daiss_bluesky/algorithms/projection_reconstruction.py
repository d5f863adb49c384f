"""What every reconstruction from projections knows and shows, however it sums them.

Frames that came, darks and flats, the axis; slices, planes and progress. The sum itself
is that of `fbp_reconstruction`, which grows while frames come, or of
`resident_reconstruction`, which keeps the frames.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daiss_bluesky.algorithms.accumulation import Slab
from daiss_bluesky.algorithms.axis import Axis, AxisFinder
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.fields import FieldCollector
from daiss_bluesky.algorithms.ledger import Ledger
from daiss_bluesky.algorithms.method_choice import MethodChoice
from daiss_bluesky.algorithms.offset_axis import slices_shape
from daiss_bluesky.algorithms.preprocessing import Preprocessing
from daiss_bluesky.algorithms.read_sinogram import read_sinogram
from daiss_bluesky.algorithms.rings import Rings
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch
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

Frames = NDArray[np.float32]


class ProjectionReconstruction:
    """Takes frames in any order; a subclass holds what becomes the volume of them."""

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
        self._stripes_in_views = "none" if parameters.stripes == "none" else "mean"
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
        self._begin(slices_shape(parameters, scan, frame_shape))
        self._fields: Fields | None = None
        self._fields_version = 0
        self._axis: Axis | None = None
        self._volume: Frames | None = None

    def _begin(self, shape: tuple[int, int]) -> None:
        """Begin with slices of this number and width, shown at their middle."""
        rows, n = self._slices_shape = shape
        self._place = rows // 2, n // 2, n // 2
        self._make_sum(shape)

    def stale(self) -> str | None:
        """Say why the projections must be read again, or None."""
        raise NotImplementedError

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        raise NotImplementedError

    def _make_sum(self, shape: tuple[int, int]) -> None:
        """Make what holds the projections, or their sum."""
        raise NotImplementedError

    def _add_projections(self, batch: Batch) -> None:
        """Take in projections that are new and have an angle."""
        raise NotImplementedError

    def _newest_projection(self) -> Frames | None:
        """Give line integrals of the newest projection (row, column), if any."""
        raise NotImplementedError

    def _slices_now(self, z: int, y: int, x: int, scale: float) -> tuple[Frames, ...]:
        """Give the three slices as of now, rings and all; copies."""
        raise NotImplementedError

    def _slabs_now(self, scale: float) -> Iterator[Slab]:
        """Give the volume as of now, rings and all; copies."""
        raise NotImplementedError

    def _stripe_image(self) -> Frames | None:
        """Give what each pixel adds to every projection by mistake; None: not asked."""
        raise NotImplementedError

    def _finish(self, reread: Reread, on_step: OnStep) -> Frames:
        """Make the volume."""
        raise NotImplementedError

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
            lit = self._collector.lit(batch.pixels)
            self._add_projections(self._ledger.receive(batch, lit))

    def _guess(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Guess relative weights from the plan, 1 where there is none."""
        guesses = self._guesses
        inside = (indices >= 0) & (indices < guesses.size)
        weights = np.ones(len(indices))
        weights[inside] = guesses[indices[inside]]
        return weights

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
                self._begin(shape)
        return self._fields, self._axis

    def _settled(self) -> tuple[Fields, Axis]:
        if (settled := self._settle()) is None:
            raise self._finder.refusal()
        return settled

    def set_center(self, center_px: float | None) -> None:
        """Set the rotation center in mid-scan, or (None) let it be found again.

        Makes the reconstruction stale where that changes the center. Refuses a place
        off the detector, and a reconstruction that is finished.
        """
        if self._volume is not None:
            raise InputError("the reconstruction is finished; its center stays")
        self._finder.give(center_px)

    def sinogram(
        self, row: int, reread: Reread | None = None
    ) -> tuple[int, NDArray[np.float64], Frames]:
        """Give the row, its angles and its attenuation (angle, column), corrected.

        Of the row nearest to it that was kept, with the first flats; with `reread` of
        the row itself.
        """
        if not 0 <= row < self._shape[0]:
            raise InputError(f"row z = {row}: 0 to {self._shape[0] - 1} is expected")
        if reread is None:
            fields = self._fields or self._collector.fields()
            return self._finder.kept_sinogram(fields, row)
        fields, axis = self._settled()
        chain = Preprocessing.of(self._parameters, self._scan, self._shape)
        tilt_rad = axis.tilt.tilt_rad
        correct = chain.of_rows(fields, tilt_rad, slice(row, row + 1))
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

    def progress(self) -> Progress:
        """Tell how far it is."""
        _, angles, _ = self._ledger.used_arrays()
        newest = self._ledger.newest()
        parameters = self._parameters.model_dump()
        parameters |= {"center_source": None, "method": self._choice.method}
        parameters["device"] = "cpu"
        parameters["method_reason"] = self._choice.reason
        parameters["slices_zyx"] = self._place
        if self._axis is not None:
            parameters |= self._axis.parameters()
        if self._finder.unsure:
            parameters["center_unsure"] = self._finder.unsure
        if self._parameters.stripes != "none":
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
        newest = self._newest_projection()
        if newest is None or not self._ledger.used:
            return {}
        return {**self.slices(*self._place), "projection": newest.copy()}

    def slices(self, z: int, y: int, x: int) -> Arrays:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now; copies."""
        self._check_place(z, y, x)
        volume = self._present_volume()
        if volume is not None:
            planes = volume[z], volume[:, y], volume[:, :, x]
            copies = tuple(plane.copy() for plane in planes)
        else:
            copies = self._slices_now(z, y, x, self._present_scale())
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

    def cut(self, plane: Plane) -> Frames:
        """Give the picture of any plane, as of now."""
        picture = np.zeros(plane.shape, np.float32)
        if (volume := self._present_volume()) is not None:
            add_slab(volume, 0, plane, picture)
        else:
            rings = self._rings()
            for first, slab in self._slabs_now(self._present_scale()):
                if rings:
                    rings.subtract(slab, first)
                add_slab(slab, first, plane, picture)
        return picture

    def _present_volume(self) -> Frames | None:
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

    def _rings(self) -> Rings | None:
        """Find the rings inside the sum, scaled like the volume; None: not asked."""
        stripes = self._stripe_image()
        if stripes is None:
            return None
        _, angles, _ = self._ledger.used_arrays()
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
