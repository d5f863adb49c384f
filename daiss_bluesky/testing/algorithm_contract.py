"""What every algorithm must hold to; its test subclasses this and says how to make it.

The answer depends on which frames there are, never on how they came.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.reconstruction import (
    Algorithm,
    Arrays,
    VolumeReconstruction,
)
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import (
    calibration_batches,
    reconstruct_scan,
)
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.streaming import (
    begin,
    feed,
    feed_projections,
    rereader,
    split,
    without,
)

TOLERANCE = 1e-5
"""Largest difference over the largest value: float32 rounding of a sum."""


class AlgorithmContract:
    """Tests shared by all algorithms of tomography."""

    n_projections = 40
    live_tolerance = 0.1
    """As TOLERANCE, for pictures in mid-scan, whose weights are those of the plan."""
    keeps_frames = False
    """Whether frames that came too early need no second reading."""

    def make(self, **parameters: Any) -> Algorithm:
        """Make the algorithm under test."""
        raise NotImplementedError

    def stored(self) -> StoredScan:
        """Give the scan to test with; shuffled angles, so that order is no help."""
        return make_ball_scan(projection_angles_deg(self.n_projections, order="golden"))

    def test_any_order_gives_the_same(self) -> None:
        """Shuffled frames in batches of any size make the same volume."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        order = np.random.default_rng(1).permutation(self.n_projections)
        assert_same(self._stream(stored, order, sizes=[1, 7, 3, 64]), expected)

    def test_any_slice_is_there_at_any_time(self) -> None:
        """Slices and planes in mid-scan are those of the volume of what has come."""
        stored = self.stored()
        half = np.arange(self.n_projections // 2)
        volume = reconstruct_scan(without(stored, half), self.make()).arrays["volume"]
        reconstruction = begin(self.make(), stored)
        feed_projections(reconstruction, stored, half)
        assert isinstance(reconstruction, VolumeReconstruction)
        z, y, x = (n // 3 for n in volume.shape)
        expected = {
            "slice_xy": volume[z], "slice_xz": volume[:, y], "slice_yz": volume[:, :, x]
        }  # fmt: skip
        # Weights of the half that came are corrected at the end only.
        close = self.live_tolerance * np.abs(volume).max()
        for name, found in reconstruction.slices(z, y, x).items():
            np.testing.assert_allclose(found, expected[name], atol=close)
        plane = Plane((z, y, x), (0, 1, 0), (1, 0, 0), (3, 5))
        found = reconstruction.cut(plane)
        right = volume[z - 2 : z + 3, y - 1 : y + 2, x].T
        np.testing.assert_allclose(found, right, atol=close)
        with pytest.raises(InputError, match="slice z = -1"):
            reconstruction.slices(-1, 0, 0)
        reconstruction.look_at(z, y, x)
        found = reconstruction.views()["slice_xz"]
        np.testing.assert_allclose(found, expected["slice_xz"], atol=close)

    def test_repeats_change_nothing(self) -> None:
        """A frame that comes twice counts once, and is counted as a repeat."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = begin(self.make(), stored)
        feed(reconstruction, calibration_batches(stored))
        everything = np.arange(self.n_projections)
        feed_projections(reconstruction, stored)
        feed_projections(reconstruction, stored, everything[5:9])
        progress = reconstruction.progress()
        assert progress.duplicates == 4
        assert progress.frames_received == self.n_projections
        assert_same(reconstruction.finish(rereader(stored)), expected)

    def test_missing_frames_leave_the_right_answer(self) -> None:
        """Without some frames the result is that of a scan without them."""
        stored = self.stored()
        there = np.delete(np.arange(self.n_projections), [3, 4, 20])
        expected = reconstruct_scan(without(stored, there), self.make()).arrays
        reconstruction = begin(self.make(), stored)
        feed_projections(reconstruction, stored, there)
        assert reconstruction.progress().frames_missing == 3
        assert_same(reconstruction.finish(rereader(stored)), expected)

    def test_late_calibration_makes_stale_and_restart_mends(self) -> None:
        """Projections before flats and darks are not lost, and no error."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        feed_projections(reconstruction, stored)
        assert reconstruction.stale() is None
        assert reconstruction.views() == {}
        feed(reconstruction, calibration_batches(stored))
        assert bool(reconstruction.stale()) is not self.keeps_frames
        if not self.keeps_frames:
            reconstruction.restart()
            feed_projections(reconstruction, stored)
        assert reconstruction.stale() is None
        assert reconstruction.views()
        assert_same(reconstruction.finish(rereader(stored)), expected)

    def test_finish_reads_again_what_is_stale(self) -> None:
        """An engine that asks for the end without a restart gets the right one."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        feed_projections(reconstruction, stored)
        feed(reconstruction, calibration_batches(stored))
        assert_same(reconstruction.finish(rereader(stored)), expected)

    def test_views_are_small_finite_copies(self) -> None:
        """Views are 2-D float32, finite, contiguous, and not changed later."""
        stored = self.stored()
        reconstruction = begin(self.make(), stored)
        assert reconstruction.views() == {}
        feed_projections(reconstruction, stored, np.arange(10))
        first = reconstruction.views()
        kept = {name: view.copy() for name, view in first.items()}
        feed_projections(reconstruction, stored, np.arange(10, 40))
        assert first
        for name, view in first.items():
            assert view.ndim == 2
            assert view.dtype == np.float32
            assert view.flags.c_contiguous
            assert np.isfinite(view).all()
            np.testing.assert_array_equal(view, kept[name])
        reconstruction.finish(rereader(stored))
        assert set(reconstruction.views()) == set(first)

    def test_steps_of_the_end_are_seen(self) -> None:
        """Each is counted and shown, the last as the result; none is as good."""
        stored = self.stored()
        reconstruction = begin(self.make(), stored)
        feed_projections(reconstruction, stored)
        told, shown = [], [reconstruction.views()]
        assert reconstruction.progress().steps == 0

        def step() -> None:
            told.append(reconstruction.progress())
            shown.append(reconstruction.views())

        volume = reconstruction.finish(rereader(stored), step)["volume"]
        final, views = reconstruction.progress(), reconstruction.views()
        assert [progress.step for progress in told] == [*range(1, final.steps + 1)]
        assert {progress.steps for progress in told} <= {final.steps}
        assert all(set(some) == set(views) for some in shown)
        if told:
            np.testing.assert_array_equal(shown[-1]["slice_xy"], views["slice_xy"])
        np.testing.assert_array_equal(views["slice_xy"], volume[len(volume) // 2])

    def test_progress_says_how_far(self) -> None:
        """Counts, coverage and the newest frame follow what was added."""
        stored = self.stored()
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        assert reconstruction.progress().frames_expected == self.n_projections
        feed(reconstruction, calibration_batches(stored))
        feed_projections(reconstruction, stored, np.array([7, 2]))
        progress = reconstruction.progress()
        assert (progress.frames_received, progress.frames_used) == (2, 2)
        assert progress.newest_time_s == stored.times_s[7]
        assert progress.newest_angle_rad == stored.angles_rad[7]
        assert 0 < progress.coverage < 0.2

    def test_unknown_parameter_is_refused_by_name(self) -> None:
        """A key nobody knows is named in the error."""
        with pytest.raises(InputError, match="no_such_parameter"):
            self.make(no_such_parameter=1)

    def test_frames_of_another_shape_are_refused(self) -> None:
        """A frame that does not fit the scan is refused with both shapes."""
        stored = self.stored()
        rows, columns = stored.frame_shape
        reconstruction = self.make().start(stored.scan, (rows + 1, columns))
        with pytest.raises(InputError, match=str(rows + 1)):
            feed(reconstruction, calibration_batches(stored))

    def test_nothing_to_finish_is_said(self) -> None:
        """A scan without projections or calibration ends in one sentence."""
        stored = self.stored()
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        with pytest.raises(InputError, match="no projection"):
            reconstruction.finish(rereader(stored))
        feed_projections(reconstruction, stored, np.arange(3))
        with pytest.raises(InputError, match="no flat field"):
            reconstruction.finish(rereader(stored))

    def _stream(
        self, stored: StoredScan, order: NDArray[np.int64], sizes: Sequence[int]
    ) -> Arrays:
        reconstruction = begin(self.make(), stored)
        for part in split(order, sizes):
            feed_projections(reconstruction, stored, part)
        assert reconstruction.stale() is None
        return reconstruction.finish(rereader(stored))


def assert_same(arrays: Arrays, expected: Arrays, tolerance: float = TOLERANCE) -> None:
    """Compare final arrays by their largest relative difference."""
    assert set(arrays) == set(expected)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert np.isfinite(array).all()
        away = np.abs(array - expected[name]).max() / np.abs(expected[name]).max()
        assert away <= tolerance, f"{name} differs by {away:.2g} of its largest value"
