"""Arrays named once and handed on by reference, on host or device, within bounds."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daiss_bluesky.core.errors import InputError, UnavailableError, unknown

Array = Any
"""NumPy's, or another library's with nbytes."""


@dataclass(frozen=True, slots=True)
class Held:
    """One array, and where it lies."""

    name: str
    place: str
    """cpu, or cuda:N."""
    bytes: int


class ArrayStore:
    """Holds arrays by name; never copies one.

    Each place has a bound in bytes, which is asked before memory is. May be used from
    several threads; who writes into an array that others read agrees with them.
    """

    def __init__(self, limit_bytes: Mapping[str, int]) -> None:
        """Begin empty, with the bound of every place there is."""
        self._limits = dict(limit_bytes)
        self._arrays: dict[str, tuple[str, Array]] = {}
        self._promised: dict[str, int] = dict.fromkeys(self._limits, 0)
        self._lock = threading.Lock()

    def room(self, place: str) -> int:
        """Tell how many bytes a place has left."""
        if place not in self._limits:
            raise unknown("place", place, self._limits)
        with self._lock:
            return self._limits[place] - self._used(place)

    def make(
        self, name: str, place: str, n_bytes: int, make: Callable[[], Array]
    ) -> Array:
        """Hold what `make` gives, of so many bytes.

        Raises UnavailableError, before anything is made, where they do not fit.
        """
        self.room(place)
        with self._lock:
            if name in self._arrays:
                raise InputError(f"there is an array named {name!r} already")
            room = self._limits[place] - self._used(place)
            if n_bytes > room:
                raise UnavailableError(
                    f"{name} needs {n_bytes / 1e9:.2f} GB on {place}, which has room"
                    f" for {max(0, room) / 1e9:.2f} GB more"
                )
            self._promised[place] += n_bytes
        try:
            array = make()
        finally:
            with self._lock:
                self._promised[place] -= n_bytes
        with self._lock:
            self._arrays[name] = place, array
        return array

    def put(self, name: str, place: str, array: Array) -> None:
        """Hold an array that is there already; it counts all the same."""
        self.make(name, place, int(array.nbytes), lambda: array)

    def get(self, name: str) -> Array:
        """Give the very array."""
        with self._lock:
            if name not in self._arrays:
                raise unknown("array", name, self._arrays)
            return self._arrays[name][1]

    def release(self, prefix: str = "") -> None:
        """Let go of all arrays whose name begins so."""
        with self._lock:
            for name in [name for name in self._arrays if name.startswith(prefix)]:
                del self._arrays[name]

    def report(self) -> list[Held]:
        """Tell what lies where, in order of name."""
        with self._lock:
            return [
                Held(name, place, int(one.nbytes))
                for name, (place, one) in sorted(self._arrays.items())
            ]

    def _used(self, place: str) -> int:
        held = sum(
            int(one.nbytes) for where, one in self._arrays.values() if where == place
        )
        return held + self._promised[place]
