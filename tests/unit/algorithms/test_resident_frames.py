import numpy as np
import pytest

from daiss_bluesky.algorithms.resident_frames import ResidentFrames
from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.kernels.host_operators import HostOperators

ROWS, COLUMNS = slice(2, 9), 5
FRAME = 2 * 7 * COLUMNS


def make_frames(device_frames: int, expected: int | None = None) -> ResidentFrames:
    store = ArrayStore({"cpu": 10**7})
    return ResidentFrames(
        HostOperators(), store, "frames", ROWS, COLUMNS, device_frames * FRAME, expected
    )


def counts(n: int, dtype: str = "uint16") -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.integers(0, 200, (n, 7, COLUMNS)).astype(dtype)


@pytest.mark.parametrize("device_frames", [0, 3, 10, 100])
@pytest.mark.parametrize("first", [0, 4, 9])
def test_all_come_back_in_order(
    monkeypatch: pytest.MonkeyPatch, device_frames: int, first: int
) -> None:
    monkeypatch.setattr("daiss_bluesky.algorithms.resident_frames.CHUNK_BYTES", 280)
    given, frames = counts(13), make_frames(device_frames)
    for part in np.split(given, [1, 6, 7]):
        frames.add(part)
    assert len(frames) == 13
    wanted = slice(4, 7)
    seen = []
    for block in frames.blocks(wanted, first, 3):
        top = wanted.start - block.first_row
        seen += block.raw[:, top : top + 3].tolist()
        assert block.numbers.stop - block.numbers.start == len(block.raw) <= 3
    assert seen == given[first:, 2:5].tolist()


def test_types_are_kept_where_a_device_knows_them() -> None:
    frames = make_frames(20)
    for dtype in ("uint16", "int64", "uint8"):
        frames.add(counts(2, dtype))
    types = [str(block.raw.dtype) for block in frames.blocks(ROWS, 0, 2)]
    assert types == ["uint16", "float32", "uint8"]


def test_frames_beyond_those_expected_are_taken_too() -> None:
    frames = make_frames(20, expected=3)
    frames.add(counts(5))
    assert len(frames) == 5
    frames.clear()
    assert len(frames) == 0
    frames.add(counts(1))
    assert len(frames) == 1
