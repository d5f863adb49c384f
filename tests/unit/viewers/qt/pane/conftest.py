"""A pane on no screen, and pictures for it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.pane.pane import ImagePane

MakePicture = Callable[..., Picture]


@pytest.fixture
def make_picture() -> MakePicture:
    """Pictures that are numbered on."""
    made = 0

    def make(pixels: NDArray[Any], view: str = "slice_xy", **more: Any) -> Picture:
        nonlocal made
        made += 1
        return Picture("result", view, made, 1.7e9 + made, pixels, **more)

    return make


@pytest.fixture
def pane(qt_app: Any) -> Iterator[Any]:
    shown = ImagePane("Slice xy")
    shown.resize(500, 400)
    shown.show()
    qt_app.processEvents()
    yield shown
    shown.close()
    shown.deleteLater()
    qt_app.processEvents()


@pytest.fixture
def ramp() -> NDArray[np.float32]:
    """No two elements alike: a transposition cannot hide."""
    return (np.arange(60 * 80).reshape(60, 80) / 7).astype(np.float32)
