"""Errors that are sentences a user can act on; the CLI prints them and exits with 2."""

from collections.abc import Iterable


class DaissError(Exception):
    """What went wrong, in one clear sentence."""


class InputError(DaissError, ValueError):
    """A value was refused where it entered: names it, and what was expected."""


class UnavailableError(DaissError):
    """Something needed cannot be reached: a server, an IOC, a port, a file."""


def unknown(what: str, value: object, known: Iterable[str]) -> InputError:
    """Make the error for a name that is none of the known ones."""
    return InputError(f"unknown {what} {value!r} (known: {', '.join(sorted(known))})")
