"""Starts services as processes of their own, waits until they are ready, ends them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from daiss_bluesky.core.errors import UnavailableError

POLL_S = 0.02
KILL_AFTER_S = 15.0
READY_AFTER_S = 300.0
"""At most: the first start of all compiles kernels, beside the other services."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What to start, and how it shows that it is ready."""

    name: str
    module: str
    arguments: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the launcher's own; secrets go here, never into the arguments."""
    address: str = ""
    """Shown to the user."""


@dataclass(frozen=True, slots=True)
class Service:
    """A started service; pid and creation time together name a process."""

    name: str
    pid: int
    created_s: float
    log: str
    address: str
    since_boot_s: float | None = None
    """When it was started, from the start of the machine: where the creation time
    counts from there, a clock that is set moves that of every process."""

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for the state file."""
        return asdict(self)

    def process(self) -> psutil.Process | None:
        """Find the process if it still is the one that was started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            return process if alive and self._is(process) else None
        return None

    def _is(self, process: psutil.Process) -> bool:
        if abs(process.create_time() - self.created_s) < 1.0:
            return True
        since_boot_s = self.since_boot_s
        return (
            since_boot_s is not None
            and abs(_since_boot_s(process) - since_boot_s) < 1.0
        )


def start(spec: ServiceSpec, logs: Path) -> Service:
    """Start one service, detached from the terminal's Ctrl-C."""
    log = logs / f"{spec.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", spec.module, *spec.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(spec.environment),
            start_new_session=True,
        )
    return started(spec.name, process.pid, str(log), spec.address)


def started(name: str, pid: int, log: str, address: str = "") -> Service:
    """Describe a process that runs now."""
    process = psutil.Process(pid)
    created_s, since_boot_s = process.create_time(), _since_boot_s(process)
    return Service(name, pid, created_s, log, address, since_boot_s)


def _since_boot_s(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def wait_ready(
    specs: Sequence[ServiceSpec],
    services: Sequence[Service],
    *,
    on_ready: Callable[[Service], None] = lambda _: None,
) -> None:
    """Wait until every service is ready; the first that ends says why in its log."""
    waiting = {s.name: (spec, s) for spec, s in zip(specs, services, strict=True)}
    deadline = time.monotonic() + READY_AFTER_S
    while waiting:
        for name, (spec, service) in list(waiting.items()):
            if spec.ready():
                on_ready(service)
                del waiting[name]
            elif service.process() is None:
                raise UnavailableError(f"{name} did not start: {last_line(service)}")
        if waiting and time.monotonic() > deadline:
            names = ", ".join(waiting)
            raise UnavailableError(f"{names} not ready after {READY_AFTER_S:g} s")
        time.sleep(POLL_S)


def last_line(service: Service) -> str:
    """Give the last line a service logged: for one that refused, its sentence."""
    lines = Path(service.log).read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"


def stop(services: Sequence[Service], *, timeout_s: float = KILL_AFTER_S) -> list[str]:
    """End services; returns the names that had to be killed."""
    processes = [(one.name, one.process()) for one in reversed(services)]
    alive = [(name, process) for name, process in processes if process is not None]
    for _, process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    late = [one for one in alive if not _gone(one[1], deadline - time.monotonic())]
    for _, process in late:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        _gone(process, timeout_s)
    return [name for name, _ in late]


def _gone(process: psutil.Process, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_S)
    return False
