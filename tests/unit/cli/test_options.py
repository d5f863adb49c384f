"""What a demo is asked to do, and how the twin hears of it."""

from pathlib import Path

import pytest

from daiss_bluesky.cli.demo.options import DemoOptions
from daiss_bluesky.cli.demo.tomography import TomographyDemo
from daiss_bluesky.core.errors import InputError
from daiss_bluesky.plans.request import plan_angles_deg


def after(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_every_demo_has_its_own_prefix() -> None:
    prefixes = {DemoOptions().prefix for _ in range(20)}
    assert len(prefixes) == 20
    assert all(one.endswith(":") for one in prefixes)


def test_the_twin_simulates_what_is_asked_for() -> None:
    options = DemoOptions(size=96, noise=0, flat_counts=1e4, disk_full_after=7)
    arguments = options.twin_arguments()
    assert after(arguments, "--size") == "96"
    assert after(arguments, "--sample") == "porous-grain"
    assert float(after(arguments, "--noise")) == 0
    assert float(after(arguments, "--flat-counts")) == 1e4
    assert after(arguments, "--disk-full-after") == "7"
    assert options.sample_name() == "porous-grain"


def test_the_twin_replays_a_scan() -> None:
    options = DemoOptions(scan=Path("grain.npz"))
    assert options.sample_name() == "grain"
    arguments = options.twin_arguments()
    assert arguments == ["--scan", str(Path("grain.npz").resolve())]


def test_a_phantom_file_is_named_in_full() -> None:
    options = DemoOptions(sample="balls.json")
    assert options.sample_name() == "balls"
    assert after(options.twin_arguments(), "--sample") == str(
        Path("balls.json").resolve()
    )


@pytest.mark.parametrize("center_px", [float("nan"), float("inf"), 0.0, 128.0, -3.0])
def test_a_center_outside_the_camera_is_refused(center_px: float) -> None:
    with pytest.raises(InputError, match=r"--center-px"):
        TomographyDemo(DemoOptions(center_px=center_px)).check()


def test_a_good_demo_passes() -> None:
    TomographyDemo(DemoOptions(center_px=64.2)).check()
    angles = plan_angles_deg(4, None, start_deg=0, range_deg=180, order="sequential")
    assert list(angles) == [0, 45, 90, 135]


def test_what_makes_no_sense_is_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"unknown order 'zigzag' \(known: golden"):
        DemoOptions(order="zigzag")
    with pytest.raises(InputError, match="--frame-rate 0"):
        DemoOptions(frame_rate_hz=0)
    with pytest.raises(InputError, match="--md 'b': KEY=VALUE"):
        DemoOptions(md=["a=1", "b"])
    assert DemoOptions(md=["a=1", "b=x=y"]).metadata() == {"a": "1", "b": "x=y"}


def test_what_would_be_ignored_is_refused() -> None:
    with pytest.raises(InputError, match="--angles, --sample: not with --ptycho"):
        DemoOptions(ptycho=True, sample="x", angles=3)
    with pytest.raises(InputError, match="--step-um: only with --ptycho"):
        DemoOptions(step_um=0.1)
    with pytest.raises(InputError, match="--size: not with --scan"):
        DemoOptions(scan=Path("grain.npz"), size=64)
