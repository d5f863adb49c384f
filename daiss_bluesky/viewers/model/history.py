"""Past pictures of the followed result, as many as a given memory holds."""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from daiss_bluesky.viewers.model.picture import Picture

LIMIT_BYTES = 512 * 2**20


class History:
    """Keeps the newest pictures of each view, all views alike; from any thread.

    When memory is short the views give up their oldest in turn, the one that holds most
    first, but each keeps its newest.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._lock = Lock()
        self._uid = ""
        self._views: dict[str, deque[Picture]] = {}
        self._bytes: dict[str, int] = {}

    def keep(self, picture: Picture) -> None:
        """Add a picture, or put it in the place of one with its number.

        One of another result than before begins anew.
        """
        with self._lock:
            if picture.result_uid != self._uid:
                self._uid = picture.result_uid
                self._views.clear()
                self._bytes.clear()
            view = picture.view
            kept = self._views.setdefault(view, deque())
            if kept and kept[-1].number == picture.number:
                self._bytes[view] -= kept.pop().pixels.nbytes
            kept.append(picture)
            self._bytes[view] = self._bytes.get(view, 0) + picture.pixels.nbytes
            while sum(self._bytes.values()) > self.limit_bytes and self._forget():
                pass

    def _forget(self) -> bool:
        several = [view for view, kept in self._views.items() if len(kept) > 1]
        if not several:
            return False
        view = max(several, key=self._bytes.__getitem__)
        self._bytes[view] -= self._views[view].popleft().pixels.nbytes
        return True

    @property
    def held_bytes(self) -> int:
        """Memory of all that is kept."""
        with self._lock:
            return sum(self._bytes.values())

    def of(self, view: str) -> Sequence[Picture]:
        """Give what is kept of a view, oldest first."""
        with self._lock:
            return tuple(self._views.get(view, ()))

    def at(self, view: str, number: int) -> Picture | None:
        """Give the picture a view showed at an update: the newest up to it."""
        found = [one for one in self.of(view) if one.number <= number]
        return found[-1] if found else None
