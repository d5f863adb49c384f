"""The recorder: writes every run into Tiled, from the journal, in its own process.

Whatever interrupts it (Tiled away, its own death), a run that was not written to its
end is removed from Tiled and written again from its start, so that no row is missing
and none is there twice.
"""

import logging
import os
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.core.results import RAW_PATH
from daiss_bluesky.publishers.tiled_http import TiledHttp
from daiss_bluesky.services.document_stream import DocumentStream
from daiss_bluesky.services.journal import JournalReader
from daiss_bluesky.services.position import Position
from daiss_bluesky.services.ready import announce, end_event, run_service
from daiss_bluesky.services.state import StateDirectory, write_json
from daiss_bluesky.services.tiled_server import API_KEY, read_or_make_key

if TYPE_CHECKING:
    from daiss_bluesky.services.recording import Recording

logger = logging.getLogger(__name__)

RAW_SPEC = ("CatalogOfBlueskyRuns", "3.0")
FLUSH_S = 0.5
"""Longest time a document waits before it is visible in Tiled."""
LONGEST_RETRY_S = 2.0
HEARTBEAT_S = 1.0
STATUS_FILE = "recorder.status.json"


class Recorder:
    """Follows the journal into one Tiled server until told to end."""

    def __init__(
        self,
        state: StateDirectory,
        proxy_address: str | None,
        tiled_uri: str,
        api_key: str,
        ended: Event,
    ) -> None:
        self._state = state
        self._proxy_address = proxy_address
        self._http = TiledHttp(tiled_uri, api_key)
        self._api_key = api_key
        self._ended = ended
        self._heartbeat_s = 0.0
        self._doing = ""
        self._tries: Counter[str] = Counter()
        with JournalReader(state.journal) as reader:
            self._position = Position(
                state.root / "recorder.position", reader.identity(), reader.end()
            )

    def run(self) -> None:
        """Record; InputError when the server refuses the key."""
        _import_recording()
        try:
            while not self._ended.is_set():
                if self._wait_for_tiled():
                    self._record_until_interrupted()
        finally:
            self._http.close()

    def _wait_for_tiled(self) -> bool:
        delay_s = 0.1
        while not self._ended.is_set():
            try:
                self._http.create(RAW_PATH, "container", specs=[RAW_SPEC])
            except UnavailableError as error:
                self._tell("waiting for Tiled", str(error))
                self._ended.wait(delay_s)
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
            else:
                return True
        return False

    def _record_until_interrupted(self) -> None:
        stream = DocumentStream(
            self._state.journal, self._proxy_address, self._position.resume_sequence
        )
        try:
            recording = _import_recording()(
                self._http, self._api_key, self._position, self._tries
            )
            with closing(recording):
                while not self._ended.is_set():
                    self._tell("recording")
                    recording.take(stream.read_new(FLUSH_S), FLUSH_S)
        except UnavailableError as error:
            self._tell("waiting for Tiled", str(error))
            self._ended.wait(FLUSH_S)
        finally:
            stream.close()

    def _tell(self, doing: str, why: str = "") -> None:
        """Leave a sign of life, and log what changed."""
        now_s = time.time()
        if doing != self._doing:
            level = logging.WARNING if why else logging.INFO
            logger.log(level, "%s%s", doing, f" ({why})" if why else "")
        elif now_s - self._heartbeat_s < HEARTBEAT_S:
            return
        self._doing, self._heartbeat_s = doing, now_s
        facts = {
            "pid": os.getpid(),
            "doing": doing,
            "why": why,
            "time": now_s,
            "resume_sequence": self._position.resume_sequence,
        }
        with suppress(OSError):  # a disk that is full now may not be so later
            write_json(self._state.root / STATUS_FILE, facts)


def _import_recording() -> "type[Recording]":
    """Import bluesky's writer: takes seconds, and reads its settings as it comes."""
    # Retries inside tiled's client would store rows twice.
    os.environ["TILED_RETRY_ATTEMPTS"] = "1"
    from daiss_bluesky.services.recording import Recording  # noqa: PLC0415

    return Recording


def main(
    state: Annotated[Path, typer.Option(help="state directory with the journal")],
    tiled_uri: Annotated[str, typer.Option(help="where Tiled is")],
    proxy_address: Annotated[str | None, typer.Option(help="host:port to hear")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="written when ready")] = None,
) -> None:
    """Write every run into Tiled; the key is taken from TILED_API_KEY."""
    directory = StateDirectory(state.absolute())
    api_key = os.environ.get(API_KEY) or read_or_make_key(directory.root)

    def serve() -> None:
        ended = end_event()
        recorder = Recorder(directory, proxy_address, tiled_uri, api_key, ended)
        announce(ready_file, tiled_uri=tiled_uri)
        recorder.run()

    run_service(serve)


if __name__ == "__main__":
    typer.run(main)
