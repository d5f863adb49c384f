"""What the reconstructor does on request; see `control` for the messages."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import asdict
from typing import Any, Protocol

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.reconstruction import (
    Reconstruction,
    SwitchableReconstruction,
    VolumeReconstruction,
)
from daiss_bluesky.services.control import Handler

PATIENCE_S = 25.0
"""Less than a client waits, so that it is told."""


class Askable(Protocol):
    """A run that takes questions to its reconstruction."""

    def ask(self, question: Callable[[Reconstruction], Any]) -> "Future[Any]":
        """Put a question to the reconstruction."""
        ...


def make_handlers(newest: Callable[[], Askable]) -> dict[str, Handler]:
    """Give the requests by name; `newest` finds the run that they are about."""

    def asked(question: Callable[[Reconstruction], Any]) -> Any:
        try:
            return newest().ask(question).result(PATIENCE_S)
        except TooLate:
            raise UnavailableError(
                f"the reconstruction was busy for {PATIENCE_S:g} s; try again"
            ) from None

    def status() -> Any:
        return asked(lambda one: asdict(one.progress()))

    def slices(z: int, y: int, x: int) -> Any:
        return asked(lambda one: dict(_volume(one).slices(z, y, x)))

    def plane(middle: Any, down: Any, across: Any, shape: Any) -> Any:
        wanted = Plane(_vector(middle), _vector(down), _vector(across), _pair(shape))
        return asked(lambda one: _volume(one).cut(wanted))

    def look(z: int, y: int, x: int) -> Any:
        return asked(lambda one: _volume(one).look_at(z, y, x))

    def center(center_px: float | None) -> Any:
        return asked(lambda one: _volume(one).set_center(center_px))

    def update(
        update_object: bool | None = None,
        update_probe: bool | None = None,
        refine_positions: bool | None = None,
    ) -> Any:
        wanted = _switches(
            update_object=update_object,
            update_probe=update_probe,
            refine_positions=refine_positions,
        )
        return asked(lambda one: _switchable(one).set_updates(**wanted))

    known: tuple[Handler, ...] = (status, slices, plane, look, center, update)
    return {handler.__name__: handler for handler in known}


def _volume(one: Reconstruction) -> VolumeReconstruction:
    if isinstance(one, VolumeReconstruction):
        return one
    raise InputError("the run that is being reconstructed has no slices and no center")


def _switchable(one: Reconstruction) -> SwitchableReconstruction:
    if isinstance(one, SwitchableReconstruction):
        return one
    raise InputError(
        "the run that is being reconstructed has no probe and no positions to improve"
    )


def _switches(**wanted: Any) -> dict[str, bool | None]:
    for name, value in wanted.items():
        if value is not None and not isinstance(value, bool):
            raise InputError(f"{name} is true, false or null, not {value!r}")
    return wanted


def _vector(value: Any) -> tuple[float, float, float]:
    try:
        z, y, x = (float(one) for one in value)
    except (TypeError, ValueError):
        raise InputError(
            f"three numbers (z, y, x) are expected, not {value!r}"
        ) from None
    return z, y, x


def _pair(value: Any) -> tuple[int, int]:
    try:
        rows, columns = (int(one) for one in value)
    except (TypeError, ValueError):
        raise InputError(f"rows and columns are expected, not {value!r}") from None
    return rows, columns
