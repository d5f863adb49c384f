"""What the camera of a ptychography twin sees: photons, or a measured scan."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.testing.ptychography_phantom import (
    PhantomSettings,
    ptychography_phantom,
)
from daiss_devices.twin.diffraction import DiffractionScene
from daiss_devices.twin.diffraction_replay import DiffractionReplay
from daiss_devices.twin.scene import BeamState, Scene
from daiss_devices.twin.scenes import make_scene
from daiss_devices.twin.settings import parse

CLOSED = BeamState(0.0, 0.0, 0.0, 0.0)


def at(y: float, x: float, brightness: float = 1.0) -> BeamState:
    return BeamState(0.0, 0.0, 0.0, brightness, (y, x))


def scene(tmp_path: Path, *options: str) -> Scene:
    arguments = ["--ptychography", "--data-root", str(tmp_path)]
    return make_scene(parse([*arguments, *options]))


def small(tmp_path: Path, *options: str) -> DiffractionScene:
    made = scene(tmp_path, "--size", "32", "--dead-pixels", "0", *options)
    assert isinstance(made, DiffractionScene)
    return made


def test_counts_are_poisson_about_the_phantoms_pattern(tmp_path: Path) -> None:
    twin = small(tmp_path, "--counts-per-frame", "2e4")
    frames = np.array([twin.picture(at(0.4, -0.3)) for _ in range(600)], np.float64)
    expected = 2e4 * twin.phantom.pattern((0.4, -0.3))
    deviation = (frames.mean(axis=0) - expected) / np.sqrt(expected / 600 + 1e-3)
    assert np.sqrt((deviation**2).mean()) < 1.1
    bright = expected > 1
    spread = frames.var(axis=0)[bright] / expected[bright]
    assert spread.mean() == pytest.approx(1, abs=0.03)


def test_without_noise_a_frame_is_the_rounded_mean(tmp_path: Path) -> None:
    twin = small(tmp_path, "--noise", "0", "--dark-counts", "3")
    expected = 1e6 * twin.phantom.pattern((0.1, 0.2)) + 3
    np.testing.assert_allclose(twin.picture(at(0.1, 0.2)), expected, atol=0.6)
    np.testing.assert_array_equal(twin.picture(CLOSED), 3)
    half = twin.picture(at(0.1, 0.2, brightness=0.5))
    np.testing.assert_allclose(half, (expected - 3) / 2 + 3, atol=0.6)


def test_sample_out_leaves_the_empty_beam(tmp_path: Path) -> None:
    twin = small(tmp_path, "--noise", "0")
    empty = twin.picture(BeamState(0.0, twin.out_position_mm, 0.0, 1.0))
    np.testing.assert_allclose(empty, 1e6 * twin.phantom.pattern(None), atol=0.6)


def test_beam_stop_and_dead_pixels_read_nothing(tmp_path: Path) -> None:
    twin = small(
        tmp_path, "--beam-stop-px", "3", "--dark-counts", "500", "--noise", "0"
    )
    frame = twin.picture(at(0, 0))
    assert frame[16, 16] == frame[16, 18] == frame[18, 16] == 0
    assert frame[16, 19] > 0
    assert (frame == 0).sum() == 25
    dead = scene(tmp_path, "--size", "32", "--dead-pixels", "7", "--dark-counts", "500")
    again = dead.picture(at(0, 0)) == 0
    assert again.sum() == 7
    np.testing.assert_array_equal(dead.picture(CLOSED) == 0, again)


def test_saturation_is_clipped(tmp_path: Path) -> None:
    bright = small(tmp_path, "--counts-per-frame", "1e9")
    assert bright.picture(at(0, 0)).max() == 65535


@pytest.mark.parametrize("field", ["far", "near"])
def test_facts_are_enough_to_make_the_phantom_again(tmp_path: Path, field: str) -> None:
    twin = small(tmp_path, "--field", field, "--probe-modes", "2", "--noise", "0")
    settings = PhantomSettings(**twin.facts["phantom"])
    assert settings.field == field
    again = ptychography_phantom(settings)
    expected = 1e6 * again.pattern((-0.2, 0.3))
    np.testing.assert_allclose(twin.picture(at(-0.2, 0.3)), expected, atol=1.0)
    section = twin.facts["ptychography"]
    assert section["energy_kev"] == settings.energy_kev
    assert section["field"] == field


def test_defaults_are_those_of_the_technique(tmp_path: Path) -> None:
    root = ["--data-root", str(tmp_path)]
    plain, diffraction = parse(root), parse(["--ptychography", *root])
    assert (plain.rows, plain.energy_kev, plain.dark_counts) == (512, 20.0, 100.0)
    assert plain.ptychography is None
    assert (diffraction.rows, diffraction.energy_kev) == (128, 8.8)
    assert diffraction.piezo.noise_um == 0.005
    given = parse(["--ptychography", "--energy-kev", "12", "--size", "64", *root])
    assert (given.rows, given.energy_kev) == (64, 12.0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--distance-mm", "0"], "--distance-mm must be positive, not 0.0"),
        (["--energy-kev", "-1"], "--energy-kev must be positive"),
        (["--counts-per-frame", "0"], "--counts-per-frame must be positive"),
        (["--probe-modes", "0"], "--probe-modes must be 1 to 10, not 0"),
        (["--position-error-um", "-1"], "--position-error-um must be 0 or more"),
        (["--beam-stop-px", "nan"], "--beam-stop-px must be 0 or more, not nan"),
    ],
)
def test_bad_options_are_refused(options: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse(["--ptychography", *options])


POSITIONS = [[-80, 20], [0, 0], [0, 0], [120, 5], [0, 0]]


def npz(path: Path, **changed: Any) -> Path:
    rng = np.random.default_rng(0)
    values: dict[str, Any] = {
        "data": rng.integers(0, 900, (5, 8, 10)).astype(np.uint16),
        "positions_px": np.array(POSITIONS, np.float32),
    }
    np.savez(path, **(values | changed))
    return path


def replay(tmp_path: Path) -> DiffractionReplay:
    made = scene(tmp_path, "--scan", str(npz(tmp_path / "scan.npz")))
    assert isinstance(made, DiffractionReplay)
    return made


def test_replay_gives_the_nearest_frame_with_its_middle_in_the_middle(
    tmp_path: Path,
) -> None:
    twin = replay(tmp_path)
    assert (twin.shape, twin.dtype) == ((8, 10), np.dtype(np.uint16))
    frames = np.fft.fftshift(np.load(tmp_path / "scan.npz")["data"], axes=(1, 2))
    for y, x, n in ((-80, 20, 0), (-300, 0, 0), (70, 3, 3), (119.9, 5, 3)):
        np.testing.assert_array_equal(twin.picture(at(y, x)), frames[n])
    np.testing.assert_array_equal(twin.picture(CLOSED), 0)


def test_frames_of_one_place_come_in_the_order_taken(tmp_path: Path) -> None:
    twin = replay(tmp_path)
    assert [twin.next_frame((0.0, 0.0)) for _ in range(5)] == [1, 2, 4, 1, 2]


def test_the_stage_reaches_every_place_of_a_replayed_scan(tmp_path: Path) -> None:
    twin = replay(tmp_path)
    assert twin.travel_um > 120
    assert twin.facts["frames"] == 5
    assert twin.facts["ptychography"]["pixel_size_um"] == 1.0
    assert twin.facts["ptychography"]["energy_kev"] is None


def test_a_replayed_stage_goes_exactly_where_it_is_sent(tmp_path: Path) -> None:
    path = npz(tmp_path / "scan.npz")
    piezo = parse(["--ptychography", "--scan", str(path)]).piezo
    assert piezo.noise_um == piezo.settling_s == piezo.error_um == 0


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("uint8", "uint8"), (">u2", "uint16"), ("int32", "uint16"), ("f8", "float32")],
)
def test_pixels_are_of_a_kind_that_cameras_have(
    tmp_path: Path, stored: str, shown: str
) -> None:
    values = np.zeros((5, 8, 10), stored)
    values[0, 0, 0] = 200
    if np.dtype(stored) == np.int32:
        values[0, 0, 1], values[0, 0, 2] = 100_000, -2
    twin = scene(tmp_path, "--scan", str(npz(tmp_path / "scan.npz", data=values)))
    frame = twin.picture(at(-80, 20))
    assert twin.dtype == frame.dtype == np.dtype(shown)
    limits = [65535, 0] if stored == "int32" else [0, 0]
    assert frame[4, 5:8].tolist() == [200, *limits]


def test_a_tomography_scan_is_not_replayed_as_ptychography(tmp_path: Path) -> None:
    path = tmp_path / "tomo.npz"
    ones = np.ones((4, 8, 10), np.uint16)
    np.savez(path, proj=ones, flat=ones, dark=ones, theta_deg=np.arange(4.0))
    with pytest.raises(InputError, match="tomography scan, not ptychography"):
        scene(tmp_path, "--scan", str(path))
