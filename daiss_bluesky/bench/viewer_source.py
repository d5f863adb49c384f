"""Serves test pictures in a process of its own, for `bench.viewer`.

    python -m daiss_bluesky.bench.viewer_source pva PREFIX SIZE FPS SECONDS
    python -m daiss_bluesky.bench.viewer_source tiled URI RESULTS_DIR SIZE FPS SECONDS

Says "ready", waits for a line, and says after it when each update was published: JSON,
Unix seconds by number. The Tiled key is in TILED_API_KEY.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.reconstruction import Progress
from daiss_bluesky.core.results import Result, Update
from daiss_bluesky.core.scan import Scan

RESULT_UID = "test-pictures"
VIEWS = ("slice_xy", "slice_xz", "slice_yz")
DIFFERENT = 4
"""Frames that are shown in turn: making one takes longer than showing it."""

Publish = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How large, how often, how long."""

    size: int
    fps: float
    seconds: float

    def ticks(self) -> Iterator[int]:
        """Give update numbers from 1 on when each is due."""
        began_s = time.monotonic()
        for number in range(1, int(self.fps * self.seconds) + 1):
            due_s = began_s + (number - 1) / self.fps
            time.sleep(max(0.0, due_s - time.monotonic()))
            yield number


def test_frames(size: int) -> list[NDArray[np.uint16]]:
    """Make frames with noise, so that nothing about them is easy."""
    rng = np.random.default_rng(0)
    frames = rng.integers(1000, 5000, (DIFFERENT, size, size), np.uint16)
    return list(frames)


def serve_pva(prefix: str, pace: Pace) -> None:
    """Serve uint16 frames as slice_xy over PV Access."""
    from p4p.server import Server, StaticProvider  # noqa: PLC0415
    from p4p.server.thread import SharedPV  # noqa: PLC0415

    from daiss_bluesky.publishers.nt_image import nt_image  # noqa: PLC0415
    from daiss_bluesky.publishers.pv_names import pv_name  # noqa: PLC0415

    frames, uid = test_frames(pace.size), {"result_uid": RESULT_UID}

    def value(number: int) -> object:
        now_s = time.time()
        return nt_image(
            frames[number % DIFFERENT],
            unique_id=number,
            time_s=now_s,
            data_time_s=now_s,
            attributes=uid | {"update": number},
        )

    pv, provider = SharedPV(initial=value(0)), StaticProvider("test-pictures")
    provider.add(prefix + pv_name("slice_xy"), pv)
    with Server(providers=[provider]):
        _publish(lambda number: pv.post(value(number)), pace)
        sys.stdin.readline()


def serve_tiled(uri: str, results_dir: Path, pace: Pace) -> None:
    """Publish three float32 views to Tiled, as the reconstructor does."""
    from daiss_bluesky.publishers.pacing import PacedPublisher  # noqa: PLC0415
    from daiss_bluesky.publishers.tiled import TiledPublisher  # noqa: PLC0415
    from daiss_bluesky.publishers.tiled_http import TiledHttp  # noqa: PLC0415

    frames = [frame.astype(np.float32) for frame in test_frames(pace.size)]
    http = TiledHttp(uri, os.environ["TILED_API_KEY"])
    paced = PacedPublisher(TiledPublisher(http, results_dir))
    paced.open(_result(pace.size))

    def publish(number: int) -> None:
        pixels = frames[number % DIFFERENT].copy()
        pixels[0, 0] = number
        progress = Progress(frames_received=number, frames_used=number)
        paced.write(Update(number, time.time(), progress, dict.fromkeys(VIEWS, pixels)))

    _publish(publish, pace)
    sys.stdin.readline()
    paced.stop()
    http.close()


def _result(size: int) -> Result:
    return Result(
        uid=RESULT_UID,
        scan=Scan(run_uid="test-run", sample="test pictures"),
        algorithm="none",
        parameters={},
        frame_shape=(size, size),
        versions={},
        device="CPU",
        memory_bytes=0,
        started_s=time.time(),
        view_shapes=dict.fromkeys(VIEWS, (size, size)),
    )


def _publish(publish: Publish, pace: Pace) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    published_s = {}
    for number in pace.ticks():
        published_s[number] = time.time()
        publish(number)
    sys.stdout.write(json.dumps(published_s) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve what the arguments say."""
    kind, place = sys.argv[1:3]
    size, fps, seconds = sys.argv[-3:]
    pace = Pace(int(size), float(fps), float(seconds))
    if kind == "pva":
        serve_pva(place, pace)
    else:
        serve_tiled(place, Path(sys.argv[3]), pace)


if __name__ == "__main__":
    main()
