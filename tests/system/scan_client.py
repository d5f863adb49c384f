"""A client of a twin in a process of its own: runs one scan, tells how it went."""

import json
import os
import signal
import sys
import time
from typing import Any

import ophyd
from bluesky import RunEngine
from ophyd.signal import EpicsSignalBase

from daiss_bluesky.cli.session import READ_TIMEOUT_S
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.resources import resource
from daiss_bluesky.plans import tomography
from daiss_devices.station import load_station


def main() -> None:
    prefix, data_root, plan, arguments, victim = sys.argv[1:]
    ophyd.set_cl("pyepics")
    EpicsSignalBase.set_defaults(timeout=READ_TIMEOUT_S)
    station = load_station(
        resource("profiles/twin.yml"), prefix=prefix, data_root=data_root
    )
    missing = station.missing(20.0 if victim != "absent" else 1.0)
    documents: list[tuple[str, Any]] = []
    engine = RunEngine(context_managers=[])
    engine.subscribe(lambda name, doc: documents.append((str(name), doc)))

    def kill_the_ioc(name: str, _doc: Any) -> None:
        if name in {"event", "stream_datum"} and len(documents) > 15:
            os.kill(int(victim), signal.SIGKILL)

    if victim.isdigit():
        engine.subscribe(kill_the_ioc)
    error, begun_s = "", time.monotonic()
    try:
        engine(getattr(tomography, plan)(station, **json.loads(arguments)))
    except DaissError as refusal:
        error = str(refusal)
    stop = documents[-1][1] if documents else {}
    answer = {
        "error": error,
        "missing": [one.pv for one in missing],
        "exit_status": stop.get("exit_status"),
        "reason": stop.get("reason"),
        "num_events": stop.get("num_events"),
        "took_s": time.monotonic() - begun_s,
        "shutter": station.shutter.position if station.shutter.connected else None,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
