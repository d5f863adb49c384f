"""What must survive new pictures, and what must follow them."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPointF, QRectF

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.contrast import Contrast, Levels
from daiss_bluesky.viewers.model.look import Look
from daiss_bluesky.viewers.qt.pane.pane import ImagePane


def view_of(pane: Any) -> tuple[float, ...]:
    rect = pane.canvas.view.viewRect()
    return rect.x(), rect.y(), rect.width(), rect.height()


def test_zoom_levels_and_crosshair_survive_fifty_updates(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.canvas.view.show_rect(QRectF(10, 5, 30, 24))
    pane.lock_levels(Levels(3.0, 400.0))
    pane.set_crosshair(12.25, 33.5)
    before = view_of(pane)
    for n in range(50):
        pane.show_picture(make_picture(ramp * (1 + n)))
        pane.grab()
    assert view_of(pane) == before
    assert pane.levels == Levels(3.0, 400.0)
    assert pane.crosshair() == (12.25, 33.5)
    assert pane.canvas.image.levels.tolist() == [3.0, 400.0]


def test_free_levels_follow_every_picture(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    for factor in (1, 5):
        pane.show_picture(make_picture(ramp * factor))
        low, high = np.percentile(ramp * factor, [0.5, 99.5])
        assert pane.levels == Levels(low, high)


def test_levels_of_the_visible_part(pane: Any, make_picture: Any, ramp: Any) -> None:
    pane.show_picture(make_picture(ramp))
    pane.set_look(Look(contrast=Contrast("range", visible_only=True)))
    pane.canvas.view.show_rect(QRectF(20, 10, 40, 20))
    part = pane.canvas.visible_part(ramp)
    assert part.size < ramp.size
    assert pane.levels == Levels(part.min(), part.max())


def test_the_readout_shows_the_element_and_follows_under_a_resting_cursor(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp, pixel_size_um=2.0))
    view = pane.canvas.view
    pane.canvas._hover(view.mapViewToScene(QPointF(41.5, 17.5)))
    assert pane.readout.text() == f"y 17, x 41 · 35.00, 83.00 µm · {ramp[17, 41]!s}"
    pane.show_picture(make_picture(-ramp, pixel_size_um=2.0))
    assert pane.readout.text().endswith(f" {-ramp[17, 41]!s}")


def test_a_finer_picture_stays_where_it_was(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp, pixel_size_um=2.0))
    pane.canvas.view.show_rect(QRectF(20, 10, 40, 20))
    pane.set_crosshair(12, 30)
    before = view_of(pane)
    finer = np.kron(ramp, np.ones((2, 2), np.float32))
    pane.show_picture(make_picture(finer, pixel_size_um=1.0))
    assert view_of(pane) == pytest.approx([2 * side for side in before])
    assert pane.crosshair() == (24, 60)


def test_a_fitted_picture_stays_fitted_at_another_size(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    for pixels in (ramp, ramp[:20, :20], np.kron(ramp, np.ones((3, 3)))):
        pane.show_picture(make_picture(pixels))
        shown = pane.canvas.view.viewRect()
        assert shown.contains(QRectF(0, 0, *pixels.shape[::-1]))
        assert shown.height() == pytest.approx(pixels.shape[0]) or (
            shown.width() == pytest.approx(pixels.shape[1])
        )


def test_only_the_users_moves_are_said(pane: Any, make_picture: Any, ramp: Any) -> None:
    heard = []
    pane.crosshair_moved.connect(lambda row, column: heard.append((row, column)))
    pane.show_picture(make_picture(ramp))
    pane.set_crosshair(1, 2)
    assert heard == []
    pane.canvas.view.clicked.emit(7.5, 9.5)
    assert heard == [(7.5, 9.5)]


def test_the_layout_comes_back(
    pane: Any, make_picture: Any, ramp: Any, qt_app: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.lock_levels(Levels(1.0, 2.0))
    pane.canvas.view.show_rect(QRectF(20, 10, 40, 20))
    other = ImagePane("again")
    other.resize(500, 400)
    other.show()
    qt_app.processEvents()
    other.load_layout(pane.save_layout())
    other.show_picture(make_picture(ramp))
    assert other.look == pane.look
    assert view_of(other) == pytest.approx(view_of(pane))
    other.close()


def test_a_layout_that_is_none_is_refused(pane: Any) -> None:
    with pytest.raises(InputError, match="stored layout of a pane"):
        pane.load_layout({"zoom": ["here"]})


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1)),
        np.full((5, 7), np.nan),
        np.array([[np.nan, np.inf, 1.0]]),
        np.ones((4, 4), bool),
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.full((3, 3), 1 + 2j),
    ],
)
def test_odd_pictures_are_painted(pane: Any, make_picture: Any, pixels: Any) -> None:
    pane.show_picture(make_picture(pixels))
    assert not pane.grab().isNull()
    assert pane.canvas.shape == pixels.shape


def test_what_a_layout_does_not_say_stays(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.measuring.marks.add_pin(3, 4)
    pane.lock_levels(Levels(1, 2))
    pane.load_layout({"histogram": False})
    assert not pane.levels_bar.isVisible()
    assert len(pane.measuring.marks.pins) == 1
    assert pane.levels == Levels(1, 2)
    assert pane.canvas.crosshair.visible


def test_a_pane_that_forgets_waits_for_the_next_result(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    pane.measuring.marks.add_region("rectangle")
    pane.canvas.view.show_rect(QRectF(20, 10, 40, 20))
    pane.actions_by_name["difference"].trigger()
    before = view_of(pane)
    pane.forget()
    assert pane.picture is None
    assert pane.readout.text() == ""
    assert not pane.canvas.crosshair.visible
    assert not pane.grab().isNull()
    pane.show_picture(make_picture(ramp * 2))
    assert view_of(pane) == before
    pane.forget()
    pane.show_picture(make_picture(np.kron(ramp, np.ones((2, 2)))))
    assert view_of(pane) == pytest.approx([2 * side for side in before])
    pane.show_picture(make_picture(ramp * 2))
    assert np.array_equal(pane.canvas.image.image, ramp * 2)
    assert pane.canvas.crosshair.visible
    assert len(pane.measuring.marks.regions[0].trend.rows()) == 2


def test_pixels_are_square_but_for_angles(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    tall = ramp[:, :8]
    pane.show_picture(make_picture(tall))
    canvas = pane.canvas
    _, _, width, height = view_of(pane)
    assert width / height == pytest.approx(canvas.width() / canvas.height(), rel=0.02)
    pane.show_picture(make_picture(tall, "sinogram", rows_along="angle"))
    assert view_of(pane) == pytest.approx((0, 0, 8, 60))
    pane.show_picture(make_picture(tall))
    assert view_of(pane)[2] == pytest.approx(width, rel=0.02)
