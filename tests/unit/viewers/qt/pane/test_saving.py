"""What leaves the viewer holds what was on the screen."""

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QApplication

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.colormaps import MISSING
from daiss_bluesky.viewers.model.contrast import Levels

FACTS = (("scan", "1234"), ("sample", "bone A3"))


def save(pane: Any, path: Path) -> None:
    pane.saving.save(path)
    pane.saving.writing.join(60)


def test_png_is_the_picture_with_room_for_words(
    pane: Any, make_picture: Any, tmp_path: Path
) -> None:
    pixels: Any = np.zeros((32, 40), np.float32)
    pixels[3, 7], pixels[9, 9] = 1, np.nan
    pane.show_picture(make_picture(pixels, pixel_size_um=0.65, facts=FACTS))
    pane.lock_levels(Levels(0, 1))
    save(pane, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        drawn = np.asarray(image.convert("RGB"))
    times = drawn.shape[1] // 40
    assert drawn.shape[0] > 32 * times
    block = drawn[: 32 * times].reshape(32, times, 40, times, 3)
    assert (block[3, :, 7] == 255).all()
    assert (block[9, :, 9] == MISSING).all()
    assert not block[10, :, 10].any()
    words = drawn[32 * times :]
    assert (words == 255).any()
    assert (words < 128).any()


def test_tiff_and_hdf5_hold_the_values(
    pane: Any, make_picture: Any, ramp: Any, tmp_path: Path
) -> None:
    pane.show_picture(make_picture(ramp))
    save(pane, tmp_path / "a.tif")
    save(pane, tmp_path / "a.h5")
    with Image.open(tmp_path / "a.tif") as image:
        assert np.array_equal(np.asarray(image), ramp)
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["entry/picture/data"][()], ramp)


def test_the_difference_is_saved_where_it_is_shown(
    pane: Any, make_picture: Any, ramp: Any, tmp_path: Path
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.set_reference(make_picture(2 * ramp))
    pane.show_difference(True)
    save(pane, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["entry/picture/data"][()], -ramp)


def test_measurements_are_saved_as_csv(
    pane: Any, make_picture: Any, ramp: Any, tmp_path: Path
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.measuring.profiles.row.setChecked(True)
    mark = pane.measuring.marks.add_region("rectangle")
    save(pane, tmp_path / "a.profiles.csv")
    save(pane, tmp_path / "a.regions.csv")
    with (tmp_path / "a.profiles.csv").open() as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    assert np.array_equal(values, ramp[30])
    with (tmp_path / "a.regions.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["mean"]) == mark.trend.means()[0]


def test_how_it_went_is_said(
    pane: Any, make_picture: Any, ramp: Any, tmp_path: Path, qt_app: Any
) -> None:
    said: list[str] = []
    pane.said.connect(said.append)
    with pytest.raises(InputError, match="no picture yet"):
        pane.saving.save(tmp_path / "a.png")
    pane.show_picture(make_picture(ramp))
    with pytest.raises(InputError, match=r"a\.jpg: expected a name"):
        pane.saving.save(tmp_path / "a.jpg")
    save(pane, tmp_path / "nowhere" / "a.tif")
    save(pane, tmp_path / "nowhere" / "a.png")
    save(pane, tmp_path / "a.png")
    qt_app.processEvents()
    assert said[0].startswith("cannot write")
    assert said[1].startswith("cannot write")
    assert said[2] == f"saved {tmp_path / 'a.png'}"


def test_the_clipboard_gets_picture_and_python(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    picture = make_picture(ramp, facts=FACTS)
    pane.show_picture(picture)
    clipboard = QApplication.clipboard()
    pane.actions_by_name["copy"].trigger()
    assert clipboard.image().width() == pane.canvas.width()
    pane.set_source("http://127.0.0.1:8000/api/v1")
    pane.saving.copy_python()
    assert "'recon/result/live/slice_xy'" in clipboard.text()
    assert pane.saving.file_name(".png") == f"1234-slice_xy-{picture.number:04d}.png"
