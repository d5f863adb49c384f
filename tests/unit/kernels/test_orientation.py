"""The eight orientations of a detector, planted and found."""

import os
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.absorption_sign import retarded_where_absorbed
from daiss_bluesky.kernels.circulation import PAIRS, circulation
from daiss_bluesky.kernels.orientation import (
    ORIENTATIONS,
    TWIN,
    apply_orientation,
    inverse_orientation,
)
from daiss_bluesky.kernels.orientation_check import choose_frames, find_orientation
from daiss_bluesky.kernels.orientation_trial import HostArrays
from daiss_bluesky.kernels.probe_curvature import (
    add_curvature,
    find_curvature,
    probe_from_frames,
)
from daiss_bluesky.readers import open_diffraction
from tests.unit.kernels.diffraction_scans import (
    Made,
    make_frames,
    make_probe,
)


@pytest.fixture(scope="module")
def made() -> Made:
    return make_frames()


@pytest.mark.parametrize("shape", [(2, 6, 6), (7, 9)])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_orientation_is_undone_by_its_inverse(
    name: str, shape: tuple[int, ...]
) -> None:
    frames = np.random.default_rng(0).uniform(size=shape)
    there = apply_orientation(frames, name)
    back = apply_orientation(there, inverse_orientation(name))
    np.testing.assert_array_equal(back, frames)
    if name != "none":
        assert there.shape != frames.shape or (there != frames).any()


@pytest.mark.parametrize("n", [6, 7])
def test_the_zero_frequency_stays_in_the_middle(n: int) -> None:
    frame = np.zeros((n, n))
    frame[n // 2, n // 2] = 1.0
    frame[n // 2 - 1, n // 2 + 2] = 2.0
    places = {"none": (-1, 2), "flip_rows": (1, 2), "flip_columns": (-1, -2)}
    places |= {"rotate_180": (1, -2), "transpose": (2, -1), "rotate_90": (-2, -1)}
    places |= {"rotate_270": (2, 1), "anti_transpose": (-2, 1)}
    for name in ORIENTATIONS:
        turned = apply_orientation(frame, name)
        assert turned[n // 2, n // 2] == 1.0
        down, across = places[name]
        assert turned[n // 2 + down, n // 2 + across] == 2.0


def test_the_twin_of_an_orientation_is_half_a_turn_away() -> None:
    frame = np.random.default_rng(0).uniform(size=(8, 8))
    for name in ORIENTATIONS:
        half_turn = apply_orientation(apply_orientation(frame, name), "rotate_180")
        np.testing.assert_array_equal(half_turn, apply_orientation(frame, TWIN[name]))


def test_unknown_orientations_are_refused_with_the_known() -> None:
    with pytest.raises(InputError, match=r"unknown orientation 'up' \(known: anti_tra"):
        apply_orientation(np.zeros((4, 4)), "up")
    with pytest.raises(InputError, match="unknown orientation"):
        inverse_orientation("up")


class _Together(HostArrays):
    together = True


def test_tried_all_at_once_they_are_what_each_is_alone(made: Made) -> None:
    alone = find_orientation(made.frames, made.positions_px, made.probe)
    together = find_orientation(
        made.frames, made.positions_px, made.probe, arrays=_Together()
    )
    assert together.name == alone.name
    assert together.confidence == pytest.approx(alone.confidence, rel=1e-4)
    assert together.scores == pytest.approx(alone.scores, rel=1e-4)


@pytest.mark.parametrize("planted", ORIENTATIONS)
def test_every_planted_orientation_is_found(planted: str, made: Made) -> None:
    raw = apply_orientation(made.frames, inverse_orientation(planted))
    found = find_orientation(raw, made.positions_px, made.probe)
    assert found.name == planted
    assert found.confidence > 0.9
    assert found.twin_evidence == "probe"
    assert set(found.scores) == set(ORIENTATIONS)
    others = [score for name, score in found.scores.items() if name != planted]
    assert min(others) > 2 * found.scores[planted]
    assert "\n" not in found.reason


@pytest.mark.parametrize("planted", ["none", "rotate_180", "rotate_90"])
def test_a_probe_in_focus_leaves_the_choice_to_absorption(planted: str) -> None:
    made = make_frames(defocus=0.0)
    raw = apply_orientation(made.frames, inverse_orientation(planted))
    found = find_orientation(raw, made.positions_px, made.probe)
    assert found.name == planted
    assert found.twin_evidence == "absorption"
    assert found.scores[planted] == pytest.approx(found.scores[TWIN[planted]], rel=0.02)
    assert found.confidence > 0.3


def test_what_nothing_can_tell_is_not_told() -> None:
    made = make_frames(defocus=0.0, absorption=0.0)
    found = find_orientation(made.frames, made.positions_px, made.probe)
    assert found.name in {"none", "rotate_180"}
    assert found.fit_confidence > 0.5
    assert found.confidence < 0.3
    assert found.twin_evidence == "none"
    assert "neither the probe nor absorption" in found.reason
    empty = make_frames(depth=0.0, absorption=0.0)
    blind = find_orientation(empty.frames, empty.positions_px, empty.probe)
    assert blind.confidence < 0.3
    assert "no orientation fits clearly better" in blind.reason


@pytest.mark.parametrize("planted", ["flip_rows", "transpose", "rotate_180"])
@pytest.mark.parametrize("defocus", [-120.0, 90.0])
def test_a_probe_out_of_a_mean_frame_is_put_out_of_focus(
    planted: str, defocus: float
) -> None:
    made = make_frames(defocus=defocus)
    raw = apply_orientation(made.frames, inverse_orientation(planted))
    guess = probe_from_frames(raw)
    found = find_orientation(raw, made.positions_px, guess)
    assert found.name == planted
    assert found.twin_evidence == "absorption"
    assert found.confidence > 0.3
    assert found.curvature_px2 == pytest.approx(defocus, rel=0.1)


def test_a_pure_phase_object_and_no_probe_leave_a_pair_of_twins() -> None:
    made = make_frames(absorption=0.0)
    guess = probe_from_frames(made.frames)
    raw = apply_orientation(made.frames, "flip_rows")
    found = find_orientation(raw, made.positions_px, guess)
    assert found.name in {"flip_rows", "flip_columns"}
    assert found.fit_confidence > 0.9
    assert found.confidence < 0.3
    sign = 1 if found.name == "flip_rows" else -1
    assert found.curvature_px2 == pytest.approx(sign * 120.0, rel=0.1)


@pytest.mark.parametrize("name", PAIRS)
def test_slopes_of_a_known_phase_have_no_circulation(name: str) -> None:
    rng = np.random.default_rng(4)
    places = rng.uniform(0, 40, (300, 2))
    y, x = places.T
    slopes = np.stack([np.cos(y / 7) + 0.1 * x, 0.1 * y - np.sin(x / 5)], axis=1)
    # Frames as they come: what puts them right is undone.
    raw = slopes @ np.linalg.inv(PAIRS[name]).T
    raw[7] = np.nan
    found = circulation(places, raw)
    assert found is not None
    assert min(found, key=lambda pair: found[pair]) == name
    assert found[name] < 0.02
    backwards = circulation(places, -raw)
    assert backwards == pytest.approx(found)


def test_positions_on_a_line_have_no_circulation() -> None:
    line = np.stack([np.arange(9.0), 2 * np.arange(9.0)], axis=1)
    assert circulation(line, line) is None
    assert circulation(line[:2], line[:2]) is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_matter_retards_where_it_absorbs(sign: float) -> None:
    rng = np.random.default_rng(6)
    places = rng.uniform(0, 30, (80, 2))
    thick = 2 + np.cos(places[:, 0] / 5) + np.sin(places[:, 1] / 4)
    # A ramp may be on the phase as long as it does not wrap between neighbors.
    waves = np.exp(-0.5j * sign * thick + 0.1j * places[:, 0])
    totals = 1e6 * np.exp(-0.2 * thick)
    assert sign * retarded_where_absorbed(waves, totals, places) > 0.95
    # Photons alone are no absorption.
    counts = rng.poisson(1000.0, 80).astype(float)
    assert abs(retarded_where_absorbed(waves, counts, places)) < 0.1
    assert retarded_where_absorbed(waves, totals, places * (0, 1)) == 0.0
    assert retarded_where_absorbed(waves, 0 * totals, places) == 0.0


def test_a_curvature_that_was_taken_away_is_found() -> None:
    probe = make_probe(64, 100.0)
    np.testing.assert_allclose(
        add_curvature(make_probe(64, 40.0), 60.0), probe, atol=1e-7
    )
    flat = make_probe(64, 0.0)
    found, least = find_curvature(
        flat, lambda guess: float(np.sum(np.abs(guess - probe) ** 2))
    )
    assert found == pytest.approx(100.0, rel=0.1)
    assert least < 0.3


def test_a_mean_frame_gives_a_probe_as_strong_as_the_frames() -> None:
    made = make_frames(depth=0.0, absorption=0.0, defocus=0.0)
    bad = np.zeros((64, 64), bool)
    bad[:5] = True
    for mask in (None, bad):
        guess = probe_from_frames(made.frames, mask)
        assert guess.shape == (1, 64, 64)
        power = float(np.sum(np.abs(guess) ** 2))
        assert power == pytest.approx(2e5, rel=0.01)
        overlap = np.abs(np.vdot(guess[0], made.probe)) / 2e5
        assert overlap > 0.99


def test_a_probe_of_the_wrong_curvature_is_doubted(made: Made) -> None:
    wrong = make_probe(64, -120.0)
    found = find_orientation(made.frames, made.positions_px, wrong)
    assert found.name == "rotate_180"
    assert found.confidence <= 0.5
    assert "defocus may have the wrong sign" in found.reason


def test_bad_pixels_modes_and_parts_of_pixels_are_no_obstacle(made: Made) -> None:
    bad = np.zeros((64, 64), bool)
    bad[40:46, 20:30] = True
    frames = made.frames.copy()
    frames[:, bad] = 60000
    raw = apply_orientation(frames, inverse_orientation("rotate_270"))
    mask = apply_orientation(bad, inverse_orientation("rotate_270"))
    modes = np.stack([made.probe, 0.05 * np.roll(made.probe, 5, 0)])
    # Half a pixel off in common: positions are known but for that.
    found = find_orientation(raw, made.positions_px + 0.5, modes, bad=mask)
    assert found.name == "rotate_270"
    assert found.confidence > 0.9


def test_frames_that_are_not_square_are_cut(made: Made) -> None:
    # Rows beyond the light: the object's pixel is shorter down than across.
    tall = np.zeros((len(made.frames), 96, 64), np.uint16)
    tall[:, 16:80] = made.frames
    spectrum = np.zeros((96, 64), complex)
    spectrum[16:80] = np.fft.fftshift(np.fft.fft2(made.probe))
    probe = np.fft.ifft2(np.fft.ifftshift(spectrum))
    positions = made.positions_px * (96 / 64, 1.0)
    raw = apply_orientation(tall, inverse_orientation("flip_columns"))
    found = find_orientation(raw, positions, probe)
    assert found.name == "flip_columns"
    assert found.confidence > 0.9


def test_neighbors_with_light_are_chosen_where_there_is_something(made: Made) -> None:
    frames = np.concatenate([made.frames, np.repeat(made.frames[:1], 300, axis=0)])
    far = made.positions_px.max() + 50 + np.arange(300.0)
    positions = np.concatenate([made.positions_px, np.stack([far, far], axis=1)])
    frames[5] = 0
    chosen = choose_frames(frames, positions, 20)
    assert len(chosen) == 20
    assert chosen.max() < len(made.frames)
    assert 5 not in chosen
    with pytest.raises(InputError, match="0 frames with light"):
        choose_frames(frames * 0, positions, 20)


def test_arrays_that_do_not_belong_together_are_refused(made: Made) -> None:
    with pytest.raises(InputError, match=r"positions of \(80, 2\)"):
        find_orientation(made.frames, made.positions_px[1:], made.probe)
    with pytest.raises(InputError, match=r"probe has shape \(32, 32\)"):
        find_orientation(made.frames, made.positions_px, made.probe[:32, :32])
    with pytest.raises(InputError, match=r"mask has shape \(3, 3\)"):
        find_orientation(
            made.frames, made.positions_px, made.probe, bad=np.zeros((3, 3), bool)
        )


@pytest.mark.data
def test_a_planted_orientation_of_the_siemens_star_is_found() -> None:
    folder = Path(os.environ.get("DAISS_DATA", "../shared/data"))
    path = folder / "ptycho_siemens_star.npz"
    if not path.is_file():
        pytest.skip(f"no measured scans in {folder}")
    star = open_diffraction(path)
    assert star.probe is not None
    raw = apply_orientation(star.frames, "rotate_90")
    found = find_orientation(raw, star.positions_px, star.probe, n_frames=16)
    assert found.name == "rotate_270"
    assert found.confidence > 0.9
