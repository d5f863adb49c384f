"""Ports for servers are free, different, and not lent to anybody else."""

import socket

from daiss_bluesky.services.epics_environment import LOOPBACK, free_ports


def test_they_are_free_and_different() -> None:
    ports = free_ports(40)
    assert len(set(ports)) == 40
    for port in ports:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((LOOPBACK, port))
            udp.bind((LOOPBACK, port))


def test_no_outgoing_connection_gets_one() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        lent = server.getsockname()[1]
    assert max(free_ports(40)) < lent
