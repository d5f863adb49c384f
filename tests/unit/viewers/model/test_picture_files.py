"""Files that other programs read give the same values."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.picture_files import save_hdf5, save_tiff

RNG = np.random.default_rng(2)


def picture(pixels: NDArray[Any]) -> Picture:
    facts = (("sample", "bone"), ("scan", "12"))
    return Picture("uid", "slice_xz", 4, 1e9, pixels, 0.5, "z", "x", 7, facts)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tiff_holds_the_values(tmp_path: Path, dtype: type) -> None:
    pixels: NDArray[Any] = (RNG.random((13, 17)) * 60000).astype(dtype)
    save_tiff(tmp_path / "a.tif", picture(pixels))
    with Image.open(tmp_path / "a.tif") as image:
        assert image.mode == "F"
        assert np.array_equal(np.asarray(image), pixels.astype(np.float32))
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        told = json.loads(tags[270])
        assert tags[282] == pytest.approx(1e4 / 0.5)
    assert (told["sample"], told["place"], told["update"]) == ("bone", 7, 4)


def test_what_tiff_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="complex"):
        save_tiff(tmp_path / "a.tif", picture(np.ones((2, 2), complex)))
    with pytest.raises(InputError, match="float32 TIFF"):
        save_tiff(tmp_path / "a.tif", picture(np.full((2, 2), 2**30)))


@pytest.mark.parametrize("dtype", [np.uint16, np.float64, np.complex64])
def test_hdf5_holds_the_values_as_they_are(tmp_path: Path, dtype: type) -> None:
    pixels: NDArray[Any] = (RNG.random((5, 6)) * 9).astype(dtype)
    save_hdf5(tmp_path / "a.h5", picture(pixels))
    with h5py.File(tmp_path / "a.h5") as file:
        entry = file[file.attrs["default"]]
        group = entry[entry.attrs["default"]]
        stored = group[group.attrs["signal"]]
        assert stored.dtype == dtype
        assert np.array_equal(stored[()], pixels)
        assert list(group.attrs["axes"]) == ["z", "x"]
        assert group["x"][:2].tolist() == [0.25, 0.75]
        assert entry["about/sample"].asstr()[()] == "bone"


@pytest.mark.parametrize("save", [save_tiff, save_hdf5])
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, save: Any) -> None:
    with pytest.raises(UnavailableError, match=r"cannot write .*no-such-folder"):
        save(tmp_path / "no-such-folder" / "a", picture(np.ones((2, 2))))
