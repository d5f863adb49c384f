"""The EPICS environment of one isolated beamline on loopback.

Must be in the environment before epics, caproto, p4p or aioca are imported. Two PVA
servers on one host share no search port: of two that do, only one hears a client.
"""

import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import SystemRandom

LOOPBACK = "127.0.0.1"

_FIRST_PORT, _ENOUGH_PORTS, _USUAL_LENT_PORT = 15_000, 1000, 32_768
_LENT_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


@dataclass(frozen=True, slots=True)
class EpicsPorts:
    """Ports of the twin's Channel Access and PVA servers and of the results' one."""

    ca: int
    ca_repeater: int
    pva: int
    pva_search: int
    results_pva: int
    results_pva_search: int

    @classmethod
    def free(cls) -> "EpicsPorts":
        """Take ports that nobody uses now, for TCP and UDP alike."""
        return cls(*free_ports(len(fields(cls))))

    def as_dict(self) -> dict[str, int]:
        """Give the ports by name, for the state file."""
        return asdict(self)


def free_ports(n: int) -> list[int]:
    """Find n ports free for TCP and UDP on loopback, at random.

    Not among those the system lends to outgoing connections: one of these would take
    a port between the time it is found and the time its server binds it.
    """
    found: list[int] = []
    choice = SystemRandom()
    with ExitStack() as stack:
        while len(found) < n:
            port = choice.randrange(_FIRST_PORT, _first_lent_port())
            tcp = stack.enter_context(socket.socket())
            udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            try:
                tcp.bind((LOOPBACK, port))
                udp.bind((LOOPBACK, port))
            except OSError:
                continue
            found.append(port)
    return found


def _first_lent_port() -> int:
    """Tell where the system's own ports begin; Linux says, others begin higher."""
    try:
        low = int(_LENT_PORTS.read_text(encoding="ascii").split()[0])
    except OSError:
        return _USUAL_LENT_PORT
    return low if low > _FIRST_PORT + _ENOUGH_PORTS else _USUAL_LENT_PORT


def client_environment(ports: EpicsPorts) -> dict[str, str]:
    """Variables for a process that talks to the twin and reads the results."""
    searches = f"{LOOPBACK}:{ports.pva_search} {LOOPBACK}:{ports.results_pva_search}"
    return {
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": LOOPBACK,
        "EPICS_CA_SERVER_PORT": str(ports.ca),
        "EPICS_CA_REPEATER_PORT": str(ports.ca_repeater),
        "EPICS_CA_MAX_ARRAY_BYTES": "40000000",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_ADDR_LIST": searches,
    }


def twin_environment(ports: EpicsPorts) -> dict[str, str]:
    """Variables for the twin's own process."""
    return client_environment(ports) | {
        "EPICS_CAS_SERVER_PORT": str(ports.ca),
        "EPICS_CAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_CAS_BEACON_ADDR_LIST": "",
        **_pva_server(ports.pva, ports.pva_search),
    }


def results_environment(ports: EpicsPorts) -> dict[str, str]:
    """Variables for the process that serves results over PVA."""
    server = _pva_server(ports.results_pva, ports.results_pva_search)
    return client_environment(ports) | server


def _pva_server(port: int, search_port: int) -> dict[str, str]:
    return {
        "EPICS_PVAS_INTF_ADDR_LIST": LOOPBACK,
        "EPICS_PVAS_SERVER_PORT": str(port),
        "EPICS_PVAS_BROADCAST_PORT": str(search_port),
        "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_BEACON_ADDR_LIST": LOOPBACK,
    }
