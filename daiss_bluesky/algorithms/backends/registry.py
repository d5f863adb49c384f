"""Other programs that reconstruct, by name, behind one signature.

Each takes line integrals (angle, row, column), float32, angles in radians and the
center in columns from the left edge, and gives attenuation per pixel (z, y, x): the
same orientation, place and scale as our own. Nothing of theirs is imported before one
is asked for.
"""

import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.registry import load

Array = NDArray[np.float32]


class Peer(Protocol):
    """Reconstructs a whole scan; iterative ones take `iterations` as well."""

    def __call__(
        self,
        p: Array,
        angles_rad: NDArray[np.float64],
        center_px: float,
        **options: Any,
    ) -> Array:
        """Give the volume (z, y, x) of line integrals (angle, row, column)."""
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """One way another program reconstructs."""

    name: str
    package: str
    """What must be importable."""
    install: str
    """How a user gets it."""
    iterations: int | None = None
    """How many an iterative one does unless told otherwise; None: it has none."""

    @property
    def is_importable(self) -> bool:
        """Tell whether its package is there; imports nothing."""
        return find_spec(self.package) is not None


_ASTRA = ("astra", "pip install astra-toolbox")
_ALGOTOM = ("algotom", "pip install algotom")
_TOMOPY = ("tomopy", "conda install -c conda-forge tomopy")

BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("astra:fbp", *_ASTRA),
        Backend("astra:sirt", *_ASTRA, iterations=100),
        Backend("astra:cgls", *_ASTRA, iterations=15),
        Backend("algotom:fbp", *_ALGOTOM),
        Backend("algotom:dfi", *_ALGOTOM),
        Backend("tomopy:gridrec", *_TOMOPY),
        Backend("tomopy:fbp", *_TOMOPY),
        Backend("tomopy:sirt", *_TOMOPY, iterations=100),
    )
}


def find_backend(name: str) -> Backend:
    """Look a backend up; refuses an unknown name with those there are."""
    if name in BACKENDS:
        return BACKENDS[name]
    here = [one.name for one in BACKENDS.values() if one.is_importable]
    raise InputError(
        f"unknown backend {name!r} (known: {', '.join(sorted(BACKENDS))};"
        f" importable here: {', '.join(sorted(here)) or 'none'})"
    )


def load_peer(backend: Backend) -> Peer:
    """Import what a backend needs; UnavailableError says what to install."""
    missing = f"backend {backend.name} needs {backend.package}"
    if not backend.is_importable:
        raise UnavailableError(f"{missing}, which is not installed: {backend.install}")
    module, _, function = backend.name.partition(":")
    try:
        with warnings.catch_warnings():
            # Of parts of itself that nobody asked for.
            warnings.simplefilter("ignore")
            import_module(backend.package)
    except ImportError as error:
        raise UnavailableError(
            f"{missing}, which cannot be imported: {error}"
        ) from error
    peer: Peer = load(f"{__package__}.{module}:{function}")
    return peer
