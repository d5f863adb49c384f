import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.kernels.center_sinogram import (
    SURE_PX,
    center_by_moments,
    center_by_opposites,
    center_by_sharpness,
    find_sinogram_center,
    near_opposites,
)
from tests.unit.kernels.center_scans import (
    DATA,
    ELLIPSOIDS,
    even_angles,
    phantom,
    sinogram,
)

SAVU = DATA / "tomo_savu_image_test.npz"
NAMES = [
    "balls",
    "grain",
    pytest.param(
        "ellipsoids",
        marks=[
            pytest.mark.data,
            pytest.mark.skipif(not ELLIPSOIDS.exists(), reason="no measured data"),
        ],
    ),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("columns", [64, 101, 255])
@pytest.mark.parametrize(
    ("n", "arc_deg", "off"),
    [
        (30, 180, 0.02),
        (30, 180, -0.15),
        (90, 180, 0.15),
        (181, 181.0055, -0.08),
        (120, 360, 0.15),
        (30, 150, 0.03),
        (90, 150, -0.04),
        (60, 100, 0.02),
    ],
)
def test_center_is_found_and_sure(
    name: str, columns: int, n: int, arc_deg: float, off: float
) -> None:
    center_px = columns * (0.5 + off) + 0.3
    angles = even_angles(n, arc_deg)
    found = find_sinogram_center(
        sinogram(phantom(name), columns, center_px, angles), angles
    )
    assert found.unsure is None
    assert abs(found.center_px - center_px) < SURE_PX
    assert abs(found.center_px - center_px) < 4 * found.error_px
    assert found.error_px < SURE_PX


@pytest.mark.parametrize(
    ("name", "off"),
    [("balls", -0.13), ("balls", 0.1), ("balls", 0.13), ("grain", -0.15),
     ("grain", 0.15)],
)  # fmt: skip
def test_partial_coverage_far_off_the_middle(name: str, off: float) -> None:
    center_px = 257 * (0.5 + off)
    angles = even_angles(45, 150)
    found = find_sinogram_center(
        sinogram(phantom(name), 257, center_px, angles, seed=5), angles
    )
    assert found.unsure is None
    assert abs(found.center_px - center_px) < SURE_PX


def test_a_sample_that_leaves_the_field_on_a_partial_arc_is_unsure() -> None:
    angles = even_angles(45, 150)
    p = sinogram(phantom("balls"), 257, 257 * 0.7, angles)
    assert find_sinogram_center(p, angles).unsure


def test_order_and_irregularity_of_the_angles_do_not_matter() -> None:
    angles = np.deg2rad(projection_angles_deg(70, order="golden"))
    p = sinogram(phantom("grain"), 99, 52.2, angles)
    found = find_sinogram_center(p, angles)
    assert found.unsure is None
    assert abs(found.center_px - 52.2) < 0.1
    order = np.random.default_rng(0).permutation(70)
    again = find_sinogram_center(p[order], angles[order])
    assert abs(again.center_px - found.center_px) < 0.02


def test_a_beam_that_brightens_and_a_background_do_not_move_it() -> None:
    angles = even_angles(60, 150)
    p = sinogram(phantom("grain"), 128, 61.7, angles)
    drifting = p + np.linspace(0.0, 0.3, 60, dtype=np.float32)[:, None, None] + 0.2
    found = center_by_moments(drifting, angles)
    assert found.unsure is None
    assert abs(found.center_px - 61.7) < 0.1


def test_a_sample_wider_than_the_field_needs_opposite_projections() -> None:
    angles = even_angles(90, 180)
    p = sinogram(phantom("balls"), 128, 66.3, angles)[:, :, 35:95]
    moments = center_by_moments(p, angles)
    assert "field of view" in (moments.unsure or "")
    found = find_sinogram_center(p, angles)
    assert found.method == "opposite"
    assert found.unsure is None
    assert abs(found.center_px - 31.3) < 0.1


def test_all_methods_agree_where_all_are_possible() -> None:
    angles = even_angles(180, 180)
    p = sinogram(phantom("grain"), 192, 101.4, angles)
    opposite = center_by_opposites(p, angles)
    assert opposite is not None
    for found in (
        center_by_moments(p, angles),
        opposite,
        center_by_sharpness(p, angles),
    ):
        assert found.unsure is None
        assert abs(found.center_px - 101.4) < 0.15


def test_a_sample_that_moved_while_it_turned_is_unsure() -> None:
    angles = even_angles(90, 180)
    jump_px = np.where(angles < np.pi / 2, 0.0, 3.0)
    p = np.concatenate([
        sinogram(phantom("grain"), 128, 64.0 + jump, angles[i : i + 1], seed=i)
        for i, jump in enumerate(jump_px)
    ])  # fmt: skip
    found = find_sinogram_center(p, angles)
    assert "the sample seems to move" in (found.unsure or "")


def test_two_methods_that_contradict_each_other_are_unsure() -> None:
    """The last projection is another sample's, which only one of them cares about."""
    angles = even_angles(181, 181.0055)
    p = sinogram(phantom("grain"), 128, 64.0, angles)
    p[-1] = np.roll(p[-1], 3, axis=1)
    found = find_sinogram_center(p, angles)
    assert "two methods disagree" in (found.unsure or "")
    assert abs(found.center_px - 64.0) < 2 * found.error_px


@pytest.mark.parametrize("kind", ["empty", "noise", "counts", "slab", "zeros"])
def test_without_a_sample_it_is_unsure(kind: str) -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, (90, 6, 96))
    p = {
        "empty": noise,
        "noise": rng.normal(0.5, 0.5, (90, 6, 96)),
        "counts": -np.log(rng.integers(20_000, 40_000, (90, 6, 96)) / 40_000),
        "slab": noise + 0.3,
        "zeros": np.zeros((90, 6, 96)),
    }[kind].astype(np.float32)
    for arc_deg in (150, 180, 360):
        found = find_sinogram_center(p, even_angles(90, arc_deg))
        assert found.unsure


@pytest.mark.parametrize("arc_deg", [5, 20, 50])
@pytest.mark.parametrize("name", ["balls", "grain"])
@pytest.mark.parametrize("seed", [None, 1])
def test_little_coverage_is_unsure(name: str, arc_deg: float, seed: int | None) -> None:
    angles = even_angles(80, arc_deg)
    p = sinogram(phantom(name), 128, 66.0, angles, seed=seed)
    assert find_sinogram_center(p, angles).unsure


def test_errors_are_honest() -> None:
    """Over many noises the error is about what is said."""
    angles = even_angles(40, 150)
    away = []
    for seed in range(20):
        p = sinogram(phantom("grain"), 64, 30.6, angles, rows=4, seed=seed)
        found = center_by_moments(p, angles)
        away.append((found.center_px - 30.6) / found.error_px)
    assert 0.1 < float(np.std(away)) < 1.5
    assert np.abs(away).max() < 3


@pytest.mark.data
@pytest.mark.skipif(not SAVU.exists(), reason="no measured data")
def test_the_measured_scan_has_its_center_between_86_and_87() -> None:
    scan = np.load(SAVU)
    rows = np.arange(8, 135, 8)
    dark, flat = scan["dark"][rows], scan["flat"][rows]
    p = -np.log((scan["proj"][:, rows] - dark) / (flat - dark)).astype(np.float32)
    angles = np.deg2rad(scan["theta_deg"])
    for last in (91, 90, 86):
        found = find_sinogram_center(p[:last], angles[:last])
        assert found.unsure is None
        assert 86 < found.center_px < 87
    partial = find_sinogram_center(p[:76], angles[:76])
    assert partial.unsure or 86 < partial.center_px < 87


def test_near_opposites_are_the_nearest() -> None:
    assert [pair[:2] for pair in near_opposites(np.deg2rad([0, 90, 170, 180.01]))] == [
        (0, 3)
    ]
    pairs = near_opposites(even_angles(30, 180))
    assert pairs[0][:2] == (0, 29)
    assert np.isclose(pairs[0][2], np.deg2rad(-6))
    assert near_opposites(even_angles(30, 150)) == []


@pytest.mark.parametrize(
    ("n", "angles_deg", "said"),
    [
        (4, [0, 45, 90, 135], "at least 8 projections, not 4"),
        (8, [30] * 8, "all 8 angles are equal"),
        (8, [0, 1, 2], "3 angles do not fit"),
    ],
)
def test_bad_input_is_refused(n: int, angles_deg: list[float], said: str) -> None:
    p = np.ones((n, 2, 16), np.float32)
    with pytest.raises(InputError, match=said):
        find_sinogram_center(p, np.deg2rad(angles_deg))


@pytest.mark.parametrize("columns", [16, 17, 22])
@pytest.mark.parametrize(("n", "arc_deg"), [(8, 150), (8, 180), (50, 360)])
def test_the_smallest_sinograms_are_answered(
    columns: int, n: int, arc_deg: float
) -> None:
    angles = even_angles(n, arc_deg)
    center_px = columns / 2 + 0.4
    p = sinogram(phantom("balls"), columns, center_px, angles, rows=1)
    found = find_sinogram_center(p, angles)
    assert found.unsure or abs(found.center_px - center_px) < SURE_PX
    with pytest.raises(InputError, match="at least 16 columns, not 15"):
        find_sinogram_center(p[:, :, :15], angles)


def test_degrees_are_refused_with_their_range() -> None:
    p = np.ones((180, 2, 16), np.float32)
    with pytest.raises(InputError, match=r"0 to 179.*degrees.*radians are expected"):
        find_sinogram_center(p, np.arange(180.0))
