"""A viewer without a window in a process of its own: `python viewer_process.py URI`.

Takes pictures as a window does and says what it saw, one JSON object a line. The key
is in TILED_API_KEY.
"""

import json
import os
import sys
import time

import psutil

from daiss_bluesky.viewers.sources import stream

# Before others take the value over: a test stops this process for a few seconds only.
stream.REPLAY_LIMIT_S = 1.0

from daiss_bluesky.viewers.model.model import ViewModel  # noqa: E402

HISTORY_BYTES = 4 * 2**20


def main() -> None:
    key = os.environ["TILED_API_KEY"]
    model = ViewModel(sys.argv[1], key, history_bytes=HISTORY_BYTES)
    process = psutil.Process()
    while True:
        pictures = model.mailbox.take()
        if pictures:
            said = {
                "values": {k: float(one.pixels[1, 1]) for k, one in pictures.items()},
                "resident": process.memory_info().rss,
                "held": model.history.held_bytes,
                "time": time.time(),
            }
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
