"""The EPICS environment of one isolated beamline on loopback.

Must be in the environment before epics, caproto, p4p or aioca are imported. Two PVA
servers on one host share no search port: of two that do, only one hears a client.
"""

import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields

LOOPBACK = "127.0.0.1"


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
    """Find n ports free for TCP and UDP on loopback."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < n:
            tcp = stack.enter_context(socket.socket())
            tcp.bind((LOOPBACK, 0))
            port = tcp.getsockname()[1]
            udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            try:
                udp.bind((LOOPBACK, port))
            except OSError:
                continue
            found.append(port)
    return found


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
