"""An axis that is found in mid-scan: the engine reads again, and loses nothing."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.core.frames import Batch, FrameKey, FrameRef
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.results import Final, Update
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import calibration_batches, reconstruct_scan
from daiss_bluesky.engine.local import Listener, LocalEngine
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.on_hosts import OnHosts


class Source:
    """Gives the frames of a stored scan by kind and index."""

    def __init__(self, stored: StoredScan) -> None:
        self._batches = {batch.kind: batch for batch in calibration_batches(stored)}
        self.loaded: list[FrameKey] = []
        n = len(stored.angles_rad)
        self._batches["projection"] = Batch(
            "projection",
            "primary",
            np.arange(n),
            stored.angles_rad,
            stored.times_s,
            stored.projections,
        )

    def refs(self) -> list[FrameRef]:
        """List frames, calibration first."""
        return [
            FrameRef(FrameKey(batch.stream, int(i)), batch.kind, None)
            for batch in self._batches.values()
            for i in batch.indices
        ]

    def load(self, refs: Sequence[FrameRef]) -> Batch:
        self.loaded += [ref.key for ref in refs]
        which = np.array([ref.key.index for ref in refs])
        return self._batches[refs[0].kind].select(which)


def live(
    stored: StoredScan, algorithm: FbpAlgorithm
) -> tuple[Final, list[Update], Source]:
    source = Source(stored)
    finals: list[Final] = []
    updates: list[Update] = []
    ended = threading.Event()

    def finish(final: Final) -> None:
        finals.append(final)
        ended.set()

    listener = Listener(lambda shape, memory: None, updates.append, finish)
    engine = LocalEngine(algorithm, stored.scan, source, listener, update_period_s=0.0)
    for ref in source.refs():
        engine.submit([ref])
    engine.end()
    assert ended.wait(60)
    assert engine.join(10)
    return finals[0], updates, source


@pytest.mark.parametrize("make", [FbpAlgorithm, OnHosts])
@pytest.mark.parametrize(
    "parameters", [{"half_acquisition": True}, {"axis_tilt_deg": "auto"}]
)
def test_live_is_the_batch_result(
    parameters: dict[str, Any], make: type[FbpAlgorithm]
) -> None:
    if "half_acquisition" in parameters:
        angles_deg = projection_angles_deg(120, range_deg=360.0)
        wide = make_ball_scan(angles_deg, columns=64, center_px=32.25, pair=False)
        stored = replace(
            wide,
            projections=wide.projections[:, :, :45],
            flats=wide.flats[:, :, :45],
            darks=wide.darks[:, :, :45],
        )
    else:
        stored = make_ball_scan(np.arange(0.0, 181.0, 3.0), rows=40, tilt_deg=3.0)
    algorithm = make(**parameters)
    final, updates, source = live(stored, algorithm)
    assert final.status == "complete", final.message
    expected = reconstruct_scan(stored, algorithm)
    assert_same(final.arrays, expected.arrays)
    assert updates
    shape = expected.views["slice_xy"].shape
    assert updates[-1].views["slice_xy"].shape == shape
    assert final.progress.frames_missing == 0
    read_once = len(source.loaded) == len(set(source.loaded))
    assert read_once or make is FbpAlgorithm
