"""A second opinion: our corrections and our center, another program's volume."""

from collections.abc import Iterator
from typing import Any

from daiss_bluesky.algorithms.backends.registry import find_backend, load_peer
from daiss_bluesky.algorithms.kept import KeptAlgorithm, LineIntegrals, Step
from daiss_bluesky.core.errors import InputError


class PeerAlgorithm(KeptAlgorithm):
    """Hands the line integrals of a scan to a backend."""

    def __init__(
        self,
        backend: str,
        *,
        iterations: int | None = None,
        memory_limit_gb: float | None = None,
        **parameters: Any,
    ) -> None:
        """Take the parameters of fbp; refuses a backend that is not there.

        Raises InputError for an unknown backend, or iterations where it has none, and
        UnavailableError where its package is missing.
        """
        super().__init__(memory_limit_gb=memory_limit_gb, **parameters)
        found = find_backend(backend)
        if iterations is not None and found.iterations is None:
            raise InputError(f"backend {backend} does not iterate")
        self.name = backend
        self._peer = load_peer(found)
        self._options: dict[str, Any] = {}
        if found.iterations is not None:
            self._options["iterations"] = iterations or found.iterations

    def _solver_bytes(self, n_angles: int, frame_shape: tuple[int, int]) -> int:
        rows, n = frame_shape
        # Adapters copy the data and turn the volume; what peers use is theirs.
        return 4 * rows * n * (2 * n_angles + n)

    def solve(self, lines: LineIntegrals) -> Iterator[Step]:
        """Make the volume with the peer, which does not tell of its steps."""
        options = self._options
        volume = self._peer(lines.p, lines.angles_rad, lines.center_px, **options)
        yield Step(1, 1, lambda: volume, {"backend": self.name, **options})
