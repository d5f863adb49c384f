"""Index ranges to rows of a file, as Tiled's HDF5 adapter takes them."""

from typing import Any

import pytest

from daiss_bluesky.services.file_rows import (
    FileRows,
    indices_are_rows,
    rows_per_index,
)


def test_neighboring_rows_are_a_slice_that_grows() -> None:
    rows = FileRows()
    rows.add(22, 23)
    assert rows.selection() == "22:23"
    rows.add(23, 31)
    assert rows.selection() == "22:31"


def test_rows_apart_are_listed_in_order() -> None:
    rows = FileRows()
    rows.add(3, 5)
    rows.add(9, 10)
    rows.add(10, 11)
    assert rows.selection() == [3, 4, 9, 10]


CHUNKS = {"chunk_shape": (1, 4, 6)}


@pytest.mark.parametrize(
    ("datum_shape", "parameters", "expected"),
    [
        ((1, 4, 6), {}, 1),
        ((3, 4, 6), {"multiplier": 3}, 3),
        ((3, 4, 6), CHUNKS, 3),
        ((4, 6), CHUNKS, 1),
        ((), {"chunk_shape": (16384,)}, 1),
        ((3,), {"chunk_shape": (16384,)}, 3),
        ((3, 4, 6), {"join_method": "concat"}, 3),
        ((3, 4, 6), {}, None),
    ],
)
def test_rows_of_an_event(
    datum_shape: tuple[int, ...], parameters: dict[str, Any], expected: int | None
) -> None:
    assert rows_per_index(datum_shape, parameters) == expected


@pytest.mark.parametrize(
    ("own", "first_index", "expected"),
    [
        (None, 0, True),
        ("7:27", 7, True),
        ("7:27", 0, False),
        ("7:", 9, True),
        (":,0", 0, False),
        ([1, 3], 1, False),
    ],
)
def test_a_part_of_the_resources_own(
    own: Any, first_index: int, expected: bool
) -> None:
    assert indices_are_rows({"slice": own}, first_index) is expected
