"""Beam is told from none by the light, however little of it a sample lets through."""

import numpy as np
import pytest

from daiss_bluesky.algorithms.beam import Beam

ROWS, COLUMNS = 90, 131


@pytest.mark.parametrize("full", [400.0, 40_000.0])
def test_only_frames_without_beam_are_not_lit(full: float) -> None:
    rng = np.random.default_rng(0)
    dark = np.full((ROWS, COLUMNS), 100.0)
    flat = dark + full
    flat[:, 7] = 100.0
    opaque = np.full((ROWS, COLUMNS), 0.004)
    narrow = np.zeros((ROWS, COLUMNS))
    narrow[:, 40:50] = 1.0
    none = np.zeros((ROWS, COLUMNS))
    frames = np.stack([rng.poisson(full * t) for t in (opaque, narrow, none, none)])
    frames = frames + np.rint(rng.normal(100, 2, frames.shape)).astype(np.int64)
    frames[3, 4:6, 5:9] = 65_535
    found = Beam.of(dark, flat).lit(frames.astype(np.uint16))
    np.testing.assert_array_equal(found, [True, True, False, False])


def test_where_nothing_can_be_told_frames_are_lit() -> None:
    dark = np.zeros((4, 6))
    frames = np.full((2, 4, 6), np.nan)
    assert Beam.of(dark, dark + 10).lit(frames).all()
    assert Beam.of(dark + 10, dark).lit(np.ones((2, 4, 6))).all()
