"""Which array "copy as Python" reads; that it runs is a system test."""

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.python_snippet import python_snippet


def picture(view: str, rows: str = "y", place: int | None = None) -> Picture:
    return Picture("uid", view, 12, 0.0, np.zeros((2, 2)), None, rows, "x", place)


def test_a_running_result_is_read_from_its_live_view() -> None:
    snippet = python_snippet("http://here:8000", picture("slice_xz", "z", 3))
    assert "root['recon/uid/live/slice_xz'].read()" in snippet
    assert "update 12" in snippet
    assert "'http://here:8000'" in snippet


@pytest.mark.parametrize(
    ("view", "rows", "read"),
    [("slice_xy", "y", "[3, :, :]"), ("slice_xz", "z", "[:, 3, :]")],
)
def test_a_finished_one_from_its_volume(view: str, rows: str, read: str) -> None:
    snippet = python_snippet("uri", picture(view, rows, 3), finished=True)
    assert f"root['recon/uid/volume']{read}" in snippet


def test_maps_of_a_finished_one_are_views_still() -> None:
    snippet = python_snippet("uri", picture("object_phase"), finished=True)
    assert "live/object_phase" in snippet


def test_what_tiled_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match="sinogram"):
        python_snippet("uri", picture("sinogram"))
