"""Pictures of slices."""

from pathlib import Path

import numpy as np
from PIL import Image

from daiss_bluesky.cli.picture import save_picture, to_blocks, to_gray


def test_gray_goes_from_black_to_white() -> None:
    gray = to_gray(np.linspace(-3, 5, 1000, dtype=np.float32).reshape(20, 50))
    assert gray.dtype == np.uint8
    assert (gray.min(), gray.max()) == (0, 255)
    assert np.all(np.diff(gray.ravel().astype(int)) >= 0)


def test_one_hot_pixel_does_not_make_the_rest_black() -> None:
    picture = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (100, 1))
    picture[50, 50] = 1e6
    assert 100 < np.median(to_gray(picture)) < 155


def test_a_flat_picture_is_black() -> None:
    assert not to_gray(np.full((8, 8), 7, np.float32)).any()


def test_panels_lie_side_by_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    panels = {
        "a": rng.random((64, 64), dtype=np.float32),
        "b": rng.random((32, 64), dtype=np.float32),
    }
    path = tmp_path / "sheet.png"
    save_picture(path, panels, "two panels")
    with Image.open(path) as sheet:
        assert sheet.width > 2 * 64 * 6
        assert sheet.height > 64 * 6
        assert np.asarray(sheet).std() > 10


def test_a_coarse_panel_is_as_tall_as_the_others(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    checked = np.indices((20, 15)).sum(axis=0).astype(np.float32) % 2
    panels = {
        "map": checked,
        "object": np.ones((128, 128), np.float32),
        "line": np.ones((4, 64), np.float32),
    }
    save_picture(path, panels, "three panels")
    height = 384
    # The map, the object, and a line that would be too wide; gaps between and around.
    assert _size(path)[0] == 15 / 20 * height + height + 2 * height + 4 * 12
    with Image.open(path) as sheet:
        shown = np.asarray(sheet)[22 : 22 + height, 12 : 12 + 288]
    # Its pixels are squares of black and white, nothing between.
    assert set(np.unique(shown)) == {0, 255}
    assert shown[5, 5] != shown[5, 25]


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as sheet:
        return sheet.size


def test_blocks_are_two_pixels_a_character() -> None:
    text = to_blocks(np.eye(32, dtype=np.float32), columns=16)
    lines = text.plain.splitlines()
    assert lines == ["▀" * 16] * 8
    styles = {str(span.style) for span in text.spans}
    assert "rgb(0,0,0) on rgb(0,0,0)" in styles
