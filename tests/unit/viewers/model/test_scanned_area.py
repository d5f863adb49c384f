"""The scanned part of an object."""

import numpy as np

from daiss_bluesky.viewers.model.scanned_area import scanned_area


def test_it_holds_all_that_was_lit_and_no_more() -> None:
    coverage = np.zeros((20, 30), np.float32)
    coverage[3, 7] = 1
    coverage[10, 25] = 4
    assert scanned_area(coverage) == (3, 7, 8, 19)


def test_where_nothing_was_lit_there_is_none() -> None:
    assert scanned_area(np.zeros((4, 4))) is None
