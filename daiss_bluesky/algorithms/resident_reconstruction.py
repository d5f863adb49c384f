"""Filtered backprojection of frames that stay on a device until the end.

Raw frames are kept as they came; three slices are kept up to date with them, and the
volume is made of all at the end. A new center, late flats or other slices therefore
need no second reading, and each frame gets the weight it has in the end.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.algorithms.axis import Axis
from daiss_bluesky.algorithms.device_part import Chain, DevicePart, Lines, Settled
from daiss_bluesky.algorithms.device_plan import DevicePlan
from daiss_bluesky.algorithms.device_volume import DeviceRoom, DeviceVolume
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.filtered_frames import FilteredFrames
from daiss_bluesky.algorithms.live_pictures import LivePictures
from daiss_bluesky.algorithms.method_choice import MethodChoice
from daiss_bluesky.algorithms.on_devices import Devices, part_rows
from daiss_bluesky.algorithms.projection_reconstruction import ProjectionReconstruction
from daiss_bluesky.algorithms.resident_frames import ResidentFrames
from daiss_bluesky.algorithms.rings import Rings
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.reconstruction import OnStep, Progress, Reread
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.kernels.correction import Fields
from daiss_bluesky.kernels.operators import Array, Operators
from daiss_bluesky.kernels.stripes import stripe_image

Image = NDArray[np.float32]


class ResidentReconstruction(ProjectionReconstruction):
    """Holds the frames, on one device or by rows on several."""

    def __init__(
        self,
        scan: Scan,
        frame_shape: tuple[int, int],
        parameters: FbpParameters,
        choice: MethodChoice,
        devices: Devices,
        store: ArrayStore,
    ) -> None:
        self.store = store
        """Where arrays are, by name; `volume 0-512` and so on once they are made."""
        chain = Chain.of(parameters, scan, frame_shape)
        self._plans = [plan for _, plan in devices]
        self._parts = [
            _part(operators, plan, rows, chain, store, scan.n_projections)
            for (operators, plan), rows in zip(
                devices, part_rows(frame_shape[0], len(devices)), strict=True
            )
        ]
        self._live: LivePictures | None = None
        self._filtered: list[FilteredFrames] = []
        self._rooms: list[DeviceRoom] = []
        self._is_watched = False
        self._angles: list[float] = []
        self._times: list[float] = []
        self._guessed: list[float] = []
        self._last_projection: Image | None = None
        super().__init__(scan, frame_shape, parameters, choice)

    def _make_sum(self, shape: tuple[int, int]) -> None:
        self._forget_pictures()
        self._rooms.clear()
        self.store.release("volume")
        if (n_angles := self._scan.n_projections) is not None:
            self._make_rooms(shape, n_angles)
            for room in self._rooms:
                room.warm_up()

    def _make_rooms(self, shape: tuple[int, int], n_angles: int) -> None:
        """Make room for the volume, before the last frame has come if possible."""
        parameters, method = self._parameters, self._choice.method
        for part, plan in zip(self._parts, self._plans, strict=True):
            room = DeviceRoom(part, plan, shape, n_angles, parameters, method)
            self._rooms.append(room)

    def _forget_pictures(self) -> None:
        self._live = None
        self._filtered.clear()
        self.store.release("filtered")

    def _add_projections(self, batch: Batch) -> None:
        self._finder.add_projections(batch)
        if len(batch) == 0:
            return
        for part in self._parts:
            part.frames.add(batch.pixels[:, part.held])
        self._angles += batch.angles_rad.tolist()
        self._times += batch.times_s.tolist()
        self._guessed += self._guess(batch.indices).tolist()
        if self._is_watched:
            self._catch_up()

    def _lines(self, weights: NDArray[np.float64] | None = None) -> Lines:
        guessed = np.array(self._guessed) if weights is None else weights
        return Lines(np.array(self._angles), np.array(self._times), guessed)

    def _settle(self) -> tuple[Fields, Axis] | None:
        """Give fields and axis as they are known now."""
        if self._fields is None or self._fields_version != self._collector.version:
            self._fields_version = self._collector.version
            self._fields = self._collector.fields()
            self._finder.forget_result()
        better = self._finder.choose(self._fields)
        if better is None:
            return None
        self._axis = better
        if (shape := better.slices_shape(self._shape)) != self._slices_shape:
            self._begin(shape)
        return self._fields, better

    def _present(self) -> Settled | None:
        """Give what line integrals are made with now, if all that it takes is there."""
        if self._collector.missing() or not self._angles:
            return None
        if (settled := self._settle()) is None:
            return None
        self._count_in()
        return Settled(*settled, self._slices_shape)

    def _count_in(self) -> None:
        """Let the ledger know that all frames are in the sum."""
        for entry, weight in zip(
            self._ledger.entries.values(), self._guessed, strict=True
        ):
            entry.weight = weight

    def _catch_up(self) -> LivePictures | None:
        """Bring the slices that are looked at up to date."""
        if (now := self._present()) is None:
            return None
        live = self._live
        if live is None or not now.same(live.settled) or live.place != self._place:
            live = self._live = self._pictures(now)
            live.show_slices(*self._place)
        live.add(self._lines())
        return live

    def _pictures(self, now: Settled) -> LivePictures:
        """Make pictures that take in the frames there are, filtered once."""
        if not self._filtered or not now.same(self._filtered[0].settled):
            self._forget_pictures()
            mean = self._parameters.stripes != "none"
            self._filtered = [
                FilteredFrames(part, now, self._parameters.filter, watches_mean=mean)
                for part in self._parts
            ]
            expected = self._scan.n_projections
            for one, plan in zip(self._filtered, self._plans, strict=True):
                if plan.keeps_filtered and expected is not None:
                    one.keep(self.store, expected)
        return LivePictures(self._filtered)

    def stale(self) -> str | None:
        """Say why the projections must be read again: never."""
        return None

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        self._ledger.forget()
        self._forget_pictures()
        for part in self._parts:
            part.frames.clear()
        for known in (self._angles, self._times, self._guessed):
            known.clear()

    def progress(self) -> Progress:
        """Tell how far it is, and what lies where."""
        if self._volume is None:
            self._present()
        progress = super().progress()
        where = ", ".join(part.operators.place for part in self._parts)
        arrays = {
            one.name: f"{one.bytes / 1e9:.3g} GB on {one.place}"
            for one in self.store.report()
        }
        parameters = {**progress.parameters, "device": where, "arrays": arrays}
        return replace(progress, parameters=parameters)

    def _newest_projection(self) -> Image | None:
        if self._volume is not None:
            return self._last_projection
        if self._present() is None:
            return None
        self._is_watched = True
        self._last_projection = self._projection(len(self._angles) - 1)
        return self._last_projection

    def _projection(self, number: int) -> Image:
        """Make line integrals of one frame (row, column)."""
        fields, axis = self._settled()
        found = np.empty(self._shape, np.float32)
        for part in self._parts:
            made = part.line_integrals(self._lines(), fields, axis, part.rows, number)
            for _, p in made:
                part.operators.download(p[0], found[part.rows])
        return found

    def _slices_now(self, z: int, y: int, x: int, scale: float) -> tuple[Image, ...]:
        if (now := self._present()) is None:
            rows, n = self._slices_shape
            shapes = (n, n), (rows, n), (rows, n)
            return tuple(np.zeros(shape, np.float32) for shape in shapes)
        live = self._catch_up() if (z, y, x) == self._place else None
        if live is None:
            live = self._pictures(now)
            live.show_slices(z, y, x)
            live.add(self._lines())
        return live.slices(scale)

    def _present_scale(self) -> float:
        self._present()
        return super()._present_scale()

    def _rings(self) -> Rings | None:
        """Find the rings in slices that are summed by backprojection."""
        rings = super()._rings()
        return None if rings is None else replace(rings, method="backprojection")

    def cut(self, plane: Plane) -> Image:
        """Give the picture of any plane, as of now."""
        if self._volume is not None:
            return super().cut(plane)
        (picture,) = self.cuts([plane])
        return picture

    def cuts(self, planes: Sequence[Plane]) -> list[Image]:
        """Give pictures of planes in one pass over the frames, until the end."""
        if (now := self._present()) is None:
            return [np.zeros(plane.shape, np.float32) for plane in planes]
        pictures = self._pictures(now)
        pictures.show_planes(planes)
        pictures.add(self._lines(), self._stripe_image())
        return pictures.planes(self._present_scale())

    def _stripe_image(self) -> Image | None:
        if self._parameters.stripes == "none":
            return None
        if self._catch_up() is None:
            return None
        mean = np.zeros(self._shape)
        for one in self._filtered:
            one.mean(mean[one.part.rows])
        window_px = self._parameters.mean_window_px(self._shape[1])
        return stripe_image(mean.astype(np.float32), window_px)

    def device_volume(self) -> list[Array]:
        """Give the volume where it was made, one array (z, y, x) for each device.

        For those who go on there: nothing is copied. Only of a plan that keeps it.
        """
        return [part.keep(self.store) for part in self._end()]

    @property
    def device_bytes(self) -> int:
        """How much of the devices' memory was planned for, all of them together."""
        return sum(plan.bytes for plan in self._plans)

    def held_bytes(self) -> int:
        """Tell how much the devices hold now, room to work in included."""
        return sum(part.operators.held_bytes() for part in self._parts)

    def wait(self) -> None:
        """Wait until the devices have done everything they were asked for."""
        for part in self._parts:
            part.operators.wait()

    def close(self) -> None:
        """Give the devices' memory back."""
        self._forget_pictures()
        self._rooms.clear()
        for part in self._parts:
            part.frames.clear()
        self.store.release()
        for part in self._parts:
            part.operators.give_back()

    def _end(self) -> list[DeviceVolume]:
        """Take all that came for all there is."""
        self._ledger.refuse_nothing()
        if self._collector.missing():
            self._collector.fields()
        self._finder.end()
        settled = Settled(*self._settled(), self._slices_shape)
        self._count_in()
        lines = self._lines(self._weights(self._angles))
        if not self._rooms or len(self._angles) > self._rooms[0].n_angles:
            self._rooms.clear()
            self._make_rooms(self._slices_shape, len(self._angles))
        return [
            DeviceVolume(part, room, settled, lines, self._parameters)
            for part, room in zip(self._parts, self._rooms, strict=True)
        ]

    def _finish(self, reread: Reread, on_step: OnStep) -> Image:
        """Make the volume; nothing has to be read again."""
        del reread, on_step  # it is done in one
        volume = self._on_host()
        if self._parameters.stripes != "none":
            self._stripes_in_views = self._parameters.stripes
        self.close()
        return volume

    def _on_host(self) -> Image:
        """Make the volume, here; once it is there nothing of it is in use elsewhere."""
        ends = self._end()
        self._last_projection = self._projection(len(self._angles) - 1)
        rows, n = self._slices_shape
        self._forget_pictures()
        volume = np.empty((rows, n, n), np.float32)
        if all(plan.keeps_volume for plan in self._plans):
            kept = [end.keep(self.store) for end in ends]
            for part, made in zip(self._parts, kept, strict=True):
                part.operators.download(made, volume[part.rows])
        else:
            for part, end in zip(self._parts, ends, strict=True):
                end.write(volume[part.rows])
        return volume


def _part(
    operators: Operators,
    plan: DevicePlan,
    rows: slice,
    chain: Chain,
    store: ArrayStore,
    expected: int | None,
) -> DevicePart:
    name = f"frames of {rows.start}-{rows.stop}"
    held, columns = chain.held(rows), chain.frame_shape[1]
    frames = ResidentFrames(
        operators, store, name, held, columns, plan.frames_bytes, expected
    )
    return DevicePart(operators, chain, rows, frames)
