"""Outputs full of what must not be left there."""

from typing import Any


def poisoned(cp: Any, shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """Make an array on the device of which every element must be written."""
    return cp.full(shape, cp.nan, dtype)
