"""Serves a twin over Channel Access and PVA until told to end."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from typing import Any

from caproto.asyncio.server import Context
from p4p.server import Server

from daiss_bluesky.core.errors import UnavailableError
from daiss_devices.twin.database import PutRefused
from daiss_devices.twin.settings import TwinSettings
from daiss_devices.twin.twin import Twin

_PORTS = {
    "ca": "EPICS_CAS_SERVER_PORT",
    "ca_repeater": "EPICS_CA_REPEATER_PORT",
    "pva": "EPICS_PVAS_SERVER_PORT",
    "pva_search": "EPICS_PVAS_BROADCAST_PORT",
}


def ports() -> dict[str, int]:
    """Ports that the environment names."""
    return {name: int(os.environ[variable]) for name, variable in _PORTS.items()}


async def serve(settings: TwinSettings, ready: Any) -> None:
    """Serve; `ready` is called with the twin once clients can connect."""
    _quiet_refusals()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    twin = Twin(settings)
    listening = asyncio.Event()

    async def started(_: Any) -> None:
        listening.set()

    context = Context(twin.database.channels)
    running = [asyncio.create_task(task()) for task in twin.tasks()]
    running.append(asyncio.create_task(context.run(startup_hook=started)))
    provider = {f"{settings.prefix}Pva1:Image": twin.pva.image}
    with Server(providers=[provider]):
        try:
            await _first(listening, running)
            if context.port != ports()["ca"]:
                raise UnavailableError(f"port {ports()['ca']} is in use")
            _send_at_once(context)
            ready(twin)
            twin.compile()
            await _first(ended, running)
        finally:
            await twin.close()
            for task in running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*running)


def _send_at_once(context: Context) -> None:
    """Keep Nagle from holding a put's answer back for the 40 ms of a delayed ACK.

    caproto leaves it on; connections inherit the option from the listening socket.
    """
    for listener in context.tcp_sockets.values():
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _first(event: asyncio.Event, running: list[asyncio.Task[Any]]) -> None:
    """Wait for an event, or raise what ended one of the tasks."""
    waiting = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait(
        [waiting, *running], return_when=asyncio.FIRST_COMPLETED
    )
    if waiting not in done:
        waiting.cancel()
        for task in done:
            task.result()


def _quiet_refusals() -> None:
    """Log a refused put as one line; caproto would print a traceback.

    Its warnings go: they say that a monitor was some milliseconds late.
    """
    logging.getLogger("caproto").setLevel(logging.ERROR)

    def shorten(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PutRefused):
            record.msg, record.args = "refused: %s", (error,)
            record.exc_info = None
        return True

    for name in ("caproto.circ", "caproto.ctx"):
        logging.getLogger(name).addFilter(shorten)
