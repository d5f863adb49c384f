"""A result of a known volume, published update by update to a real server."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Final, Result, Update
from daiss_bluesky.testing.publisher_contract import make_result
from tests.conftest import TiledServer

SHAPE = (12, 20, 28)
VOLUME = np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)
MIDDLE = (6, 10, 14)


def make_slices(scale: float = 1.0) -> dict[str, NDArray[np.float32]]:
    """Cut the volume through its middle."""
    z, y, x = MIDDLE
    slices = {
        "slice_xy": VOLUME[z],
        "slice_xz": VOLUME[:, y],
        "slice_yz": VOLUME[:, :, x],
        "projection": VOLUME.sum(axis=1),
    }
    return {name: np.float32(scale) * one for name, one in slices.items()}


class Reconstruction:
    """A result that is published update by update."""

    def __init__(self, server: TiledServer, **scan: Any) -> None:
        self.publisher = server.publisher()
        shapes = {name: view.shape for name, view in make_slices().items()}
        self.result: Result = replace(make_result(**scan), view_shapes=shapes)
        self.number = 0
        self.publisher.open(self.result)

    @property
    def uid(self) -> str:
        """Its name in the catalog."""
        return self.result.uid

    def publish(self, scale: float = 1.0, *views: str) -> None:
        """Publish the views named, or all, with all values multiplied."""
        self.number += 1
        slices = make_slices(scale)
        chosen = {name: slices[name] for name in views or slices}
        self.publisher.write(Update(self.number, time.time(), self.progress(), chosen))

    def progress(self) -> Progress:
        """Say how far it is."""
        return Progress(
            frames_expected=200,
            frames_received=self.number + 1,
            frames_used=self.number,
            coverage=self.number / 200,
            newest_time_s=time.time() - 0.25,
            quality={"residual": 0.125},
        )

    def finish(self) -> None:
        """End it, with its volume."""
        self.publisher.close(
            Final(
                "complete",
                self.progress(),
                views=make_slices(),
                arrays={"volume": VOLUME},
                finished_s=time.time(),
            )
        )
