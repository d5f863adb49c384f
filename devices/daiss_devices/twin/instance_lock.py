"""One twin a prefix, on ports that nobody else has."""

import fcntl
import hashlib
import os
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daiss_bluesky.core.errors import UnavailableError


def runtime_directory() -> Path:
    """The user's own place for locks."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and Path(named).is_dir():
        return Path(named)
    path = Path(tempfile.gettempdir()) / f"daiss-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@contextmanager
def only_twin(prefix: str) -> Iterator[None]:
    """Hold the prefix; refuses if another twin of this user has it."""
    # The digest tells A:B: from A-B:, the rest tells a reader which prefix it is.
    name = re.sub(r"[^A-Za-z0-9]+", "-", prefix).strip("-")[:40]
    digest = hashlib.sha256(prefix.encode()).hexdigest()[:8]
    path = runtime_directory() / f"daiss-twin-{name}-{digest}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UnavailableError(
            f"lock file {path} cannot be made: {error.strerror}"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise UnavailableError(
                f"a twin with prefix {prefix} is already running (process {pid})"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def refuse_busy_ports(address: str, ports: Iterable[int]) -> None:
    """Refuse ports that somebody uses; servers would quietly take another."""
    for port in ports:
        for kind, name in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
            with socket.socket(type=kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError:
                    raise UnavailableError(
                        f"{name} port {port} on {address} is in use by another process"
                    ) from None
