"""Where a consumer of the journal must resume: the oldest run it has not finished."""

import json
import logging
from pathlib import Path

from daiss_bluesky.services.journal_segments import FIRST_SEQUENCE

logger = logging.getLogger(__name__)


class Position:
    """A file that names a journal and the next sequence wanted from it.

    Unfinished runs hold the position back at their start, so that a consumer killed
    in mid-run sees that run again from its beginning.
    """

    def __init__(
        self, path: Path, journal_identity: str, journal_end: int | None = None
    ) -> None:
        """Read it; `journal_end` is the sequence that the next record will have.

        A place behind it is of a journal that has lost its end since, as when the
        machine loses power: its numbers are given to other documents now.
        """
        self._path = path
        self._identity = journal_identity
        self._open_runs: dict[str, int] = {}
        self._stored = self._read()
        self._is_kept = True
        self._next = min(self._stored, journal_end or self._stored)
        self.resume_sequence = self._next

    def began(self, run_uid: str, sequence: int) -> None:
        """Note the start document of a run."""
        self._open_runs[run_uid] = sequence

    def finished(self, run_uid: str) -> None:
        """Note that everything of a run is done with."""
        self._open_runs.pop(run_uid, None)

    def passed(self, sequence: int) -> None:
        """Note the newest record dealt with; stores the place to resume from."""
        self._next = sequence + 1
        self.resume_sequence = min([self._next, *self._open_runs.values()])
        if self.resume_sequence != self._stored:
            self._write()

    def _read(self) -> int:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return FIRST_SEQUENCE
        if stored.get("journal") != self._identity:
            return FIRST_SEQUENCE
        return int(stored["next"])

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        text = json.dumps({"journal": self._identity, "next": self.resume_sequence})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            # An older place only costs what is seen again; it is tried the next time.
            if self._is_kept:
                logger.warning("%s cannot be written: %s", self._path, error.strerror)
            self._is_kept = False
        else:
            self._stored, self._is_kept = self.resume_sequence, True
