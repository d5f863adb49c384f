"""Every frame once, its dark taken away; what has no use is left out and counted."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms.ptychography.intake import Intake, Optics
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKind

SHAPE = (4, 6)
FAR = Optics(SHAPE, (0.5, 0.25))


def batch(
    pixels: NDArray[Any],
    indices: list[int] | None = None,
    kind: FrameKind = "diffraction",
    positions_um: NDArray[np.float64] | None = None,
) -> Batch:
    n = len(pixels)
    if positions_um is None:
        positions_um = np.zeros((n, 2))
    return Batch(
        kind, kind, np.array(indices or range(n)), np.full(n, np.nan),
        np.arange(n, dtype=np.float64), pixels, positions_um,
    )  # fmt: skip


def frames(n: int, seed: int = 1) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(1, 900, (n, *SHAPE), np.uint16)


def test_frames_and_positions_are_those_of_the_solver() -> None:
    pixels, positions = frames(3), np.array([[0.0, 0.0], [1.0, 1.0], [-0.5, 2.0]])
    taken = Intake(FAR).take(batch(pixels, [5, 2, 9], positions_um=positions))
    assert taken.indices.tolist() == [5, 2, 9]
    np.testing.assert_array_equal(np.fft.fftshift(taken.frames, axes=(1, 2)), pixels)
    np.testing.assert_allclose(taken.positions_px, [[-2, -3], [0, 1], [-3, 5]])
    np.testing.assert_allclose(FAR.positions_um(taken.positions_px), positions)
    near = Optics(SHAPE, (0.5, 0.25), transfer=np.ones(SHAPE, np.complex128))
    np.testing.assert_array_equal(Intake(near).take(batch(pixels)).frames, pixels)


def test_repeats_are_counted_across_batches_and_inside_one() -> None:
    intake = Intake(FAR)
    assert intake.take(batch(frames(4), [1, 2, 1, 3])).indices.tolist() == [1, 2, 3]
    assert intake.take(batch(frames(2), [3, 4])).indices.tolist() == [4]
    assert intake.duplicates == 2
    assert len(intake.seen) == 4


def test_the_mean_dark_is_subtracted() -> None:
    intake = Intake(FAR)
    intake.take_dark(batch(np.full((2, *SHAPE), 10, np.uint16), [0, 1], "dark"))
    intake.take_dark(batch(np.full((2, *SHAPE), 16, np.uint16), [1, 2], "dark"))
    pixels = np.full((1, *SHAPE), 112, np.uint16)
    pixels[0, 0, 0] = 3
    taken = FAR.upright(intake.take(batch(pixels)).frames)
    assert taken[0, 0, 0] == 0
    assert (taken.ravel()[1:] == 100).all()
    intake.take_dark(batch(np.full((1, *SHAPE), 10, np.uint16), [0], "dark"))
    intake.take_dark(batch(np.full((1, *SHAPE), 10, np.uint16), [7], "dark"))
    assert intake.stale


def test_only_new_darks_after_frames_make_stale() -> None:
    intake = Intake(FAR)
    dark = batch(np.full((1, *SHAPE), 10, np.uint16), [0], "dark")
    intake.take_dark(dark)
    intake.take(batch(frames(2)))
    stale = [intake.stale]
    intake.take_dark(dark)
    stale.append(intake.stale)
    intake.take_dark(batch(np.full((1, *SHAPE), 10, np.uint16), [7], "dark"))
    stale.append(intake.stale)
    intake.forget()
    assert [*stale, intake.stale] == [False, False, True, False]


def test_counts_that_are_no_uint16_are_brought_there() -> None:
    pixels = np.array([np.full(SHAPE, 7.4), np.full(SHAPE, -2.0)])
    pixels[0, 0] = [np.nan, np.inf, 1e9, -np.inf, 0.6, 65535.0]
    optics = Optics(SHAPE, (0.5, 0.25), bad=~np.isfinite(pixels[0]) | (pixels[0] > 9))
    intake = Intake(optics)
    taken = optics.upright(intake.take(batch(pixels)).frames)
    assert taken[0, 0].tolist() == [0, 65535, 65535, 0, 1, 65535]
    assert (taken[0, 1:] == 7).all()
    assert (len(taken), intake.empty) == (1, 1)


def test_frames_that_are_of_no_use_are_counted_once() -> None:
    pixels = frames(6)
    pixels[1], pixels[2, 1, 1], pixels[3, 0, 0] = 0, 60000, 60000
    positions = np.zeros((6, 2))
    positions[4, 1] = np.nan
    bad = np.zeros(SHAPE, bool)
    bad[0, 0] = True
    intake = Intake(Optics(SHAPE, (0.5, 0.25), bad=bad, saturation_counts=60000))
    taken = intake.take(batch(pixels, positions_um=positions))
    # Pixel 0, 0 is masked, so frame 3 is whole.
    assert taken.indices.tolist() == [0, 3, 5]
    found = intake.empty, intake.saturated, intake.without_position
    assert found == (1, 1, 1)
    intake.take(batch(pixels, positions_um=positions))
    assert found == (intake.empty, intake.saturated, intake.without_position)
    intake.refuse_useless()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p * 0, "all 4 frames are empty: is the shutter open"),
        (lambda p: p * 0 + 65535, "the detector is saturated: 4 of 4 .* 65535 counts"),
        (lambda p: p * np.array([1, 1, 0, 0])[:, None, None], None),
    ],
)
def test_scans_of_no_use_are_refused_in_a_sentence(make: Any, said: str | None) -> None:
    intake = Intake(FAR)
    intake.take(batch(make(frames(4)).astype(np.uint16)))
    if said is None:
        intake.refuse_useless()
    else:
        with pytest.raises(InputError, match=said):
            intake.refuse_useless()


def test_no_frame_and_no_position_at_all_are_said() -> None:
    intake = Intake(FAR)
    with pytest.raises(InputError, match="no diffraction frame has come"):
        intake.refuse_useless()
    pixels = frames(3)
    pixels[0] = 0
    positions = np.full((3, 2), np.nan)
    positions[0] = 0
    intake.take(batch(pixels, positions_um=positions))
    with pytest.raises(
        InputError, match=r"none of 3 .* 1 empty, 0 saturated, 2 without"
    ):
        intake.refuse_useless()


def test_frames_of_another_kind_or_shape_are_refused() -> None:
    intake = Intake(FAR)
    n = np.zeros(1)
    alone = Batch("diffraction", "primary", np.arange(1), n, n, frames(1))
    with pytest.raises(InputError, match="without positions"):
        intake.take(alone)
    with pytest.raises(InputError, match=r"6 x 4 pixels .* 4 x 6"):
        intake.take_dark(batch(np.zeros((1, 6, 4), np.uint16), kind="dark"))


def test_blind_and_known_bad_pixels_are_bad() -> None:
    shape = (32, 32)
    known = np.zeros(shape, bool)
    known[3, 4] = True
    optics = Optics(shape, (1.0, 1.0), bad=known)
    upright = np.full((32, *shape), 30, np.uint16)
    upright[:, 20, 9] = 0
    found = optics.upright(optics.bad_pixels(optics.corner(upright)))
    assert np.argwhere(found).tolist() == [[3, 4], [20, 9]]


def test_the_dark_around_a_near_field_is_not_blind() -> None:
    shape = (48, 48)
    y, x = np.ogrid[:48, :48]
    spot = np.where(np.hypot(y - 24, x - 24) < 12, 200, 0).astype(np.uint16)
    spot[20, 27] = 0
    pixels = np.stack(8 * [spot])
    near = Optics(shape, (1.0, 1.0), transfer=np.ones(shape, np.complex128))
    assert np.argwhere(near.bad_pixels(pixels)).tolist() == [[20, 27]]
