"""Live reconstruction of bluesky scans: see the result while the scan runs.

In a notebook: `%load_ext daiss_bluesky`, then `follow()` and `runs()` of this module.
"""

from importlib import import_module
from typing import Any

_NOTEBOOK = {
    "follow": "daiss_bluesky.viewers.notebook.widget",
    "runs": "daiss_bluesky.viewers.notebook.runs_table",
}


def __getattr__(name: str) -> Any:
    """Import what notebooks use when it is asked for, and nothing before."""
    if name not in _NOTEBOOK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_NOTEBOOK[name]), name)


def load_ipython_extension(ip: Any) -> None:
    """Put RunEngine, devices, plans and magics into IPython, as `daiss shell` does."""
    import_module("daiss_bluesky.cli.shell").enter(ip)
