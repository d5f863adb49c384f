"""Lines, regions and pins on a picture, and what the panel says of them."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QRectF, Qt

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.profile import Line
from daiss_bluesky.viewers.model.regions import SHAPES, Region, statistics
from daiss_bluesky.viewers.qt.pane.region_panel import COLUMNS


def cell(pane: Any, row: int, name: str) -> str:
    return str(pane.measuring.regions.table.item(row, COLUMNS.index(name)).text())


def test_marks_survive_fifty_updates(pane: Any, make_picture: Any, ramp: Any) -> None:
    pane.show_picture(make_picture(ramp))
    pane.canvas.view.show_rect(QRectF(5, 5, 40, 40))
    marks = pane.measuring.marks
    for shape in SHAPES:
        marks.add_region(shape)
    marks.add_line(Line(3, 4, 20, 30))
    marks.add_pin(7.5, 8.5)
    before = marks.to_dict()
    for n in range(50):
        pane.show_picture(make_picture(ramp + n))
    assert marks.to_dict() == before
    assert all(len(mark.trend.rows()) == 51 for mark in marks.regions)


def test_the_panel_shows_while_there_is_something_to_tell(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    assert not pane.measuring.isVisible()
    pane.measuring.marks.add_region("ellipse")
    assert pane.measuring.isVisible()
    pane.measuring.clear()
    assert not pane.measuring.isVisible()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_table_says_what_is_in_a_region(
    pane: Any, make_picture: Any, ramp: Any, shape: str
) -> None:
    pane.show_picture(make_picture(ramp))
    mark = pane.measuring.marks.add_region(shape)
    found = statistics(ramp, mark.region())
    assert cell(pane, 0, "mean") == f"{found.mean:.6g}"
    assert cell(pane, 0, "px") == str(found.count)
    pane.show_picture(make_picture(ramp * 2))
    assert cell(pane, 0, "sum") == f"{2 * found.total:.6g}"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_region_is_placed_by_numbers(
    pane: Any, make_picture: Any, ramp: Any, shape: str
) -> None:
    pane.show_picture(make_picture(ramp))
    mark = pane.measuring.marks.add_region(shape)
    table = pane.measuring.regions.table
    table.item(0, COLUMNS.index("top")).setText("3")
    table.item(0, COLUMNS.index("width")).setText("12.5")
    assert mark.region().top == pytest.approx(3)
    assert mark.region().width == pytest.approx(12.5)
    table.item(0, COLUMNS.index("height")).setText("nonsense")
    assert float(cell(pane, 0, "height")) == pytest.approx(
        mark.region().height, abs=0.01
    )


def test_there_are_four_regions_at_most(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    marks = pane.measuring.marks
    first, *_ = [marks.add_region("rectangle") for _ in range(4)]
    with pytest.raises(InputError, match="fifth region"):
        marks.add_region("ellipse")
    marks.remove_region(first)
    assert [mark.name for mark in marks.regions] == ["B", "C", "D"]
    assert marks.add_region("ellipse").name == "A"


def test_a_locked_region_cannot_be_dragged(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp))
    mark = pane.measuring.marks.add_region("rectangle")
    lock = pane.measuring.regions.table.item(0, COLUMNS.index("lock"))
    lock.setCheckState(Qt.CheckState.Checked)
    assert not mark.item.translatable
    stored = pane.save_layout()
    pane.measuring.clear()
    pane.load_layout(stored)
    assert pane.measuring.marks.regions[0].locked


def test_moving_a_region_starts_its_trend_anew_and_ratios_follow(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp + 1))
    marks, panel = pane.measuring.marks, pane.measuring.regions
    marks.add_region("rectangle", Region("rectangle", 0, 0, 10, 10))
    other = marks.add_region("rectangle", Region("rectangle", 20, 20, 10, 10))
    panel.choice.setCurrentText("B / A")
    for factor in (2, 3):
        pane.show_picture(make_picture((ramp + 1) * factor))
    curve = panel.trend.listDataItems()[0]
    expected = (ramp[20:30, 20:30] + 1).mean() / (ramp[:10, :10] + 1).mean()
    assert np.allclose(curve.yData, [expected] * 3)
    other.item.setPos(30, 30)
    assert len(other.trend.rows()) == 1


def test_profiles_are_elements_and_can_be_frozen(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp, pixel_size_um=0.5))
    panel = pane.measuring.profiles
    pane.set_crosshair(12.5, 30.5)
    pane.actions_by_name["cross_profiles"].trigger()
    row, column = panel.profiles
    assert np.array_equal(row.values, ramp[12].astype(float))
    assert np.array_equal(column.values, ramp[:, 30].astype(float))
    panel.freeze()
    pane.show_picture(make_picture(ramp * 2, pixel_size_um=0.5))
    assert np.array_equal(panel.frozen[0].values, ramp[12].astype(float))
    assert np.array_equal(panel.profiles[0].values, 2.0 * ramp[12])
    pane.canvas.view.clicked.emit(20.2, 3.3)
    assert np.array_equal(panel.profiles[0].values, 2.0 * ramp[20])
    assert len(panel.plot.listDataItems()) == 4


def test_a_line_is_a_ruler_and_a_profile(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp, pixel_size_um=0.5))
    mark = pane.measuring.marks.add_line(Line(5.5, 10.5, 5.5, 40.5))
    assert mark.label == "L1 15 µm"
    profile = pane.measuring.profiles.profiles[0]
    assert np.allclose(profile.values, ramp[5, 10:41])
    assert profile.distance()[0][-1] == pytest.approx(15)
    mark.place(Line(8.5, 2.5, 8.5, 6.5))
    assert np.allclose(pane.measuring.profiles.profiles[0].values, ramp[8, 2:7])


def test_a_pin_says_the_newest_value(pane: Any, make_picture: Any, ramp: Any) -> None:
    pane.show_picture(make_picture(ramp))
    pane.set_crosshair(9.2, 11.8)
    pane.actions_by_name["pin"].trigger()
    (pin,) = pane.measuring.marks.pins
    assert pin.text == f"P1  {ramp[9, 11]!s}"
    pane.show_picture(make_picture(ramp * 3))
    assert pin.text == f"P1  {(ramp * 3)[9, 11]!s}"


def test_marks_stay_where_they_were_on_a_finer_picture(
    pane: Any, make_picture: Any, ramp: Any
) -> None:
    pane.show_picture(make_picture(ramp, pixel_size_um=2.0))
    marks = pane.measuring.marks
    region = Region("rectangle", 10, 20, 20, 30)
    marks.add_region("rectangle", region)
    marks.add_region("polygon")
    marks.add_line(Line(1, 2, 3, 4))
    marks.add_pin(5.5, 6.5)
    means = [float(cell(pane, n, "mean")) for n in (0, 1)]
    finer = np.kron(ramp, np.ones((2, 2), np.float32))
    pane.show_picture(make_picture(finer, pixel_size_um=1.0))
    assert marks.regions[0].region() == region.scaled(2, 2)
    assert marks.lines[0].line() == Line(2, 4, 6, 8)
    assert marks.pins[0].point() == (11, 13)
    assert [float(cell(pane, n, "mean")) for n in (0, 1)] == pytest.approx(
        means, rel=2e-2
    )
    assert len(marks.regions[0].trend.rows()) == 2


def test_nothing_piles_up_over_updates(pane: Any, make_picture: Any, ramp: Any) -> None:
    pane.show_picture(make_picture(ramp))
    measuring = pane.measuring
    measuring.marks.add_line(Line(3, 4, 20, 30))
    measuring.marks.add_region("ellipse")
    measuring.toggle_cross_profiles()
    measuring.profiles.freeze()

    def drawn() -> tuple[int, ...]:
        plots = (measuring.profiles.plot, measuring.regions.trend)
        legend = measuring.profiles.plot.plotItem.legend
        scenes = [len(one.scene().items()) for one in (pane.canvas, *plots)]
        return *scenes, len(legend.items)

    pane.show_picture(make_picture(ramp))
    before = drawn()
    for n in range(20):
        pane.show_picture(make_picture(ramp * n))
    assert drawn() == before
    for _ in range(9):
        measuring.profiles.freeze()
    assert len(measuring.profiles.frozen) == 8
