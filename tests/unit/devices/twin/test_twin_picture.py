"""What the camera sees: noise, beam, sample in and out, measured scans."""

import json
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ellipsoids import FieldGeometry, project
from daiss_devices.twin.detector import Detector, DetectorSettings
from daiss_devices.twin.frame import Frame
from daiss_devices.twin.nd_array import nd_array
from daiss_devices.twin.replay import replay_scene
from daiss_devices.twin.scene import BeamState, PhantomScene
from daiss_devices.twin.scenes import make_scene, phantom_scene
from daiss_devices.twin.settings import parse

IN_BEAM = BeamState(0.0, 0.0, 0.0, 1.0)
CLOSED = BeamState(0.0, 0.0, 0.0, 0.0)


def scene(tmp_path: Path, *options: str) -> PhantomScene:
    arguments = ["--rows", "32", "--columns", "48", "--data-root", str(tmp_path)]
    return phantom_scene(parse([*arguments, *options]))


@pytest.mark.parametrize("dark_counts", [100.0, 10.0])
def test_counts_have_photon_statistics(dark_counts: float) -> None:
    settings = DetectorSettings(32, 32, dark_counts=dark_counts, dead_pixels=0)
    detector = Detector(settings)
    frames = np.array([detector.expose(None, 1.0) for _ in range(300)], np.float64)
    mean = frames.mean(axis=0)
    np.testing.assert_allclose(mean, detector.flat + detector.dark, rtol=0.002)
    assert np.mean(frames.var(axis=0) / mean) == pytest.approx(1, abs=0.02)
    pairs = frames[1:] - mean
    neighbors = np.mean(pairs[:, :, 1:] * pairs[:, :, :-1]) / mean.mean()
    following = np.mean(pairs[1:] * pairs[:-1]) / mean.mean()
    assert abs(neighbors) < 0.02
    assert abs(following) < 0.02


def test_noise_off_is_exact_to_rounding(tmp_path: Path) -> None:
    quiet = scene(tmp_path, "--noise", "0", "--dead-pixels", "0")
    assert np.array_equal(quiet.picture(IN_BEAM), quiet.picture(IN_BEAM))
    detector = quiet.detector
    flat = quiet.picture(BeamState(0, 20.0, 0, 1.0))
    np.testing.assert_allclose(flat, detector.flat + detector.dark, atol=0.51)
    np.testing.assert_allclose(quiet.picture(CLOSED), detector.dark, atol=0.51)


def test_dead_pixels_stay_where_they_are(tmp_path: Path) -> None:
    first = scene(tmp_path, "--dead-pixels", "7", "--seed", "3")
    again = scene(tmp_path, "--dead-pixels", "7", "--seed", "3")
    frame = first.picture(IN_BEAM)
    assert (frame == 0).sum() == 7
    np.testing.assert_array_equal(frame == 0, again.picture(CLOSED) == 0)


def test_minus_log_is_the_phantom_on_its_center(tmp_path: Path) -> None:
    quiet = scene(tmp_path, "--noise", "0", "--center-px", "20.5", "--dead-pixels", "0")
    flat = quiet.picture(BeamState(0, 20.0, 0, 1.0)).astype(float)
    dark = quiet.picture(CLOSED).astype(float)
    for angle in (0.0, 1.1):
        image = quiet.picture(BeamState(angle, 0.0, 0.0, 1.0)).astype(float)
        got = -np.log((image - dark) / (flat - dark))
        geometry = FieldGeometry(32, 48, 20.5)
        expected = project(quiet.phantom.table, angle, geometry)
        np.testing.assert_allclose(got, expected * quiet.phantom.attenuation, atol=3e-4)


def test_stages_shift_the_picture(tmp_path: Path) -> None:
    quiet = scene(tmp_path, "--noise", "0", "--dead-pixels", "0")
    pixel = quiet.pixel_size_mm
    here = quiet.transmission(IN_BEAM)
    moved = quiet.transmission(BeamState(0.0, 3 * pixel, 2 * pixel, 1.0))
    np.testing.assert_allclose(moved[2:, 3:], here[:-2, :-3], atol=1e-5)


def test_half_open_shutter_gives_half_the_light(tmp_path: Path) -> None:
    quiet = scene(tmp_path, "--noise", "0", "--dead-pixels", "0")
    half = quiet.picture(BeamState(0, 20.0, 0, 0.5)) - quiet.detector.dark
    np.testing.assert_allclose(half, quiet.detector.flat / 2, atol=0.6)


def test_saturation_is_clipped(tmp_path: Path) -> None:
    bright = scene(tmp_path, "--flat-counts", "1e6", "--dead-pixels", "0")
    assert bright.picture(BeamState(0, 20.0, 0, 1.0)).max() == 65535


def test_phase_contrast_shows_edges_and_keeps_the_light(tmp_path: Path) -> None:
    options = ["--noise", "0", "--dead-pixels", "0", "--pixel-size-um", "5"]
    plain = scene(tmp_path, *options, "--phase-contrast", "--distance-mm", "0")
    edges = scene(tmp_path, *options, "--phase-contrast", "--distance-mm", "500")
    without, with_edges = (s.transmission(IN_BEAM) for s in (plain, edges))
    assert without.max() <= 1.0001
    assert with_edges.max() > 1.02
    assert with_edges.mean() == pytest.approx(without.mean(), rel=0.01)


def npz(path: Path, n: int = 5, **changed: object) -> Path:
    rng = np.random.default_rng(0)
    values: dict[str, object] = {
        "proj": rng.integers(1000, 3000, (n, 8, 10)).astype(np.uint16),
        "flat": np.full((8, 10), 40000, np.float32),
        "dark": np.full((8, 10), 99.6, np.float32),
        "theta_deg": np.linspace(-80, 80, n),
    }
    np.savez(path, **(values | changed))  # type: ignore[arg-type]
    return path


def test_replay_gives_the_nearest_measured_frame(tmp_path: Path) -> None:
    path = npz(tmp_path / "scan.npz")
    replay = replay_scene(path, 5.0)
    assert (replay.shape, replay.dtype) == ((8, 10), np.dtype(np.uint16))
    frames = np.load(path)["proj"]
    for angle_deg, n in ((-80, 0), (-200, 4), (3, 2), (19, 2), (21, 3), (120, 4)):
        state = BeamState(np.deg2rad(angle_deg), 0.0, 0.0, 1.0)
        picture = replay.picture(state)
        np.testing.assert_array_equal(picture, frames[n])
        assert picture.dtype == np.uint16


def test_replay_gives_flats_and_darks_in_the_scans_dtype(tmp_path: Path) -> None:
    replay = replay_scene(npz(tmp_path / "scan.npz"), 5.0)
    flat = replay.picture(BeamState(0.0, -5.0, 0.0, 1.0))
    dark = replay.picture(CLOSED)
    assert flat.dtype == dark.dtype == np.uint16
    assert (flat == 40000).all()
    assert (dark == 100).all()


def test_settings_choose_the_replay(tmp_path: Path) -> None:
    path = npz(tmp_path / "scan.npz")
    chosen = make_scene(parse(["--scan", str(path), "--data-root", str(tmp_path)]))
    assert chosen.shape == (8, 10)
    assert chosen.out_position_mm == 5


def test_a_scan_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError):
        replay_scene(path, 5.0)


def test_sample_file(tmp_path: Path) -> None:
    path = tmp_path / "ball.json"
    path.write_text(json.dumps({"ellipsoids": [[0, 0, 0, 0.5, 0.5, 0.5, 0, 1.0]]}))
    assert scene(tmp_path, "--sample", str(path)).phantom.name == "ball"


def test_nd_array_has_dimensions_in_area_detectors_order() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    value = nd_array(Frame(pixels, 7, 1.8e9 + 0.5, 12.5, 1, True))
    assert [d.size for d in value.dimension] == [6, 4]
    np.testing.assert_array_equal(value.value.reshape(4, 6), pixels)
    assert value.uniqueId == 7
    assert value.dataTimeStamp.secondsPastEpoch == 1_800_000_000
    assert value.dataTimeStamp.nanoseconds == 500_000_000
    assert {a.name: a.value for a in value.attribute}["theta"] == 12.5
