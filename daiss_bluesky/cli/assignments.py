"""Parameters as words: NAME=VALUE."""

import ast
from collections.abc import Sequence
from typing import Any

from daiss_bluesky.core.errors import InputError


def assignments(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Read name=value words; a value that is no Python literal is a text."""
    found: dict[str, Any] = {}
    for word in arguments:
        name, equals, text = word.partition("=")
        if not (name.isidentifier() and equals and text):
            raise InputError(f"{command} {word}: NAME=VALUE is expected")
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found
