"""`daiss twin`: parse, take ports and prefix, serve until told to end."""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.services.epics_environment import (
    LOOPBACK,
    EpicsPorts,
    client_environment,
    twin_environment,
)
from daiss_devices.twin.settings import TwinSettings, parse

if TYPE_CHECKING:
    from daiss_devices.twin.twin import Twin

REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a twin; 0 when it was told to end, 2 with one sentence when refused."""
    try:
        settings = parse(arguments)
        _run(settings, _choose_ports())
    except DaissError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - it is for the user
        return REFUSED
    return 0


def _choose_ports() -> dict[str, str]:
    """Take free ports unless the environment names some; gives the clients' part."""
    # caproto waits this long for more monitors to send; 10 ms is its default.
    os.environ.setdefault("CAPROTO_SERVER_HIGH_LOAD_TIMEOUT_SEC", "0.001")
    if "EPICS_CAS_SERVER_PORT" in os.environ:
        return {k: v for k, v in os.environ.items() if k.startswith("EPICS_")}
    ports = EpicsPorts.free()
    os.environ.update(twin_environment(ports))
    environment = client_environment(ports)
    for name, value in environment.items():
        print(f"export {name}='{value}'", file=sys.stderr)  # noqa: T201
    return environment


def _run(settings: TwinSettings, environment: dict[str, str]) -> None:
    """Serve; caproto and p4p are imported only now, with the environment in place."""
    import asyncio  # noqa: PLC0415

    from daiss_devices.twin.instance_lock import only_twin, refuse_busy_ports  # noqa: PLC0415
    from daiss_devices.twin.server import ports, serve  # noqa: PLC0415

    with only_twin(settings.prefix):
        mine = ports()
        refuse_busy_ports(LOOPBACK, (mine["ca"], mine["pva"], mine["pva_search"]))

        def ready(twin: "Twin") -> None:
            _announce(settings, _facts(twin, mine, environment))

        asyncio.run(serve(settings, ready))


def _facts(
    twin: "Twin", ports: dict[str, int], environment: dict[str, str]
) -> dict[str, Any]:
    s = twin.settings
    rows, columns = twin.scene.shape
    return {
        "ready": True,
        "pid": os.getpid(),
        "prefix": s.prefix,
        "ports": ports,
        "environment": environment,
        "rows": rows,
        "columns": columns,
        "dtype": twin.scene.dtype.name,
        "sample": str(s.scan) if s.scan else s.sample,
        "center_true_px": twin.scene.center_px,
        "attenuation": twin.scene.attenuation,
        "pixel_size_um": s.pixel_size_um,
        "out_position_mm": twin.scene.out_position_mm,
        "data_root": str(s.data_root),
    }


def _announce(settings: TwinSettings, facts: dict[str, Any]) -> None:
    from daiss_bluesky.services.state import write_json  # noqa: PLC0415

    if settings.state_file is not None:
        write_json(settings.state_file, facts)
    print(json.dumps(facts), flush=True)  # noqa: T201 - whoever started it reads this
