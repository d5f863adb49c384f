"""Results: what one reconstruction of one run is, and how it is handed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.reconstruction import Arrays, Progress
from daiss_bluesky.core.technique import AnyScan

SPEC_NAME = "DaissReconstruction"
SPEC_VERSION = "1.0"
RECON_PATH = "recon"
RAW_PATH = "raw"

Status = Literal["running", "complete", "incomplete", "failed"]


def result_uid(run_uid: str, pipeline_digest: str) -> str:
    """Name the result of one run under one pipeline; a restart finds it again."""
    return str(uuid5(NAMESPACE_URL, f"daiss:{run_uid}:{pipeline_digest}"))


@dataclass(frozen=True, slots=True)
class Result:
    """One reconstruction of one run: its identity and provenance."""

    uid: str
    scan: AnyScan
    algorithm: str
    parameters: Mapping[str, Any]
    frame_shape: tuple[int, int]
    versions: Mapping[str, str]
    device: str
    memory_bytes: int
    started_s: float
    view_shapes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Views that will come, so that their places can be made before the first."""
    rerun: Mapping[str, Any] = field(default_factory=dict)
    """Of a run that is reconstructed once more: which result it is of, who asked, when,
    and which parameters are others; else empty."""


@dataclass(frozen=True, slots=True)
class Update:
    """One publication of views; a later one replaces it."""

    number: int
    time_s: float
    progress: Progress
    views: Arrays
    frame_times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Times of the projections that the update before did not have."""


@dataclass(frozen=True, slots=True)
class Final:
    """How a reconstruction ended, with its final arrays where it has any."""

    status: Status
    progress: Progress
    message: str = ""
    views: Arrays = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    finished_s: float = 0.0
    frame_times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Times of the projections that no update had."""


class Publisher(Protocol):
    """Takes results somewhere; calls come from one thread, off the compute path.

    open, then any number of writes, then close; each may be repeated with the same
    values (a restart does) and the latest wins. Only finite arrays come in.
    """

    name: str

    def open(self, result: Result) -> None:
        """Make the place where this result will be seen."""
        ...

    def write(self, update: Update) -> None:
        """Show an update in place of the one before; returns when it is readable."""
        ...

    def close(self, final: Final) -> None:
        """Hand over the final arrays and the status; returns when readable."""
        ...


@runtime_checkable
class ArrayKeeping(Protocol):
    """A publisher that can take final arrays before anybody can read them."""

    def keep(self, final: Final) -> Final:
        """Put the final arrays where they outlast a wait; gives the end without them.

        `close` hands them over all the same. UnavailableError where there is no room.
        """
        ...
