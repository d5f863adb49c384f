"""Which parameters may change while a scan is reconstructed."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from daiss_bluesky.core.errors import InputError
from daiss_bluesky.core.scan import Model

Parameters = TypeVar("Parameters", bound=Model)


def adjusted(
    parameters: Parameters, changes: Mapping[str, Any], adjustable: Sequence[str]
) -> Parameters:
    """Give the parameters with some changed; refuses those that cannot, by name."""
    if not changes:
        raise InputError(f"say what to change: {', '.join(adjustable)}")
    for name in changes:
        if name in adjustable:
            continue
        if name in type(parameters).model_fields:
            raise InputError(
                f"{name} cannot change in mid-scan (those that can:"
                f" {', '.join(adjustable)}); run the reconstruction again with it"
            )
    values = parameters.model_dump() | dict(changes)
    return type(parameters).parse(values, "the parameters")
