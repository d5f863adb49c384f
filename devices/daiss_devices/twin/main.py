"""`daiss twin`: parse, take ports and prefix, serve until told to end."""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from daiss_bluesky.core.errors import DaissError, InputError
from daiss_bluesky.services.epics_environment import (
    LOOPBACK,
    EpicsPorts,
    twin_environment,
)
from daiss_devices.twin.settings import TwinSettings, parse

if TYPE_CHECKING:
    from daiss_devices.twin.twin import Twin

REFUSED = 2
LAST_PORT = 65535


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
    """Complete the environment with free ports where it names none; gives it whole."""
    # caproto waits this long for more monitors to send; 10 ms is its default.
    os.environ.setdefault("CAPROTO_SERVER_HIGH_LOAD_TIMEOUT_SEC", "0.001")
    complete = twin_environment(EpicsPorts.free())
    named = os.environ.get("EPICS_CAS_SERVER_PORT")
    if named is None:
        # What the shell has may belong to another beamline's clients.
        os.environ.update(complete)
        for name, value in complete.items():
            if not name.startswith(("EPICS_CAS", "EPICS_PVAS")):
                print(f"export {name}='{value}'", file=sys.stderr)  # noqa: T201
    else:
        # caproto's server listens on the clients' variable.
        os.environ["EPICS_CA_SERVER_PORT"] = named
        for name, value in complete.items():
            os.environ.setdefault(name, value)
    _check_ports()
    names = [n for n in complete if not n.startswith(("EPICS_CAS", "EPICS_PVAS"))]
    return {name: os.environ[name] for name in names}


def _check_ports() -> None:
    for name in ("CAS_SERVER", "PVAS_SERVER", "PVAS_BROADCAST"):
        value = os.environ[f"EPICS_{name}_PORT"]
        if not value.isdigit() or not 0 < int(value) <= LAST_PORT:
            raise InputError(f"EPICS_{name}_PORT must be a port, not {value!r}")


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
        **twin.scene.facts,
        "data_root": str(s.data_root),
    }


def _announce(settings: TwinSettings, facts: dict[str, Any]) -> None:
    from daiss_bluesky.services.state import write_json  # noqa: PLC0415

    if settings.state_file is not None:
        write_json(settings.state_file, facts)
    print(json.dumps(facts), flush=True)  # noqa: T201 - whoever started it reads this
