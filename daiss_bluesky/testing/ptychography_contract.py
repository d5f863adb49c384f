"""What every algorithm of ptychography must hold to; its test subclasses this.

The answer depends on which frames there are, never on how they came.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.reconstruction import (
    Algorithm,
    Arrays,
    Progress,
    Reconstruction,
)
from daiss_bluesky.core.stored_batches import field_batches, sample_batch
from daiss_bluesky.core.stored_diffraction import StoredDiffraction
from daiss_bluesky.engine.inline import reconstruct_scan
from daiss_bluesky.testing.ptychography_phantom import ptychography_phantom
from daiss_bluesky.testing.ptychography_scan import (
    SMALL,
    make_ptychography_scan,
    only,
    unplanned,
)
from daiss_bluesky.testing.streaming import feed, split

TOLERANCE = 1e-5
"""Largest difference over the largest value: float32 rounding."""

MAPS = {"map", "map_row", "map_column"}


class PtychographyContract:
    """Tests shared by all algorithms of ptychography."""

    n_frames = 70

    def make(self, **parameters: Any) -> Algorithm:
        """Make the algorithm under test; quick: a few passes."""
        raise NotImplementedError

    def stored(self) -> StoredDiffraction:
        """Give the scan to test with."""
        return _dark_scan(self.n_frames)

    def test_any_order_gives_the_same(self) -> None:
        """Shuffled frames in batches of any size make the same object."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        order = np.random.default_rng(1).permutation(self.n_frames)
        for which in (np.arange(self.n_frames), order):
            reconstruction = self._begin(stored)
            for part in split(which, [1, 7, 3, 64]):
                reconstruction.add(sample_batch(stored, part))
            assert_same(reconstruction.finish(_rereader(stored)), expected)

    def test_repeats_change_nothing(self) -> None:
        """A frame that comes twice, also in one batch, counts once and is counted."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self._begin(stored)
        feed_frames(reconstruction, stored, np.array([0, 1, 1, 2, 0]))
        feed_frames(reconstruction, stored)
        feed_frames(reconstruction, stored, np.arange(40, 44))
        progress = reconstruction.progress()
        assert progress.duplicates == 2 + 3 + 4
        assert progress.frames_received == self.n_frames
        assert_same(reconstruction.finish(_rereader(stored)), expected)

    def test_missing_frames_leave_the_right_answer(self) -> None:
        """Without some frames the result is that of a scan without them."""
        stored = self.stored()
        there = np.delete(np.arange(self.n_frames), [3, 4, 20, 69])
        expected = reconstruct_scan(only(stored, there), self.make())
        assert expected.status == "incomplete"
        reconstruction = self._begin(stored)
        feed_frames(reconstruction, stored, there)
        assert reconstruction.progress().frames_missing == 4
        arrays = reconstruction.finish(_rereader(stored))
        np.testing.assert_array_equal(arrays["frame_indices"], there)
        del arrays["frame_indices"], expected.arrays["frame_indices"]
        assert_same(arrays, expected.arrays)

    def test_a_late_frame_finds_its_place(self) -> None:
        """Positions and indices of the result belong together, in acquisition order."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        late = np.array([5, 33])
        feed_frames(reconstruction, stored, np.delete(np.arange(self.n_frames), late))
        feed_frames(reconstruction, stored, late)
        arrays = reconstruction.finish(_rereader(stored))
        np.testing.assert_array_equal(arrays["frame_indices"], range(self.n_frames))
        pixel_um = stored.scan.object_pixel_um(stored.frame_shape)
        away_px = (arrays["positions_um"] - stored.positions_um) / np.array(pixel_um)
        assert np.abs(away_px).max() < 1

    def test_late_darks_make_stale_and_restart_mends(self) -> None:
        """Frames before their darks are not lost, and no error."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        feed_frames(reconstruction, stored)
        assert reconstruction.stale() is None
        feed(reconstruction, field_batches(stored))
        assert reconstruction.stale()
        reconstruction.restart()
        assert reconstruction.progress().frames_received == 0
        feed_frames(reconstruction, stored)
        assert reconstruction.stale() is None
        assert_same(reconstruction.finish(_rereader(stored)), expected)

    def test_finish_reads_again_what_is_stale(self) -> None:
        """An engine that asks for the end without a restart gets the right one."""
        stored = self.stored()
        expected = reconstruct_scan(stored, self.make()).arrays
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        feed_frames(reconstruction, stored)
        feed(reconstruction, field_batches(stored))
        assert_same(reconstruction.finish(_rereader(stored)), expected)

    def test_views_are_small_finite_copies(self) -> None:
        """Views are 2-D float32, finite, and not changed later; maps come at once."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        assert reconstruction.views() == {}
        feed_frames(reconstruction, stored, np.arange(1))
        assert set(reconstruction.views()) == MAPS | {"diffraction"}
        assert reconstruction.views()["map"].max() > 0
        feed_frames(reconstruction, stored, np.arange(1, 40))
        first = reconstruction.views()
        kept = {name: view.copy() for name, view in first.items()}
        feed_frames(reconstruction, stored, np.arange(40, self.n_frames))
        assert set(first) > MAPS | {"object_phase", "object_amplitude", "probe"}
        for name, view in first.items():
            _check_view(view)
            np.testing.assert_array_equal(view, kept[name])
        shapes = self.make().view_shapes(stored.scan, stored.frame_shape)
        assert shapes == {name: first[name].shape for name in shapes}
        arrays = reconstruction.finish(_rereader(stored))
        views = reconstruction.views()
        assert set(views) == set(first)
        assert views["object_phase"].shape == arrays["object"].shape
        assert views["coverage"].shape == arrays["object"].shape

    def test_steps_of_the_end_are_seen(self) -> None:
        """Each pass is counted and shown, and the residual falls."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        feed_frames(reconstruction, stored)
        live, before = reconstruction.progress(), reconstruction.views()
        assert live.steps == 0
        told: list[Progress] = []
        shown: list[Arrays] = []

        def step() -> None:
            told.append(reconstruction.progress())
            shown.append(reconstruction.views())

        reconstruction.finish(_rereader(stored), step)
        final = reconstruction.progress()
        assert [progress.step for progress in told] == [*range(1, final.steps + 1)]
        assert {progress.steps for progress in told} == {final.steps}
        assert told
        assert all(set(views) == set(before) for views in shown)
        phases = [before, *shown]
        for one, other in zip(phases, shown, strict=False):
            assert np.any(one["object_phase"] != other["object_phase"])
        assert final.quality["residual"] == told[-1].quality["residual"]
        assert final.quality["residual"] < told[0].quality["residual"]

    def test_progress_says_how_far(self) -> None:
        """Counts, coverage and the newest frame follow what was added."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        assert reconstruction.progress().frames_expected == self.n_frames
        assert reconstruction.progress().newest_time_s is None
        feed_frames(reconstruction, stored, np.array([7, 2]))
        progress = reconstruction.progress()
        assert progress.frames_received == progress.parameters["frames_paired"] == 2
        assert progress.newest_time_s == stored.times_s[7]
        feed_frames(reconstruction, stored, np.arange(36))
        early = reconstruction.progress()
        assert early.frames_received == 36
        assert 30 <= early.frames_used <= 36
        assert early.coverage == early.frames_used / self.n_frames
        feed_frames(reconstruction, stored)
        late = reconstruction.progress()
        assert late.frames_received == self.n_frames
        assert late.quality["residual"] < early.quality["residual"] < 1

    def test_frames_without_a_time_or_position_are_no_error(self) -> None:
        """One without a position is left out and counted; a time is not needed."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        batch = sample_batch(stored, np.arange(self.n_frames))
        assert batch.positions_um is not None
        positions = batch.positions_um.copy()
        positions[[4, 9], 1] = np.nan
        nowhere = np.full(self.n_frames, np.nan)
        reconstruction.add(
            Batch(
                batch.kind, batch.stream, batch.indices, batch.angles_rad, nowhere,
                batch.pixels, positions,
            )
        )  # fmt: skip
        progress = reconstruction.progress()
        assert progress.frames_received == self.n_frames
        assert progress.parameters["frames_paired"] == self.n_frames - 2
        assert progress.parameters["frames_without_position"] == 2
        assert progress.newest_time_s is None
        arrays = reconstruction.finish(_rereader(stored))
        assert not {4, 9} & set(arrays["frame_indices"].tolist())

    @pytest.mark.parametrize("n", [1, 2, 5, 19, 31])
    def test_a_few_frames_still_give_a_result(self, n: int) -> None:
        """A scan aborted early ends with what there is."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        feed_frames(reconstruction, stored, np.arange(n))
        arrays = reconstruction.finish(_rereader(stored))
        assert arrays["frame_indices"].tolist() == [*range(n)]
        progress = reconstruction.progress()
        assert progress.frames_used == n
        assert progress.frames_missing == self.n_frames - n
        for view in reconstruction.views().values():
            _check_view(view)
        _check_finite(arrays)
        if n > 1:
            shuffled = self._begin(stored)
            feed_frames(shuffled, stored, np.arange(n)[::-1])
            assert_same(shuffled.finish(_rereader(stored)), arrays)

    def test_frames_all_at_one_place_are_no_error(self) -> None:
        """A stage that does not move gives a poor object, not a traceback."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        batch = sample_batch(stored, np.arange(40))
        reconstruction.add(
            Batch(
                batch.kind, batch.stream, batch.indices, batch.angles_rad,
                batch.times_s, batch.pixels, np.zeros((40, 2)),
            )
        )  # fmt: skip
        assert "overlap" not in reconstruction.progress().parameters
        _check_finite(reconstruction.finish(_rereader(stored)))

    def test_a_scan_without_a_plan_grows(self) -> None:
        """Nobody said where or how many: views grow, the result is the same."""
        stored = self.stored()
        planned = reconstruct_scan(stored, self.make()).arrays
        stored = unplanned(stored)
        reconstruction = self._begin(stored)
        assert reconstruction.progress().frames_expected is None
        sizes = []
        for part in split(np.arange(self.n_frames), [34, 1, 1, 1, 1, 9]):
            feed_frames(reconstruction, stored, part)
            views = reconstruction.views()
            assert views["object_phase"].shape == views["coverage"].shape
            assert views["coverage"].max() > 0
            sizes.append(views["object_phase"].shape)
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[-1]
        assert reconstruction.progress().frames_missing is None
        assert_same(reconstruction.finish(_rereader(stored)), planned)

    def test_unknown_parameter_is_refused_by_name(self) -> None:
        """A key nobody knows is named in the error."""
        with pytest.raises(InputError, match="no_such_parameter"):
            self.make(no_such_parameter=1)

    def test_frames_of_another_shape_are_refused(self) -> None:
        """A frame that does not fit the scan is refused with both shapes."""
        stored = self.stored()
        rows, columns = stored.frame_shape
        reconstruction = self.make().start(stored.scan, (rows * 2, columns))
        with pytest.raises(InputError, match=rf"{rows} x .* {rows * 2} x"):
            feed_frames(reconstruction, stored)
        with pytest.raises(InputError, match=rf"{rows} x .* {rows * 2} x"):
            feed(reconstruction, field_batches(stored))

    def test_nothing_to_finish_is_said(self) -> None:
        """A scan without frames, or with empty ones only, ends in one sentence."""
        stored = self.stored()
        reconstruction = self._begin(stored)
        with pytest.raises(InputError, match="no diffraction frame has come"):
            reconstruction.finish(_rereader(stored))
        dark = stored.darks[0]
        reconstruction.add(
            Batch(
                "diffraction", "primary", np.arange(3), np.full(3, np.nan),
                np.arange(3.0), np.stack(3 * [dark]), stored.positions_um[:3],
            )
        )  # fmt: skip
        with pytest.raises(InputError, match="all 3 frames are empty"):
            reconstruction.finish(_rereader(stored))

    def _begin(self, stored: StoredDiffraction) -> Reconstruction:
        reconstruction = self.make().start(stored.scan, stored.frame_shape)
        feed(reconstruction, field_batches(stored))
        return reconstruction


@cache
def _dark_scan(n: int) -> StoredDiffraction:
    phantom = ptychography_phantom(SMALL)
    return make_ptychography_scan(
        phantom, n=n, step_px=3.0, dark_counts=20, noise_seed=1
    )


def feed_frames(
    reconstruction: Reconstruction,
    stored: StoredDiffraction,
    which: NDArray[np.int64] | None = None,
) -> None:
    """Add some frames, or all, in one batch."""
    if which is None:
        which = np.arange(len(stored.times_s))
    reconstruction.add(sample_batch(stored, which))


def _rereader(stored: StoredDiffraction) -> Any:
    def reread(keys: Sequence[FrameKey]) -> Iterator[Batch]:
        yield sample_batch(stored, np.array([key.index for key in keys]))

    return reread


def _check_view(view: NDArray[Any]) -> None:
    assert view.ndim == 2
    assert view.dtype == np.float32
    assert view.flags.c_contiguous
    assert np.isfinite(view).all()


def _check_finite(arrays: Arrays) -> None:
    assert {"object", "probe", "positions_um", "frame_indices"} <= set(arrays)
    for array in arrays.values():
        assert array.dtype in (np.complex64, np.float64)
        assert array.flags.c_contiguous
        assert np.isfinite(array).all()


def assert_same(arrays: Arrays, expected: Arrays) -> None:
    """Compare final arrays by their largest relative difference."""
    assert set(arrays) == set(expected)
    for name, array in arrays.items():
        assert array.shape == expected[name].shape, name
        assert np.isfinite(array).all()
        largest = np.abs(expected[name]).max()
        away = np.abs(array - expected[name]).max() / largest if largest else 0.0
        assert away <= TOLERANCE, f"{name} differs by {away:.2g} of its largest value"
