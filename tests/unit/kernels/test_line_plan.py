"""Lines are planned within what a block of threads has."""

from math import prod

import pytest

from daiss_bluesky.kernels.line_plan import plan_lines


@pytest.mark.parametrize(
    "length", [2, 3, 5, 9, 15, 16, 64, 96, 100, 128, 243, 256, 500, 512, 2048, 4096]
)
def test_a_plan_multiplies_to_the_length_and_fits_a_block(length: int) -> None:
    plan = plan_lines(length, 16)
    assert plan.middle * prod(plan.others) == length
    assert 1 <= plan.lines <= 16
    assert plan.threads == plan.lines * (length // plan.middle)
    assert plan.threads <= 1024
    assert plan.room_bytes <= 227 * 1024


def test_few_steps_of_small_radices_are_best() -> None:
    plans = [plan_lines(length, 8) for length in (64, 128, 256, 512)]
    radices = [(one.middle, *one.others) for one in plans]
    assert radices == [(8, 8), (8, 16), (16, 16), (8, 8, 8)]


def test_constants_are_in_the_order_of_the_steps() -> None:
    plan = plan_lines(128, 8)
    first = plan.constants("ROW", middle_first=True)
    last = plan.constants("COLUMN", middle_first=False)
    assert (first["ROW_PLAN"], first["ROW_BACK"]) == ("8,16", "16,8")
    assert (last["COLUMN_PLAN"], last["COLUMN_BACK"]) == ("16,8", "8,16")
    assert first["ROW_RADIX"] == last["COLUMN_RADIX"] == 8
    assert first["ROW_OUTER"] == 16


@pytest.mark.parametrize("length", [0, 1, 7, 121])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"lines of {length} have"):
        plan_lines(length, 8)
