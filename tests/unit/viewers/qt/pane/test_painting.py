"""Difference, blinking, saturation, and what the keys choose."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPointF

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.colormaps import MISSING, SATURATED, table
from daiss_bluesky.viewers.model.contrast import Levels
from daiss_bluesky.viewers.model.look import Look
from daiss_bluesky.viewers.qt.pane.keys import KEYS, overview


def color_at(pane: Any, row: float, column: float) -> tuple[int, int, int]:
    view, canvas = pane.canvas.view, pane.canvas
    pane.canvas.crosshair.set_visible(False)
    place = view.mapViewToScene(QPointF(column, row))
    color = canvas.grab().toImage().pixelColor(place.toPoint())
    return color.red(), color.green(), color.blue()


def test_a_picture_is_painted_with_its_map_at_its_place(
    pane: Any, make_picture: Any
) -> None:
    pixels: Any = np.zeros((20, 30), np.uint16)
    pixels[12, 25] = 100
    pixels[14, 5] = 50
    pane.show_picture(make_picture(pixels))
    pane.set_look(Look("viridis", locked=Levels(0, 100)))
    assert color_at(pane, 12.5, 25.5) == tuple(table("viridis")[-1])
    assert color_at(pane, 5.5, 14.5) == tuple(table("viridis")[0])
    middle = np.array(color_at(pane, 14.5, 5.5)) - table("viridis")[128].astype(int)
    assert np.abs(middle).max() < 4


def test_what_is_missing_has_its_own_color(pane: Any, make_picture: Any) -> None:
    pixels: Any = np.ones((20, 20), np.float32)
    pixels[10:] = np.nan
    pane.show_picture(make_picture(pixels))
    assert color_at(pane, 12.5, 15.5) == MISSING
    assert color_at(pane, 8.5, 15.5) != MISSING


def test_saturated_elements_are_marked_and_counted(
    pane: Any, make_picture: Any
) -> None:
    pixels: Any = np.zeros((20, 20), np.uint16)
    pixels[10:13, 10:13] = 65535
    pane.show_picture(make_picture(pixels))
    pane.actions_by_name["saturation"].trigger()
    assert color_at(pane, 11.5, 11.5) == SATURATED
    assert pane.painting.notes() == ("9 px at 65535 or more",)
    pane.actions_by_name["saturation"].trigger()
    assert color_at(pane, 11.5, 11.5) != SATURATED


def test_the_difference_is_with_the_kept_picture(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    first = make_picture(ramp)
    pane.show_picture(first)
    pane.lock_levels(Levels(5, 50))
    pane.actions_by_name["reference"].trigger()
    pane.show_picture(make_picture(ramp + 2))
    pane.actions_by_name["difference"].trigger()
    assert np.allclose(pane.canvas.image.image, 2, atol=1e-4)
    assert pane.levels.low == -pane.levels.high
    assert f"minus update {first.number}" in pane.painting.notes()
    shown = pane.canvas.image.image
    assert pane.readout.text().endswith(f" · Δ {shown[30, 40]!s}")
    pane.actions_by_name["difference"].trigger()
    assert np.array_equal(pane.canvas.image.image, ramp + 2)
    assert pane.levels == Levels(5, 50)


def test_a_reference_of_another_size_is_said_not_shown(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.set_reference(make_picture(ramp[:10, :10]))
    pane.show_difference(True)
    assert np.array_equal(pane.canvas.image.image, ramp)
    assert "has another size" in pane.painting.notes()[0]
    assert pane.look.colormap == "gray"
    pane.show_picture(make_picture(ramp[:10, :10] + 1))
    assert pane.look.colormap == "difference"
    assert np.allclose(pane.canvas.image.image, 1, atol=1e-4)
    pane.show_picture(make_picture(ramp))
    pane.lock_levels(Levels(0, 0.1))
    assert color_at(pane, 50, 50) == (255, 255, 255)


def test_blinking_shows_both_with_the_same_levels(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.set_reference(make_picture(ramp * 9))
    levels = pane.levels
    pane.actions_by_name["blink"].trigger()
    assert pane.painting.blinking
    pane.painting._turn()
    assert np.array_equal(pane.canvas.image.image, ramp * 9)
    assert pane.levels == levels
    pane.painting._turn()
    assert np.array_equal(pane.canvas.image.image, ramp)
    pane.set_reference(None)
    assert not pane.painting.blinking


def test_complex_pictures_are_painted_by_phase(pane: Any, make_picture: Any) -> None:
    pixels: Any = np.full((20, 20), 1.0 + 0j)
    pixels[:, 10:] = -1.0
    pane.show_picture(make_picture(pixels, "probe"))
    pane.lock_levels(Levels(0, 1))
    assert color_at(pane, 9.5, 4.5) == (255, 0, 0)
    assert color_at(pane, 9.5, 14.5) == (0, 255, 255)


def test_keys_choose_the_look(pane: Any, make_picture: Any, ramp: Any) -> None:
    pane.show_picture(make_picture(ramp))
    press = pane.actions_by_name
    press["invert"].trigger()
    press["next_scale"].trigger()
    assert (pane.look.colormap, pane.look.scale) == ("gray_inverted", "log")
    press["lock"].trigger()
    assert pane.look.locked == pane.levels
    press["lock"].trigger()
    assert pane.look.locked is None
    press["visible"].trigger()
    assert pane.look.contrast.visible_only
    press["histogram"].trigger()
    assert not pane.levels_bar.isVisible()
    press["crosshair"].trigger()
    assert not pane.canvas.crosshair.visible


def test_every_key_does_something_and_is_told(pane: Any) -> None:
    assert set(pane.actions_by_name) == {key.action for key in KEYS}
    told = overview()
    for key in KEYS:
        assert told[key.key] == key.says
        action = pane.actions_by_name[key.action]
        assert action.shortcut().toString() == key.key
        assert key.says in action.toolTip()


def test_dragged_levels_stay_until_they_are_freed(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.levels_bar.dragged.emit(1.0, 9.0)
    pane.show_picture(make_picture(ramp * 5))
    assert pane.levels == Levels(1, 9)
    assert pane.look.locked == Levels(1, 9)
    pane.levels_bar.freed.emit()
    assert pane.levels != Levels(1, 9)


def test_an_unknown_map_changes_nothing(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    with pytest.raises(InputError, match="jet"):
        pane.set_look(Look("jet"))
    assert pane.look.colormap == "gray"
