"""Asks the reconstructor, and follows its status; for windows, commands and scripts."""

import getpass
import socket as sockets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import zmq
from numpy.typing import NDArray

from daiss_bluesky.core.errors import UnavailableError
from daiss_bluesky.services.control_address import ControlAddress
from daiss_bluesky.services.control_follower import StatusFollower
from daiss_bluesky.services.control_messages import Request, result_of
from daiss_bluesky.services.epics_environment import LOOPBACK
from daiss_bluesky.services.result_status import ResultStatus

TIMEOUT_S = 30.0
FAN_TIMEOUT_S = 120.0
"""Nine slices of 2048 x 2048 take their time."""


def myself() -> str:
    """Name who asks, for provenance."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{sockets.gethostname()}"


class ControlClient:
    """Requests to a reconstructor, from any thread.

    Each is a connection of its own, so a reconstructor that was away is found as soon
    as it is back. Everything raises InputError for what is refused, and
    UnavailableError where nobody answers in time. `of` is the uid of a run or result;
    without it the newest is meant.
    """

    def __init__(
        self,
        address: ControlAddress,
        *,
        by: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Connect to nothing yet; `by` says who asks."""
        self._address = address
        self._by = by or myself()
        self._timeout_s = timeout_s
        self._context = zmq.Context()

    @classmethod
    def of_state(cls, root: Path, **options: Any) -> Self:
        """Find the reconstructor that `daiss up` started in a state directory."""
        return cls(ControlAddress.of_state(root), **options)

    def close(self) -> None:
        """Let go of the sockets."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self,
        do: str,
        *,
        of: str | None = None,
        timeout_s: float | None = None,
        **arguments: Any,
    ) -> Any:
        """Send any request and give its result."""
        port = self._address.requests
        request = Request(do, arguments, of, self._address.key, self._by)
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        with self._context.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(f"tcp://{LOOPBACK}:{port}")
            socket.send(request.to_bytes())
            if not socket.poll(int(1000 * limit_s)):
                raise UnavailableError(
                    f"the reconstructor does not answer at port {port}: daiss status"
                )
            return result_of(socket.recv())

    def follow(self) -> StatusFollower:
        """Follow the status of all results from now on; close it at the end."""
        return StatusFollower(self._address)

    # Reading: no key needed.

    def status(self, of: str | None = None) -> ResultStatus:
        """Tell how far a result is; answered at once, also while others wait."""
        return ResultStatus.from_dict(self.ask("status", of=of))

    def results(self) -> list[ResultStatus]:
        """Give the status of all results this reconstructor knows, newest first."""
        found = self.ask("snapshot")["results"]
        return [ResultStatus.from_dict(one) for one in found]

    def slices(
        self, z: int, y: int, x: int, *, of: str | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Give slice_xy, slice_xz and slice_yz at any place, as of now."""
        found: dict[str, NDArray[np.float32]] = self.ask("slices", of=of, z=z, y=y, x=x)
        return found

    def plane(
        self,
        middle: Sequence[float],
        down: Sequence[float],
        across: Sequence[float],
        shape: Sequence[int],
        *,
        of: str | None = None,
    ) -> NDArray[np.float32]:
        """Give the picture of a plane: middle, step down and across (z, y, x)."""
        vectors: dict[str, Any] = {
            "middle": middle,
            "down": down,
            "across": across,
            "shape": shape,
        }
        vectors = {name: list(value) for name, value in vectors.items()}
        found: NDArray[np.float32] = self.ask("plane", of=of, **vectors)
        return found

    def sinogram(
        self, z: int, *, exact: bool = False, of: str | None = None
    ) -> dict[str, Any]:
        """Give a corrected sinogram: z, angles_rad, sinogram (angle, column).

        Of the row nearest to z that was kept; with `exact` the row itself is read
        again from the detector's file, of 360 projections at most.
        """
        found: dict[str, Any] = self.ask("sinogram", of=of, z=z, exact=exact)
        return found

    def fan(
        self,
        *,
        around_px: float | None = None,
        step_px: float = 1.0,
        count: int = 9,
        z: int | None = None,
        of: str | None = None,
        timeout_s: float = FAN_TIMEOUT_S,
    ) -> dict[str, Any]:
        """Give slices at candidate centers about the present one, with scores.

        centers_px, scores (lower is better, 1 for the best), slices (candidate, y, x)
        of at most 512 pixels a side, best_px, error_px, unsure (why not to believe it,
        or None), z (the kept row nearest to the one wanted).
        """
        found: dict[str, Any] = self.ask(
            "fan",
            of=of,
            timeout_s=timeout_s,
            around_px=around_px,
            step_px=step_px,
            count=count,
            z=z,
        )
        return found

    # Changing: the key of the state directory is needed.

    def look(self, z: int, y: int, x: int, *, of: str | None = None) -> None:
        """Move the live views there."""
        self.ask("look", of=of, z=z, y=y, x=x)

    def center(self, center_px: float | None, *, of: str | None = None) -> None:
        """Set the rotation center, or (None) let it be found; nothing is lost."""
        self.ask("center", of=of, center_px=center_px)

    def update(self, *, of: str | None = None, **switches: bool | None) -> None:
        """Switch update_object, update_probe, refine_positions from now on."""
        self.ask("update", of=of, **switches)

    def parameters(self, *, of: str | None = None, **changes: Any) -> None:
        """Change parameters that can change in mid-scan; others are refused by name."""
        self.ask("parameters", of=of, changes=changes)

    def rerun(self, of: str | None = None, **parameters: Any) -> str:
        """Reconstruct a run once more; gives the uid of the new result.

        The old result stays. It waits while a scan is being reconstructed.
        """
        found: str = self.ask("rerun", of=of, parameters=parameters)["result_uid"]
        return found

    def abort(self, of: str | None = None, *, reason: str = "") -> None:
        """End a reconstruction as incomplete; the scan is not touched."""
        self.ask("abort", of=of, reason=reason)
