"""Names to things: built in or added by entry point, imported when first asked for."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from daiss_bluesky.core.errors import unknown

ALGORITHMS = "daiss_bluesky.algorithms"


def load(reference: str) -> Any:
    """Import `package.module:name`."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def find(group: str, name: str) -> Callable[..., Any]:
    """Look a name up among the entry points of a group."""
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise unknown(group.rpartition(".")[2].removesuffix("s"), name, found)
    thing: Callable[..., Any] = found[name].load()
    return thing
