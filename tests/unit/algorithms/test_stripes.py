import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.algorithms import slabs
from daiss_bluesky.algorithms.accumulation import SUMS, Method
from daiss_bluesky.algorithms.fbp import FbpAlgorithm
from daiss_bluesky.algorithms.fbp_parameters import FbpParameters
from daiss_bluesky.algorithms.preprocessing import MeanProjection, Preprocessing
from daiss_bluesky.algorithms.rings import Rings
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.frames import Batch, FrameKey
from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.scan import Scan
from daiss_bluesky.core.stored import StoredScan
from daiss_bluesky.engine.inline import (
    reconstruct_scan,
)
from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.correction import NO_DEAD, Fields
from daiss_bluesky.testing.algorithm_contract import assert_same
from daiss_bluesky.testing.ball_scan import make_ball_scan
from daiss_bluesky.testing.measures import memory_share
from daiss_bluesky.testing.streaming import (
    begin,
    feed_projections,
    gone,
    rereader,
    split,
)

METHODS = ("mean", "sorting", "combined")
N = 90


def striped_scan(order: str = "golden", range_deg: float = 180.0) -> StoredScan:
    """Balls behind a detector whose gains changed after the flats."""
    angles = projection_angles_deg(N, order=order, range_deg=range_deg)  # type: ignore[arg-type]
    stored = make_ball_scan(angles, rows=18, columns=64, center_px=33.25)
    gains = np.exp(np.random.default_rng(1).normal(0, 0.05, (18, 64)))
    gains[np.random.default_rng(2).random((18, 64)) > 0.12] = 1.0
    seen = (stored.projections - 100.0) * gains + 100.0
    return dataclasses.replace(stored, projections=np.round(seen).astype(np.uint16))


def volume_of(stored: StoredScan, **parameters: Any) -> NDArray[np.float32]:
    final = reconstruct_scan(stored, FbpAlgorithm(center_px=33.25, **parameters))
    return final.arrays["volume"]


def clean(stored: StoredScan) -> StoredScan:
    """The same scan with a detector that is right."""
    angles = np.rad2deg(stored.angles_rad)
    return make_ball_scan(angles, rows=18, columns=64, center_px=33.25)


def away(volume: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean((volume - truth) ** 2) / np.mean(truth**2)))


@pytest.mark.parametrize("range_deg", [180.0, 360.0])
@pytest.mark.parametrize("stripes", METHODS)
def test_rings_go(stripes: str, range_deg: float) -> None:
    stored = striped_scan("sequential", range_deg)
    truth = volume_of(clean(stored))
    before = away(volume_of(stored), truth)
    after = away(volume_of(stored, stripes=stripes), truth)
    # On 64 columns the combined method's windows are nearly as wide as the sample.
    assert after < (0.8 if stripes == "combined" else 0.6) * before


@pytest.mark.parametrize("method", ["gridding", "backprojection"])
def test_mean_is_the_same_as_subtracting_from_every_projection(method: Method) -> None:
    stored = striped_scan()
    p = np.random.default_rng(0).normal(0, 0.1, (18, 64)).astype(np.float32)
    mean = MeanProjection((18, 64))
    mean.add(np.stack([p, 3 * p]), np.array([1.0, 0.5]))
    mean.add(p[None], np.array([-0.25]))
    weighted = (p + 1.5 * p - 0.25 * p) / 1.25
    np.testing.assert_allclose(
        mean.stripes(63), weighted - np.median(weighted), atol=0.2
    )
    stripes = mean.stripes(5)
    weights = np.full(N, np.pi / N)
    rings = Rings.of(stripes, stored.angles_rad, weights, 33.25, "ramp", method)
    volume = np.zeros((18, 64, 64), np.float32)
    rings.subtract(volume)
    slab = np.zeros((5, 64, 64), np.float32)
    rings.subtract(slab, 7)
    np.testing.assert_allclose(slab, volume[7:12], atol=1e-6)
    views = {name: np.zeros((18, 64), np.float32) for name in ("slice_xz", "slice_yz")}
    views["slice_xy"] = np.zeros((64, 64), np.float32)
    rings.subtract_from_slices(views, z=9, y=30, x=35)
    top = np.abs(volume).max()
    np.testing.assert_allclose(views["slice_xy"], volume[9], atol=1e-5 * top)
    np.testing.assert_allclose(views["slice_xz"], volume[:, 30], atol=0.04 * top)
    np.testing.assert_allclose(views["slice_yz"], volume[:, :, 35], atol=0.04 * top)


@pytest.mark.parametrize(
    ("method", "name"),
    [("backprojection", "hann"), ("gridding", "ramp"), ("gridding", "sharp")],
)
@pytest.mark.parametrize("turn_rad", [np.pi, 2 * np.pi])
def test_rings_are_what_the_sum_makes_of_stripes(
    method: Method, name: str, turn_rad: float
) -> None:
    n, n_angles = 64, 400
    stripes = np.random.default_rng(3).normal(0, 0.1, (3, n)).astype(np.float32)
    stripes[:, ::2] = 0.0
    angles = np.arange(n_angles) * turn_rad / n_angles
    weights = np.full(n_angles, np.pi / n_angles)
    total = SUMS[method]((3, n), name)
    p = np.repeat(stripes[None], n_angles, axis=0)
    total.add(p, angles, weights, 33.25)
    volume = total.volume(1.0)
    inside = reference.circle(n)
    before = np.sqrt(np.mean(volume[:, inside] ** 2))
    Rings.of(stripes, angles, weights, 33.25, name, method).subtract(volume)
    assert np.sqrt(np.mean(volume[:, inside] ** 2)) < 0.035 * before


@pytest.mark.parametrize("stripes", METHODS)
def test_live_equals_stored(stripes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = striped_scan()
    algorithm = FbpAlgorithm(center_px=33.25, stripes=stripes)
    expected = reconstruct_scan(stored, algorithm).arrays
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    live = begin(algorithm, stored)
    order = np.random.default_rng(1).permutation(N)
    for part in split(order, [1, 7, 33]):
        feed_projections(live, stored, part)
    assert live.progress().parameters["stripes_in_views"] == "mean"
    views = live.views()
    assert_same(live.finish(rereader(stored)), expected)
    assert live.progress().parameters["stripes_in_views"] == stripes
    if stripes == "mean":
        np.testing.assert_allclose(views["slice_xy"], expected["volume"][9], atol=1e-3)


def test_views_lose_their_rings_while_the_scan_runs() -> None:
    stored = striped_scan()
    views = {}
    for name, scan, stripes in [
        ("clean", clean(stored), "none"),
        ("rings", stored, "none"),
        ("mean", stored, "mean"),
    ]:
        live = begin(FbpAlgorithm(center_px=33.25, stripes=stripes), scan)
        feed_projections(live, scan, np.arange(60))
        views[name] = live.views()
    for name in ("slice_xy", "slice_xz", "slice_yz"):
        before = away(views["rings"][name], views["clean"][name])
        assert away(views["mean"][name], views["clean"][name]) < 0.7 * before


@pytest.mark.parametrize(("slab_bytes", "times"), [(1_000_000_000, 1), (1, 2)])
def test_the_scan_is_read_once_for_each_slab(
    slab_bytes: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slabs, "SLAB_BYTES", slab_bytes)
    stored = striped_scan()
    live = begin(FbpAlgorithm(center_px=33.25, stripes="sorting"), stored)
    feed_projections(live, stored)
    read: list[FrameKey] = []

    def noting(keys: Sequence[FrameKey]) -> Iterator[Batch]:
        for batch in rereader(stored)(keys):
            read.extend(batch.keys)
            yield batch

    live.finish(noting)
    assert len(read) == times * N
    assert all(count == times for count in Counter(read).values())


def test_frames_that_are_gone_leave_the_mean(caplog: pytest.LogCaptureFixture) -> None:
    stored = striped_scan()
    live = begin(FbpAlgorithm(center_px=33.25, stripes="sorting"), stored)
    feed_projections(live, stored)

    volume = live.finish(gone)["volume"]
    assert "by their mean only: the file is gone" in caplog.text
    assert live.progress().parameters["stripes_in_views"] == "mean"
    assert away(volume, volume_of(stored, stripes="mean")) < 0.05


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stripes": "fourier"}, r"stripes = 'fourier'.*'sorting'"),
        ({"stripe_window_px": 7}, "stripes is none"),
        ({"stripes": "mean", "stripe_window_px": 8}, "odd window"),
        ({"stripes": "mean", "stripe_window_px": 1}, "greater than or equal to 3"),
        ({"stripes": "mean", "stripe_large_window_px": 9}, "only combined"),
    ],
)
def test_steps_that_make_no_sense_are_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        FbpAlgorithm(**values)


def test_stripes_without_flats_are_refused() -> None:
    stored = striped_scan()
    none = dataclasses.replace(
        stored, flats=stored.flats[:0], flat_times_s=stored.flat_times_s[:0]
    )
    with pytest.raises(InputError, match="no flat field"):
        reconstruct_scan(none, FbpAlgorithm(stripes="mean"))


def test_windows_follow_the_width() -> None:
    combined = FbpParameters(stripes="combined")
    assert combined.sorting_windows_px(2048) == (31, 85)
    assert combined.sorting_windows_px(20) == (5, 5)
    given = FbpParameters(stripes="sorting", stripe_window_px=9)
    assert given.sorting_windows_px(2048) == (9, None)
    assert FbpParameters(stripes="mean", stripe_window_px=9).mean_window_px(99) == 9


def test_phase_retrieval_takes_the_place_of_the_logarithm() -> None:
    fields = Fields(
        np.zeros((4, 6), np.float32),
        np.full((1, 4, 6), 100, np.float32),
        np.zeros(1),
        NO_DEAD,
    )

    def halve(t: NDArray[np.float32]) -> NDArray[np.float32]:
        t /= 2
        return t

    raw = np.full((2, 4, 6), 50, np.uint16)
    p = Preprocessing(FbpParameters(), halve).line_integrals(raw, np.zeros(2), fields)
    np.testing.assert_allclose(p, 0.25)


@pytest.mark.parametrize("stripes", METHODS)
def test_the_stated_memory_is_enough(stripes: str) -> None:
    angles = projection_angles_deg(N)
    stored = make_ball_scan(angles, rows=140, columns=64)
    assert 0.5 < memory_share(FbpAlgorithm(stripes=stripes), stored) < 1


def test_a_scan_of_unknown_length_needs_memory_too() -> None:
    algorithm = FbpAlgorithm(stripes="combined")
    unknown = algorithm.memory_bytes(Scan(run_uid="x"), (256, 256))
    counts = {"projection": 500}
    known = algorithm.memory_bytes(
        Scan.model_validate({"run_uid": "x", "counts": counts}), (256, 256)
    )
    assert unknown > known > 2 * 4 * 256**3 + 4 * 500 * 256**2
