"""The 0MQ proxy between the RunEngine and those who follow it, on loopback only."""

import signal
from typing import Annotated

import typer
import zmq
from bluesky.callbacks.zmq import Proxy

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.epics_environment import LOOPBACK


def run_proxy(in_port: int, out_port: int) -> None:
    """Forward documents until interrupted or terminated."""
    try:
        # Addresses as text: a bare number would bind to every interface.
        proxy = Proxy(f"{LOOPBACK}:{in_port}", f"{LOOPBACK}:{out_port}")
    except zmq.ZMQError as error:
        raise UnavailableError(
            f"the document proxy cannot listen on ports {in_port} and {out_port}"
            f" of {LOOPBACK}: {error.strerror}"
        ) from None
    proxy.start()


def main(
    in_port: Annotated[int, typer.Option(help="port the RunEngine publishes to")],
    out_port: Annotated[int, typer.Option(help="port consumers subscribe to")],
) -> None:
    """Forward documents from the RunEngine to everyone who subscribed."""
    # Inside 0MQ's loop a handler of Python's may wait for the next message to run, and
    # there is nothing to put in order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        run_proxy(in_port, out_port)
    except UnavailableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
