"""Which data key is the image, and which the rotation or the position."""

import threading
from typing import Any

import numpy as np
import pytest

from daiss_bluesky.core.scan import Scan
from daiss_callbacks.axis_track import AxisTrack
from daiss_callbacks.run_axes import run_axes
from daiss_callbacks.stream_view import StreamView

KEYS: dict[str, dict[str, Any]] = {
    "spectrum": {"dtype": "array", "shape": [4096], "external": "STREAM:"},
    "monitor_image": {"dtype": "array", "shape": [1, 64, 64], "external": "STREAM:"},
    "camera": {"dtype": "array", "shape": [3, 512, 256], "external": "STREAM:"},
    "rotation": {"dtype": "number", "shape": [], "units": "mrad"},
    "rotation_setpoint": {"dtype": "number", "shape": []},
}


def view(
    name: str = "primary",
    keys: dict[str, dict[str, Any]] = KEYS,
    start: dict[str, Any] | None = None,
    **record: Any,
) -> StreamView:
    start = {"uid": "run", "motors": ["rotation"]} | (start or {})
    if record:
        start["tomography"] = {"rotation_key": "rotation"} | record
    scan = Scan.from_start(start)
    descriptor = {"uid": "d", "name": name, "data_keys": keys, "time": 5.0}
    return StreamView.from_descriptor(descriptor, scan, run_axes(scan, start).axes)


def test_the_largest_image_is_the_cameras() -> None:
    found = view()
    assert (found.image_key, found.frames_per_event) == ("camera", 3)
    assert found.axes[0].readback_key == "rotation"
    assert found.axes[0].factor == 1e-3


def test_the_record_names_the_image() -> None:
    assert view(image_key="monitor_image").image_key == "monitor_image"
    assert view(image_key="absent").image_key is None


def test_a_stream_without_images_has_none() -> None:
    keys = {key: KEYS[key] for key in ("spectrum", "rotation")}
    assert view(keys=keys).image_key is None


def test_a_rotation_in_a_file_is_not_in_the_events() -> None:
    keys = KEYS | {"rotation": {"shape": [3], "external": "STREAM:", "units": "deg"}}
    [axis] = view(keys=keys).axes
    assert axis.readback_key is None
    assert (axis.dataset_key, axis.values_per_event) == ("rotation", 3)
    assert axis.factor == pytest.approx(np.pi / 180)


def test_only_a_monitored_rotation_is_interpolated() -> None:
    keys = {"rotation": KEYS["rotation"]}
    assert view("rotation_monitor", keys).followed
    assert not view("baseline", keys).followed
    assert not view("primary", keys).followed
    assert not view("temperature", {"t": {"shape": []}}).followed


def test_the_first_dimension_is_the_rotation_where_nothing_else_says() -> None:
    dimensions = {"dimensions": [(["theta"], "primary"), (["x"], "primary")]}
    keys = KEYS | {"theta": {"shape": []}}
    start = {"motors": ["x", "theta"], "hints": dimensions}
    assert view(keys=keys, start=start).axes[0].readback_key == "theta"


def test_a_track_that_will_not_go_on_holds_its_last_reading() -> None:
    track = AxisTrack("rotation")
    assert track.values_at([1.0], 0.0) is None
    track.add("m", 1, 0.0, 0.0)
    track.add("m", 3, 4.0, 2.0)
    track.add("m", 2, 2.0, 1.0)
    track.add("m", 2, 2.0, 9.0)
    assert len(track) == 3
    found: list[Any] = []
    asking = threading.Thread(
        target=lambda: found.append(track.values_at([1.0, 3.0, 10.0], 60.0))
    )
    asking.start()
    track.complete()
    asking.join(60.0)
    np.testing.assert_allclose(found[0], [0.5, 1.5, 2.0])
