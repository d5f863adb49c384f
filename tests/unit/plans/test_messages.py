"""What the plans tell the hardware, and in which order."""

from typing import Any

import numpy as np
import pytest
from bluesky.simulators import RunEngineSimulator
from bluesky.utils import Msg

from daiss_bluesky.core.geometry import projection_angles_deg
from daiss_bluesky.core.scan import START_KEY, Scan
from daiss_bluesky.plans.tomography import tomo_fly, tomo_scan
from tests.unit.plans.fake_station import FakeStation


def simulate(plan: Any) -> list[Msg]:
    simulator = RunEngineSimulator()
    simulator.add_handler("wait", lambda _: True)  # what is waited for is done at once
    messages: list[Msg] = simulator.simulate_plan(plan)
    return messages


def frames_with_surroundings(
    messages: list[Msg], station: FakeStation
) -> list[tuple[str, Any, Any, Any]]:
    """Stream, shutter, x and frame type at each frame."""
    state: dict[str, Any] = {"sample_x": 1.5}
    taken = []
    for message in messages:
        if message.command == "set":
            state[message.obj.name] = message.args[0]
        if message.command == "create":
            taken.append(
                (
                    message.kwargs["name"],
                    state["shutter"],
                    state["sample_x"],
                    state["camera_frame_type"],
                )
            )
    return taken


def test_frames_are_taken_with_shutter_sample_and_label_as_their_stream_says() -> None:
    station = FakeStation()
    plan = tomo_scan(station, 4, exposure_s=0.01, darks=2, flats=3, flats_after=1)
    taken = frames_with_surroundings(simulate(plan), station)
    assert taken == [
        *[("dark", "closed", 1.5, "Background")] * 2,
        *[("flat", "open", 10.0, "FlatField")] * 3,
        *[("pair", "open", 1.5, "DblCorrelation")] * 2,
        *[("primary", "open", 1.5, "Normal")] * 4,
        ("flat", "open", 10.0, "FlatField"),
    ]


@pytest.mark.parametrize("order", ["sequential", "interlaced", "golden"])
def test_rotation_visits_the_angles_in_the_order_asked_for(order: Any) -> None:
    station = FakeStation()
    messages = simulate(tomo_scan(station, 9, exposure_s=0.01, order=order, pair=False))
    turned = [
        m.args[0] for m in messages if m.command == "set" and m.obj is station.rotation
    ]
    np.testing.assert_allclose(turned, projection_angles_deg(9, order=order))


def test_start_document_is_read_back_as_the_scan_that_was_asked_for() -> None:
    station = FakeStation()
    messages = simulate(
        tomo_scan(
            station,
            8,
            exposure_s=0.02,
            sample="chalk",
            flats=4,
            flats_after=2,
            md={"proposal": "p-1"},
        )
    )
    start = next(m for m in messages if m.command == "open_run").kwargs
    scan = Scan.from_start(start | {"uid": "u"})
    assert scan.sample == "chalk"
    assert scan.proposal == "p-1"
    assert scan.pixel_size_um == station.pixel_size_um
    assert scan.counts == {"projection": 8, "flat": 6, "dark": 10, "pair": 2}
    assert scan.rotation_key == "rotation"
    assert scan.image_key == "camera_image"
    assert start["plan_name"] == "tomo_scan"
    assert start[START_KEY]["exposure_s"] == pytest.approx(0.02)


def test_flying_cannot_be_paused_in_the_middle() -> None:
    station = FakeStation()
    messages = simulate(tomo_fly(station, 720, exposure_s=0.05))
    commands = [m.command for m in messages]
    kickoff = commands.index("kickoff")
    before = [c for c in commands[:kickoff] if "checkpoint" in c]
    assert before[-1] == "clear_checkpoint"
    assert "checkpoint" in commands[commands.index("collect") :]


def test_fly_expects_the_frames_it_asks_for() -> None:
    station = FakeStation()
    messages = simulate(tomo_fly(station, 720, exposure_s=0.05))
    start = next(m for m in messages if m.command == "open_run").kwargs
    timing = next(m for m in messages if m.command == "prepare").args[0]
    assert start[START_KEY]["counts"]["projection"] == timing.n_frames
    assert timing.angles_deg[0] < 0
    assert timing.angles_deg[-1] > 180


def test_every_scan_ends_with_everything_put_back() -> None:
    station = FakeStation()
    messages = simulate(tomo_scan(station, 4, exposure_s=0.01))
    ends = messages[-1 - [m.command for m in messages][::-1].index("stop") :]
    assert any(m.obj is station.shutter and m.args == ("closed",) for m in ends)
    assert any(
        m.obj is station.rotation.velocity and m.command == "set" for m in messages
    )
