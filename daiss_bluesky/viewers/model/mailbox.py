"""Newest picture of each view, from the thread that fetches to the one that paints."""

from threading import Lock

from daiss_bluesky.viewers.model.picture import Picture


class Mailbox:
    """Holds one picture a view; a later one replaces it, taken or not.

    So nothing can pile up: a window that is stopped for a minute finds the newest.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, Picture] = {}
        self.overtaken = 0
        """Pictures that nobody took before the next one of their view came."""

    def put(self, picture: Picture) -> None:
        """Leave a picture."""
        with self._lock:
            waiting = self._waiting.get(picture.view)
            self.overtaken += waiting is not None and waiting.number != picture.number
            self._waiting[picture.view] = picture

    def take(self) -> dict[str, Picture]:
        """Take what is new since the last call, by view."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        return taken
