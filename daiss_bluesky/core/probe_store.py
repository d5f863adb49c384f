"""Where the probe of the last finished run waits for the next one."""

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Probe = NDArray[np.complexfloating[Any, Any]]
"""(mode, row, column)."""


class ProbeStore(Protocol):
    """Keeps one probe for each kind of optics; the latest wins."""

    def load(self, optics: str) -> Probe | None:
        """Give the last probe of these optics; None where there is none yet."""
        ...

    def keep(self, optics: str, probe: Probe) -> None:
        """Keep a probe for the next run of these optics."""
        ...


@runtime_checkable
class ProbeKeeper(Protocol):
    """An algorithm that can begin with the probe of the last run."""

    def with_store(self, store: ProbeStore) -> Self:
        """Give the same, which finds and leaves probes there."""
        ...
