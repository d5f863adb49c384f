"""What the recorder makes of documents that are none, without a server."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from daiss_bluesky.services import recording
from daiss_bluesky.services.journal import Record
from daiss_bluesky.services.position import Position

DONE: dict[str, Any] = {"metadata": {"stop": {}}}


def test_a_document_without_a_run_does_not_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "from_uri", lambda *_, **__: None)
    http = cast("Any", SimpleNamespace(uri="http://nowhere", get=lambda _: DONE))
    position = Position(tmp_path / "position", "journal")
    one = recording.Recording(http, "key", position, Counter())
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {"uid": "a"}),
        ("bulk_events", {"d": []}),
        ("event", {"uid": "e"}),
        ("stop", {"uid": "s", "run_start": "a"}),
    ]
    one.take((Record(i, 0.0, *it) for i, it in enumerate(documents, 1)), 60)
    assert position.resume_sequence == 5
