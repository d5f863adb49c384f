"""Statistics of regions against plain indexing."""

import csv
import io
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.viewers.model.regions import (
    Region,
    Statistics,
    Trend,
    polygon,
    ratio,
    region_from_dict,
    statistics,
    to_csv,
)

PIXELS = np.random.default_rng(4).poisson(900, (60, 70)).astype(np.uint16)


def test_a_rectangle_is_a_slice() -> None:
    part = PIXELS[10:30, 5:25]
    found = statistics(PIXELS, Region("rectangle", 10, 5, 20, 20))
    assert found.count == part.size
    assert found.total == part.sum(dtype=float)
    assert found.mean == pytest.approx(part.mean())
    assert found.std == pytest.approx(part.std())


def test_elements_count_by_their_middles() -> None:
    ones = np.ones((20, 20))
    assert statistics(ones, Region("rectangle", 2.6, 2.4, 3, 3)).count == 9
    assert statistics(ones, Region("rectangle", 18, -5, 9, 6)).count == 2


def test_an_ellipse_has_the_area_of_one() -> None:
    found = statistics(np.ones((400, 400)), Region("ellipse", 20, 30, 300, 200))
    assert found.count == pytest.approx(math.pi * 150 * 100, rel=2e-3)


def test_a_polygon_counts_its_inside_only() -> None:
    corners = [(10.0, 10.0), (10.0, 50.3), (50.3, 10.0)]
    rows, columns = np.mgrid[:60, :70] + 0.5
    mask = (rows > 10) & (columns > 10) & (rows + columns < 60.3)
    found = statistics(PIXELS, polygon(corners))
    assert found.count == mask.sum()
    assert found.mean == pytest.approx(PIXELS[mask].mean())


def test_a_polygon_may_be_hollow() -> None:
    horseshoe = [(0, 0), (0, 30), (30, 30), (30, 20), (10, 20), (10, 10), (30, 10)]
    found = statistics(np.ones((40, 40)), polygon([*horseshoe, (30, 0)]))
    assert found.count == 30 * 30 - 20 * 10


def test_holes_and_emptiness() -> None:
    pixels: NDArray[np.float64] = np.ones((10, 10))
    pixels[:5] = np.nan
    assert statistics(pixels, Region("rectangle", 0, 0, 10, 10)).count == 50
    nothing = statistics(pixels, Region("ellipse", 100, 100, 5, 5))
    assert nothing.count == 0
    assert math.isnan(nothing.mean)


def test_a_region_is_stored_moved_and_scaled() -> None:
    region = polygon([(0, 0), (0, 10), (20, 10)])
    assert region_from_dict(region.to_dict()) == region
    moved = region.moved_to(5, 5, 40, 10)
    assert list(moved.corners) == [(5, 5), (5, 15), (45, 15)]
    assert list(region.scaled(2, 2).corners) == [(0, 0), (0, 20), (40, 20)]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (("circle", 0, 0, 1, 1), "unknown region shape 'circle'"),
        (("ellipse", 0, 0, 0, 1), "0 x 1 px"),
        (("polygon", 0, 0, 1, 1), "0 corners"),
    ],
)
def test_senseless_regions_are_refused(
    bad: tuple[str, float, float, float, float], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Region(*bad)


def trend(means: dict[int, float]) -> Trend:
    made = Trend()
    for number, mean in means.items():
        made.add(number, 100.0 + number, Statistics(2, 2 * mean, mean, 0.0))
    return made


def test_a_trend_is_bounded_and_has_no_doubles() -> None:
    made = Trend(most=3)
    for number in (1, 2, 2, 3, 4):
        made.add(number, float(number), Statistics(1, 5.0, float(number), 0.0))
    assert made.means().tolist() == [2, 3, 4]
    assert made.times_s().tolist() == [2, 3, 4]


def test_the_ratio_is_of_the_same_updates() -> None:
    values, numbers = ratio(trend({1: 6, 2: 8, 3: 9}), trend({2: 4, 3: 0, 4: 1}))
    assert numbers == [2, 3]
    assert values[0] == 2
    assert np.isnan(values[1])


def test_trends_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv({"A": trend({1: 6, 2: 0.1})}))))
    assert [(r["region"], r["update"], float(r["mean"])) for r in rows] == [
        ("A", "1", 6.0),
        ("A", "2", 0.1),
    ]
