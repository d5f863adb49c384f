"""Phantoms: their truth and their attenuation belong together."""

import json
from pathlib import Path

import numpy as np
import pytest

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.kernels.ellipsoids import FieldGeometry
from daiss_bluesky.kernels.ellipsoids_compiled import project
from daiss_bluesky.testing.phantoms import (
    MAX_LINE_INTEGRAL,
    load_phantom,
    porous_grain,
    truth,
)


def test_truth_sums_to_the_projection() -> None:
    grain = porous_grain(pores=20, inclusions=4)
    n = 96
    volume = truth(grain, (24, n, n))
    image = project(grain.table, 0.0, FieldGeometry(24, n, n / 2))
    image *= grain.attenuation
    error = np.sqrt(np.mean((volume.sum(axis=1) - image) ** 2) / np.mean(image**2))
    assert error < 0.01
    assert volume.dtype == np.float32


def test_thickest_ray_has_the_stated_attenuation() -> None:
    grain = porous_grain()
    geometry = FieldGeometry(64, 96, 48.0)
    angles = np.linspace(0, np.pi, 12, endpoint=False)
    thickest = max(project(grain.table, a, geometry).max() for a in angles)
    assert thickest * grain.attenuation == pytest.approx(MAX_LINE_INTEGRAL, rel=0.03)


def test_grain_has_empty_pores_and_nothing_negative() -> None:
    grain = porous_grain()
    volume = truth(grain, (96, 96, 96))
    assert volume.min() > -1e-6 * volume.max()
    pores = grain.table[grain.table[:, 7] < 0]
    assert len(pores) == 150
    largest = pores[np.argmax(pores[:, 3:6].min(axis=1))]
    x, y, z = np.rint(largest[:3] * 48 + 47.5).astype(int)
    assert abs(volume[z, y, x]) < 1e-6 * volume.max()


def test_grain_is_the_same_for_a_seed() -> None:
    first, again = porous_grain(3, pores=10), porous_grain(3, pores=10)
    np.testing.assert_array_equal(first.table, again.table)
    assert not np.array_equal(first.table, porous_grain(4, pores=10).table)


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ball.json"
    path.write_text(json.dumps({"ellipsoids": [[0, 0, 0, 0.5, 0.5, 0.5, 0, 3.0]]}))
    phantom = load_phantom(path)
    assert phantom.name == "ball"
    # The sphere's diameter is one half width, density 3; rows miss its middle a little.
    assert phantom.attenuation == pytest.approx(MAX_LINE_INTEGRAL / 3, rel=0.02)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "ellipsoids"),
        ('{"ellipsoids": [[1, 2]]}', "8 numbers"),
        ('{"ellipsoids": [[0, 0, 0, 1, 1, 1, 0, -1]]}', "does not absorb"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "phantom.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        load_phantom(path)


def test_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_phantom(tmp_path / "absent.json")
