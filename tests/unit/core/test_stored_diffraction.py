from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.ptychography import PtychographyScan
from daiss_bluesky.core.stored_diffraction import StoredDiffraction

STORED = StoredDiffraction(
    scan=PtychographyScan(run_uid="u", pixel_size_um=0.5),
    frames=np.ones((4, 6, 8), np.uint16),
    frame_indices=np.arange(1, 4),
    positions_um=np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),
    times_s=np.arange(3.0),
    darks=np.zeros((0, 6, 8)),
)


def test_positions_in_pixels_are_those_of_the_object() -> None:
    assert STORED.frame_shape == (6, 8)
    np.testing.assert_allclose(STORED.positions_px, STORED.positions_um / 0.5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"positions_um": np.zeros((2, 2))}, "3 frames but 2 positions"),
        ({"times_s": np.zeros(5)}, "3 frames but 5 times"),
        ({"positions_um": np.full((3, 2), np.inf)}, "contain NaN or infinity"),
        ({"mask": np.zeros((8, 6), bool)}, r"mask of the scan has shape \(8, 6\)"),
        ({"probe": np.zeros((1, 4, 4), np.complex64)}, r"probe .* shape \(4, 4\)"),
        ({"darks": np.zeros((1, 6, 7))}, r"darks .* frames have \(6, 8\)"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        replace(STORED, **change)
