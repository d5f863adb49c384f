import numpy as np
import pytest

from daiss_bluesky.core.array_store import ArrayStore
from daiss_bluesky.core.errors import InputError, UnavailableError


def make_store() -> ArrayStore:
    return ArrayStore({"cpu": 100, "cuda:0": 1000})


def test_an_array_is_handed_on_without_a_copy() -> None:
    store = make_store()
    array = np.arange(10, dtype=np.float32)
    store.put("frames", "cpu", array)
    assert store.get("frames") is array
    made = store.make("picture", "cpu", 8, lambda: np.zeros(2, np.float32))
    assert store.get("picture") is made


def test_a_place_is_not_filled_beyond_its_bound() -> None:
    store = make_store()
    store.put("frames", "cpu", np.zeros(80, np.uint8))
    with pytest.raises(UnavailableError, match=r"volume needs .* on cpu, .* 0.00 GB"):
        store.make("volume", "cpu", 21, lambda: pytest.fail("memory was asked for"))
    store.put("volume", "cuda:0", np.zeros(21, np.uint8))
    assert store.room("cpu") == 20
    store.release("fra")
    assert store.room("cpu") == 100


def test_what_fails_to_be_made_leaves_its_room() -> None:
    store = make_store()

    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        store.make("volume", "cpu", 60, fail)
    assert store.room("cpu") == 100


def test_the_report_says_what_lies_where() -> None:
    store = make_store()
    store.put("volume", "cuda:0", np.zeros((2, 3, 4), np.float32))
    store.put("frames", "cpu", np.zeros((2, 5), np.uint16))
    frames, volume = store.report()
    assert (frames.name, frames.place, frames.bytes) == ("frames", "cpu", 20)
    assert (volume.name, volume.place, volume.bytes) == ("volume", "cuda:0", 96)


def test_names_are_given_once_and_known() -> None:
    store = make_store()
    store.put("frames", "cpu", np.zeros(1))
    with pytest.raises(InputError, match="named 'frames' already"):
        store.put("frames", "cpu", np.zeros(1))
    with pytest.raises(InputError, match="unknown array 'volume'"):
        store.get("volume")
    with pytest.raises(InputError, match="unknown place 'disk'"):
        store.room("disk")
