"""What "copy as Python" gives runs, and reads the array that was on the screen."""

import time
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.testing.publisher_contract import (
    make_final,
    make_result,
    make_update,
)
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.python_snippet import python_snippet
from tests.conftest import TiledServer

pytestmark = pytest.mark.system


def run(snippet: str) -> Any:
    names: dict[str, Any] = {}
    exec(snippet, names)
    names["root"].context.http_client.close()
    return names["pixels"]


def test_the_snippet_reads_what_was_shown(
    tiled_server: TiledServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_API_KEY", tiled_server.api_key)
    uri, publisher = tiled_server.uri, tiled_server.publisher()
    result, update, final = make_result(), make_update(3), make_final(5.0)
    publisher.open(result)
    publisher.write(update)
    pixels = update.views["slice_xy"]
    live = Picture(result.uid, "slice_xy", 3, time.time(), pixels)
    assert np.array_equal(run(python_snippet(uri, live)), pixels)
    publisher.close(final)
    volume = final.arrays["volume"]
    for view, rows, columns, place, pixels in (
        ("slice_xy", "y", "x", 2, volume[2]),
        ("slice_xz", "z", "x", 3, volume[:, 3]),
        ("slice_yz", "z", "y", 4, volume[:, :, 4]),
    ):
        shown = Picture(
            result.uid, view, 4, time.time(), pixels, None, rows, columns, place
        )
        read = run(python_snippet(uri, shown, finished=True))
        assert np.array_equal(read, pixels), view
