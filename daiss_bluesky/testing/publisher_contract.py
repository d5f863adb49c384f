"""What every publisher must hold to; its test subclasses this and says how to look.

Everything is read the way a user reads it, from outside the publisher.
"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from daiss_bluesky.core.reconstruction import Arrays, Progress
from daiss_bluesky.core.results import Final, Publisher, Result, Update
from daiss_bluesky.core.scan import Scan

VIEWS = ("slice_xy", "slice_xz", "slice_yz", "projection")


def make_result(**scan: Any) -> Result:
    """Make a result with a name of its own."""
    return Result(
        uid=str(uuid4()),
        scan=Scan(**{"run_uid": str(uuid4()), "scan_id": 7, "sample": "grain"} | scan),
        algorithm="fbp",
        parameters={"filter": "ramp"},
        frame_shape=(6, 8),
        versions={"numpy": "2"},
        device="CPU",
        memory_bytes=1000,
        started_s=time.time(),
    )


def make_update(number: int) -> Update:
    """Make an update whose pictures all hold its number, except one corner."""
    progress = Progress(
        frames_expected=20,
        frames_received=2 * number,
        frames_used=number,
        coverage=number / 20,
        newest_time_s=time.time() - 0.5,
        newest_angle_rad=0.1 * number,
        parameters={"center_px": 3.5},
    )
    return Update(number, time.time(), progress, make_views(number))


def make_views(value: float) -> dict[str, NDArray[np.float32]]:
    """Make pictures of 6 rows and 8 columns that show a transposition."""
    picture = np.full((6, 8), value, np.float32)
    picture[0, 1] = -1
    return {name: picture.copy() for name in VIEWS}


def make_final(value: float) -> Final:
    """Make the end of a result, with a small volume."""
    volume = np.arange(4 * 6 * 8, dtype=np.float32).reshape(4, 6, 8)
    return Final(
        status="complete",
        progress=Progress(20, 20, 20, coverage=1.0, parameters={"center_px": 3.25}),
        views=make_views(value),
        arrays={"volume": volume},
        finished_s=time.time(),
    )


class PublisherContract:
    """Tests shared by all publishers."""

    @pytest.fixture
    def publisher(self) -> Publisher:
        """Give the publisher under test."""
        raise NotImplementedError

    def views(self, result: Result) -> Mapping[str, NDArray[Any]]:
        """Read the newest views of a result."""
        raise NotImplementedError

    def status(self, result: Result) -> Mapping[str, Any]:
        """Read status, frames_received, frames_missing and center_px of a result."""
        raise NotImplementedError

    def test_the_newest_views_are_read(self, publisher: Publisher) -> None:
        """Once write returns its views are readable, whatever was there before."""
        result = make_result()
        publisher.open(result)
        for number in (1, 2, 5):
            publisher.write(make_update(number))
            assert_same(self.views(result), make_views(number))

    def test_a_repeated_update_changes_nothing(self, publisher: Publisher) -> None:
        """A restart may give the same update again."""
        result = make_result()
        publisher.open(result)
        update = make_update(1)
        publisher.write(update)
        publisher.write(update)
        assert_same(self.views(result), update.views)

    def test_the_end_is_read(self, publisher: Publisher) -> None:
        """Status, counts and center are those of the end."""
        result = make_result()
        publisher.open(result)
        assert self.status(result)["status"] == "running"
        publisher.write(make_update(1))
        publisher.close(make_final(9))
        assert self.status(result) == {
            "status": "complete",
            "frames_received": 20,
            "frames_missing": 0,
            "center_px": 3.25,
        }
        assert_same(self.views(result), make_views(9))

    def test_an_end_without_pictures_is_an_end(self, publisher: Publisher) -> None:
        """A run that failed early leaves its status."""
        result = make_result()
        publisher.open(result)
        publisher.close(Final("failed", Progress(), message="no flats"))
        assert self.status(result)["status"] == "failed"

    def test_a_result_begun_again_is_begun_again(self, publisher: Publisher) -> None:
        """A restarted reconstruction opens the same result and publishes anew."""
        result = make_result()
        publisher.open(result)
        publisher.write(make_update(4))
        publisher.close(Final("incomplete", Progress(), message="killed"))
        publisher.open(result)
        assert self.status(result)["status"] == "running"
        publisher.write(make_update(1))
        assert_same(self.views(result), make_views(1))


def assert_same(found: Mapping[str, NDArray[Any]], expected: Arrays) -> None:
    """Check names, shapes and pixels of views."""
    assert set(found) == set(expected)
    for name, picture in expected.items():
        np.testing.assert_array_equal(found[name], picture)
