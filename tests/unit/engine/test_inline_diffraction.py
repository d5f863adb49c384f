"""The inline engine feeds a stored ptychography scan as it does a tomography scan."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.frames import Batch
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.reconstruction import Arrays, Progress, Reread
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import (
    calibration_batches,
    reconstruct_scan,
    sample_batches,
)

N = 70
SHAPE = (4, 6)


@pytest.fixture
def stored() -> StoredDiffraction:
    """Every second entry of the file is a frame, taken from the last to the first."""
    rng = np.random.default_rng(3)
    return StoredDiffraction(
        scan=PtychographyScan(run_uid="run", counts={"diffraction": N}),
        frames=rng.integers(0, 1000, (2 * N, *SHAPE), dtype=np.uint16),
        frame_indices=np.arange(2 * N - 1, 0, -2),
        positions_um=rng.normal(size=(N, 2)),
        times_s=0.5 * np.arange(N, dtype=np.float64),
        darks=np.ones((3, *SHAPE), np.uint16),
    )


class Moments:
    """A reconstruction that sums the frames weighted with their rows and columns."""

    def __init__(self) -> None:
        self.sums = np.zeros((2, *SHAPE))
        self.darks = 0
        self.frames = 0
        self.passes = 0

    def add(self, batch: Batch) -> None:
        assert batch.positions_um is not None
        if batch.kind == "dark":
            self.darks += len(batch)
            return
        assert batch.kind == "diffraction"
        self.frames += len(batch)
        self.sums += np.einsum("fi,frc->irc", batch.positions_um, batch.pixels)

    def progress(self) -> Progress:
        return Progress(frames_expected=N, frames_received=self.frames)

    def views(self) -> Arrays:
        return {}

    def stale(self) -> str | None:
        return None if self.passes else "one more pass is wanted"

    def restart(self) -> None:
        self.passes += 1
        self.frames = 0
        self.sums[:] = 0

    def finish(self, reread: Reread, on_step: Any = None) -> Arrays:
        keys = [batch.keys for batch in reread([])]
        assert keys == []
        return {"moments": self.sums}


def test_every_frame_is_fed_with_its_position(stored: StoredDiffraction) -> None:
    made = Moments()
    algorithm: Any = SimpleNamespace(start=lambda scan, shape: made)
    told: list[Progress] = []

    final = reconstruct_scan(stored, algorithm, told.append)

    pixels = stored.frames[stored.frame_indices].astype(float)
    expected = np.tensordot(stored.positions_um.T, pixels, 1)
    np.testing.assert_allclose(final.arrays["moments"], expected)
    assert (final.status, made.darks, made.passes) == ("complete", 3, 1)
    assert [progress.frames_received for progress in told[:3]] == [32, 64, 70]


def test_frames_are_numbered_in_the_order_they_were_taken(
    stored: StoredDiffraction,
) -> None:
    which: NDArray[np.int64] = np.array([5, 2, 69])
    [batch] = sample_batches(stored, which)
    assert (batch.kind, batch.indices.tolist()) == ("diffraction", [5, 2, 69])
    np.testing.assert_array_equal(batch.pixels, stored.frames[[129, 135, 1]])
    assert batch.positions_um is not None
    np.testing.assert_array_equal(batch.positions_um, stored.positions_um[which])
    np.testing.assert_array_equal(batch.times_s, [2.5, 1.0, 34.5])
    assert np.isnan(batch.angles_rad).all()


def test_only_darks_calibrate_a_diffraction_scan(stored: StoredDiffraction) -> None:
    [dark] = list(calibration_batches(stored))
    assert (dark.kind, len(dark)) == ("dark", 3)
    assert dark.positions_um is not None
    assert np.isnan(dark.positions_um).all()
    assert list(calibration_batches(replace(stored, darks=stored.darks[:0]))) == []
