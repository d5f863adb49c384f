"""Results kept in memory, for tests and for scripts that want no server."""

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.results import Final, Result, Update


class MemoryPublisher:
    """Remembers everything it was given, by result; the latest wins."""

    name = "memory"

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self.updates: dict[str, list[Update]] = {}
        self.finals: dict[str, Final] = {}
        self._uid: str | None = None

    def open(self, result: Result) -> None:
        """Begin a result, forgetting an earlier try of the same."""
        self._uid = result.uid
        self.results[result.uid] = result
        self.updates[result.uid] = []
        self.finals.pop(result.uid, None)

    def write(self, update: Update) -> None:
        """Keep an update; one of the same number is replaced."""
        updates = self.updates[self._opened()]
        updates[:] = [known for known in updates if known.number != update.number]
        updates.append(update)

    def close(self, final: Final) -> None:
        """Keep how it ended."""
        self.finals[self._opened()] = final

    def _opened(self) -> str:
        if self._uid is None:
            raise InputError("no result was opened")
        return self._uid
