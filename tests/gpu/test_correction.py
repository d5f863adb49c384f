"""Correction on a device is the reference, for every kind of frame."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.kernels import reference
from daiss_bluesky.kernels.correction import NO_DEAD, ZINGER_SPREAD, Fields, find_dead
from daiss_bluesky.kernels.cuda.correction import DeviceFields, correct
from tests.gpu.poison import poisoned

pytestmark = pytest.mark.gpu

FRAMES, ROWS = 5, 19
TIMES_S = np.array([-5.0, 0.0, 12.5, 99.0, np.nan])


def beams_of(gains: NDArray[Any]) -> list[NDArray[Any]]:
    between = 0.75 * gains[1] + 0.25 * gains[2]
    return [gains[0], gains[0], between, gains[2], gains[0]]


def a_scan(dtype: str, columns: int = 45, seed: int = 0) -> tuple[NDArray[Any], Fields]:
    rng = np.random.default_rng(seed)
    gains = rng.uniform(150, 160, (3, ROWS, columns)).astype(np.float32)
    gains *= np.array([1, 1.1, 1.3], np.float32)[:, None, None]
    raw = rng.uniform(105, 125, (FRAMES, ROWS, columns)).astype(dtype)
    # Zingers, which noise alone does not make.
    for x in range(1, columns - 1, 43):
        raw[:, 4:-4:4, x] = 255
    dark = np.full((ROWS, columns), 20, np.float32)
    return raw, Fields(dark, gains, np.array([0.0, 10.0, 20.0]), NO_DEAD)


def right(raw: NDArray[Any], fields: Fields, threshold: float | None) -> NDArray[Any]:
    found = []
    for frame, beam in zip(raw, beams_of(fields.gains), strict=True):
        t = reference.transmission(frame, fields.dark, beam)
        for entry in fields.dead:
            near = entry[1:][entry[1:] >= 0]
            t.reshape(-1)[entry[0]] = t.reshape(-1)[near].mean() if near.size else 1.0
        if threshold is not None:
            t = reference.repair_zingers(t, threshold, ZINGER_SPREAD)
        found.append(t)
    return np.array(found)


@pytest.mark.parametrize("threshold", [None, 0.05])
@pytest.mark.parametrize("out_dtype", ["float32", "float16"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("columns", [3, 145, 148])
def test_frames_are_the_reference(
    cp: Any, columns: int, dtype: str, out_dtype: str, threshold: float | None
) -> None:
    raw, fields = a_scan(dtype, columns)
    out = poisoned(cp, raw.shape, out_dtype)
    which = np.arange(FRAMES)
    device = DeviceFields.of(fields)
    correct(cp.asarray(raw), which, TIMES_S, device, threshold, out)
    wanted = -np.log(right(raw, fields, threshold))
    close = 1e-5 if out_dtype == "float32" else 5e-3
    np.testing.assert_allclose(out.get(), wanted, rtol=close, atol=close)


@pytest.mark.parametrize("columns", [45, 64])
def test_rows_of_some_frames_in_the_order_of_sinograms(cp: Any, columns: int) -> None:
    raw, fields = a_scan("uint16", columns)
    which, rows = np.array([3, 0, 2]), slice(5, 12)
    out = poisoned(cp, (7, 3, columns))
    correct(
        cp.asarray(raw[:, 4:13].copy()), which, TIMES_S[which], DeviceFields.of(fields),
        0.05, out.transpose(1, 0, 2), rows=rows, raw_first_row=4,
    )  # fmt: skip
    wanted = -np.log(right(raw, fields, 0.05))[which][:, rows]
    np.testing.assert_allclose(out.get().transpose(1, 0, 2), wanted, atol=1e-5)


@pytest.mark.parametrize("columns", [45, 64])
def test_dead_pixels_get_what_their_neighbors_have(cp: Any, columns: int) -> None:
    raw, fields = a_scan("uint16", columns, seed=2)
    gains = fields.gains.copy()
    gains[1, 6:9, 10:13] = 0
    gains[:, 0, 0] = 1e4
    gains[0, 14, 30] = 1
    fields = Fields(fields.dark, gains, fields.times_s, find_dead(gains))
    assert len(fields.dead) == 11
    out = poisoned(cp, raw.shape)
    correct(
        cp.asarray(raw), np.arange(FRAMES), TIMES_S, DeviceFields.of(fields), 0.05, out,
        logarithm=False,
    )  # fmt: skip
    np.testing.assert_allclose(out.get(), right(raw, fields, 0.05), rtol=2e-5)


def test_no_light_and_what_is_no_number_stay_finite(cp: Any) -> None:
    raw, fields = a_scan("float32")
    raw[0, 1, 1:5] = 0.0, np.nan, -np.inf, np.inf
    out = poisoned(cp, raw.shape)
    correct(
        cp.asarray(raw), np.arange(FRAMES), TIMES_S, DeviceFields.of(fields), None, out
    )
    assert np.isfinite(out.get()).all()
    darkest = -np.log(reference.MIN_TRANSMISSION)
    np.testing.assert_allclose(out.get()[0, 1, 1:4], darkest, rtol=1e-6)


def test_zingers_of_these_scans_are_repaired() -> None:
    raw, fields = a_scan("uint16", 148)
    changed = right(raw, fields, 0.05) != right(raw, fields, None)
    # Beside the edges between threads' pixels and blocks', too.
    assert {1, 44, 87, 130} <= set(np.nonzero(changed)[2])
