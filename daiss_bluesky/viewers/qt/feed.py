"""What the window needs of the view model and of the reconstructor."""

from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.viewers.model.connection import Connection
from daiss_bluesky.viewers.model.curves import Curves
from daiss_bluesky.viewers.model.entries import RunEntry
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.history import History
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.mailbox import Mailbox
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.query import Query

Answer = TypeVar("Answer")

_PATIENCE_S = 30.0


def awaited(future: "Future[Answer]") -> Answer:
    """Wait for an answer, off the GUI thread; UnavailableError if it does not come."""
    try:
        return future.result(_PATIENCE_S)
    except TooLate:
        future.cancel()
        raise UnavailableError(f"no answer came within {_PATIENCE_S:g} s") from None
    except CancelledError:
        raise UnavailableError("a newer question took its place") from None


class Feed(Protocol):
    """The view model; every call returns at once."""

    mailbox: Mailbox
    history: History

    @property
    def catalog_changes(self) -> int:
        """Grows when `runs` may give something else."""
        ...

    def connection(self) -> Connection:
        """Say how the line is."""
        ...

    def runs(self, query: Query | None = None) -> tuple[RunEntry, ...]:
        """List runs, newest first."""
        ...

    def follow(self, result_uid: str | None) -> None:
        """Follow one result, or the newest."""
        ...

    def followed(self) -> Followed:
        """Say what is followed."""
        ...

    def honesty(self) -> Honesty:
        """Say how much is in it."""
        ...

    def curves(self) -> Curves:
        """Give progress as curves."""
        ...

    def slices(self, z: int, y: int, x: int) -> "Future[dict[str, Picture]]":
        """Ask for slices of a finished result."""
        ...

    def sinogram(self, z: int) -> "Future[Picture]":
        """Ask for the sinogram of a row, from the stored frames."""
        ...

    def opposite(self) -> "Future[tuple[Picture, Picture]]":
        """Ask for two projections half a turn apart."""
        ...

    def array(self, name: str) -> "Future[NDArray[Any]]":
        """Ask for a final array."""
        ...

    def start_document(self) -> "Future[Mapping[str, Any]]":
        """Ask for the start document of the run."""
        ...


class Steering(Protocol):
    """The reconstructor's requests that the window makes, off the GUI thread."""

    def look(self, z: int, y: int, x: int, *, of: str | None = None) -> None:
        """Move the live views."""
        ...

    def center(self, center_px: float | None, *, of: str | None = None) -> None:
        """Set the center, or have it found."""
        ...

    def update(self, *, of: str | None = None, **switches: bool | None) -> None:
        """Switch what ptychography improves."""
        ...

    def sinogram(
        self, z: int, *, exact: bool = False, of: str | None = None
    ) -> Mapping[str, Any]:
        """Give a corrected sinogram."""
        ...

    def fan(
        self,
        *,
        around_px: float | None = None,
        step_px: float = 1.0,
        count: int = 9,
        z: int | None = None,
        of: str | None = None,
    ) -> Mapping[str, Any]:
        """Give slices at candidate centers."""
        ...

    def rerun(self, of: str | None = None, **parameters: Any) -> str:
        """Reconstruct a run once more."""
        ...

    def abort(self, of: str | None = None, *, reason: str = "") -> None:
        """End a reconstruction as incomplete."""
        ...
