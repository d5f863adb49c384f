"""A view model on results that are published for it, and what its window took."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from daiss_bluesky.core.results import Result, Update
from daiss_bluesky.testing.publisher_contract import VIEWS, make_result, make_update
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.model.picture import Picture
from tests.conftest import TiledServer

SIDE = 256


@contextmanager
def viewing(server: TiledServer, **options: Any) -> Iterator[ViewModel]:
    """Open a view model, and close it."""
    model = ViewModel(server.uri, options.pop("api_key", server.api_key), **options)
    try:
        yield model
    finally:
        model.close()


class Window:
    """Takes pictures from the mailbox in a thread, as a window's timer does."""

    def __init__(self, model: ViewModel) -> None:
        self.pictures: list[Picture] = []
        self._model = model
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Window":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self.pictures.extend(self._model.mailbox.take().values())

    def of(self, view: str) -> list[Picture]:
        """Give what a view showed of the result that was followed last."""
        pictures = list(self.pictures)
        uid = pictures[-1].result_uid if pictures else ""
        return [one for one in pictures if (one.view, one.result_uid) == (view, uid)]

    def shows(self, value: float) -> bool:
        """Tell whether all views show an update by now."""
        newest = {
            view: self.of(view)[-1].pixels[1, 1] for view in VIEWS if self.of(view)
        }
        return len(newest) == len(VIEWS) and set(newest.values()) == {value}


def running_result() -> Result:
    """Make a result that begins now."""
    return replace(make_result(), started_s=time.time())


def flat_update(number: int) -> Update:
    """Make an update whose pictures hold its number everywhere."""
    pixels = np.full((SIDE, SIDE), number, np.float32)
    return replace(make_update(number), views=dict.fromkeys(VIEWS, pixels))


def assert_grows(window: Window) -> None:
    """See that nothing is shown twice, and nothing older after something newer."""
    for view in VIEWS:
        numbers = [one.number for one in window.of(view)]
        values = [float(one.pixels[1, 1]) for one in window.of(view)]
        assert numbers == sorted(set(numbers)), view
        assert values == sorted(set(values)), view
