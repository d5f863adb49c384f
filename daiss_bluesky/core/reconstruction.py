"""The contract between an algorithm, whoever runs it, and where frames come from.

An *algorithm* is looked up by name and starts a *reconstruction* for one scan. The
reconstruction takes batches of any kind, in any order, repeats harmless; it gives
cheap views at any moment and final arrays at the end. It never sees documents,
sockets, files or devices. An *engine* owns one reconstruction and feeds it from a
*frame source*, which alone knows where pixels are.

Sums over angles are linear, so what is accumulated stays right whatever the order.
Two things can make it wrong afterwards: knowledge that comes late (a center found at
the end, flats taken after the scan), which makes the reconstruction *stale* and is
mended by `restart` and a second reading of the projections; and weights of a few
angles (a neighbor never came), mended inside `finish` by reading only those again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch, FrameKey, FrameRef
from daiss_bluesky.core.plane import Plane

Arrays = Mapping[str, NDArray[Any]]
"""Views are float32; final arrays may be complex64 or float64 as well."""
Reread = Callable[[Sequence[FrameKey]], Iterator[Batch]]
"""Reads frames again by key, as batches; raises for one that cannot be read."""
OnStep = Callable[[], None]
"""Called in the midst of `finish` when there is something new to see."""


def nobody_watches() -> None:
    """Stand in for an OnStep."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reconstruction is, and how far it can be trusted."""

    frames_expected: int | None = None
    """Of the sample; None where nothing says how many will come."""
    frames_received: int = 0
    """Of the sample, that arrived, each counted once."""
    frames_used: int = 0
    """Of the sample, inside the views."""
    duplicates: int = 0
    coverage: float = 0.0
    """Part of the half circle, or of the planned positions, that is covered, 0 to 1."""
    newest_time_s: float | None = None
    """Time of the newest frame inside the views."""
    newest_angle_rad: float | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    """How good it is, as far as is known: residual, frc_half_period_px ..."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters in force: center_px, center_source, filter ..."""
    step: int = 0
    """Iterations, or passes, that `finish` has done."""
    steps: int = 0
    """Of how many; 0 before it is known, and where there are none."""

    @property
    def frames_missing(self) -> int | None:
        """Expected projections that have not arrived."""
        if self.frames_expected is None:
            return None
        return max(0, self.frames_expected - self.frames_received)


class Reconstruction(Protocol):
    """The state of one scan's reconstruction; used from one thread at a time."""

    def add(self, batch: Batch) -> None:
        """Take frames in; any order, repeats are counted and change nothing."""
        ...

    def progress(self) -> Progress:
        """Tell how far it is."""
        ...

    def views(self) -> Arrays:
        """Give small 2-D pictures of the present state; copies, always finite."""
        ...

    def stale(self) -> str | None:
        """Say why the projections must be read again, or None."""
        ...

    def restart(self) -> None:
        """Forget the projections, keep what was learned (center, flats, darks)."""
        ...

    def finish(self, reread: Reread, on_step: OnStep = nobody_watches) -> Arrays:
        """Give the final arrays; `reread` brings back the few that need it.

        Where that takes many steps, `on_step` is called after each, when progress,
        views and slices show it; what it raises ends the reconstruction.
        """
        ...


@runtime_checkable
class VolumeReconstruction(Reconstruction, Protocol):
    """A reconstruction of a volume: any plane of it, at any moment."""

    def slices(self, z: int, y: int, x: int) -> Arrays:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now; copies."""
        ...

    def look_at(self, z: int, y: int, x: int) -> None:
        """Let the views show the slices through this place from now on."""
        ...

    def set_center(self, center_px: float | None) -> None:
        """Set the rotation center in mid-scan, or (None) let it be found again.

        Makes the reconstruction stale.
        """
        ...

    def cut(self, plane: Plane) -> NDArray[np.float32]:
        """Give the picture of any plane, as of now."""
        ...


@runtime_checkable
class SwitchableReconstruction(Reconstruction, Protocol):
    """A reconstruction that finds more than the object, and may leave parts alone."""

    def set_updates(
        self,
        *,
        update_object: bool | None = None,
        update_probe: bool | None = None,
        refine_positions: bool | None = None,
    ) -> None:
        """Switch what is improved from now on; None leaves it as it is."""
        ...


@runtime_checkable
class AdjustableReconstruction(Reconstruction, Protocol):
    """A reconstruction some of whose parameters can change in mid-scan."""

    @property
    def adjustable(self) -> Sequence[str]:
        """Name those that can."""
        ...

    def set_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change some from now on; nothing changes where one is refused.

        Makes the reconstruction stale where frames were taken in with the old ones.
        """
        ...


@runtime_checkable
class TomographyReconstruction(VolumeReconstruction, Protocol):
    """A volume that is made of sinograms about a rotation center."""

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of the detector's frames."""
        ...

    def sinogram(
        self, row: int, reread: Reread | None = None
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
        """Give its row, angles in radians and attenuation (angle, column), corrected.

        Of the row nearest to `row` that was kept; with `reread` of `row` itself.
        """
        ...


class Algorithm(Protocol):
    """Makes reconstructions; holds parameters, no state."""

    name: str
    technique: str
    """The scans it takes: `tomography` or `ptychography`."""
    parameters: Any
    """A pydantic model; what provenance records."""

    def memory_bytes(self, scan: Any, frame_shape: tuple[int, int]) -> int:
        """Tell how much memory a reconstruction will hold at most."""
        ...

    def view_shapes(
        self, scan: Any, frame_shape: tuple[int, int]
    ) -> Mapping[str, tuple[int, int]]:
        """Name the views its reconstructions give, with their shapes."""
        ...

    def start(self, scan: Any, frame_shape: tuple[int, int]) -> Reconstruction:
        """Begin one scan; refuses one that cannot fit, with the figures."""
        ...


@runtime_checkable
class PlacedAlgorithm(Algorithm, Protocol):
    """An algorithm that chooses where it computes."""

    def device_name(self) -> str:
        """Name what it would compute on now."""
        ...


class FrameSource(Protocol):
    """Reads the pixels of frames known to exist."""

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        """Read frames of one kind and stream, with angles and times filled in.

        Waits a bounded time for a frame that is announced but not yet on disk, then
        raises UnavailableError naming it.
        """
        ...
