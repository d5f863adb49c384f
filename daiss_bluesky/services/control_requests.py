"""What the reconstructor does on request; see `control_client` for what it gives."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any, Protocol

from daiss_bluesky.core.errors import InputError, UnavailableError
from daiss_bluesky.core.plane import Plane
from daiss_bluesky.core.reconstruction import (
    Reconstruction,
    Reread,
    TomographyReconstruction,
)
from daiss_bluesky.services.control import Asked, Handler
from daiss_bluesky.services.fan_request import FanRows
from daiss_bluesky.services.run_wishes import RunWishes, volume_of

PATIENCE_S = 25.0
"""Less than a client waits, so that it is told."""


class Askable(Protocol):
    """A result in the making that takes questions."""

    @property
    def wishes(self) -> RunWishes:
        """What was set for it."""
        ...

    def ask(self, question: Callable[[Any], Any]) -> "Future[Any]":
        """Put a question to the reconstruction."""
        ...

    def ask_reading(self, question: Callable[[Any, Reread], Any]) -> "Future[Any]":
        """Put a question that may read frames again."""
        ...

    def abort(self, message: str) -> None:
        """End the reconstruction as incomplete."""
        ...


Find = Callable[[str | None], Askable]
"""Gives the one of a run or result uid, or the newest; raises where there is none."""

Repeat = Callable[[Asked, Mapping[str, Any]], str]
"""Has a run reconstructed once more; gives the uid of the new result."""


Cancel = Callable[[str | None, str], bool]
"""Forgets what only waits to be made, with a message; False where it does not."""


def make_handlers(
    find: Find, repeat: Repeat, cancel: Cancel | None = None
) -> dict[str, Handler]:
    """Give the requests by name, besides those that need no reconstruction."""
    changing = {name: Handler(wish, changes=True) for name, wish in _wishes(find)}
    reading = {name: Handler(question) for name, question in _questions(find)}

    def rerun(asked: Asked, parameters: Any) -> Any:
        return {"result_uid": repeat(asked, _named(parameters, "parameters"))}

    def abort(asked: Asked, reason: Any = "") -> None:
        if not isinstance(reason, str):
            raise InputError(f"reason is a text, not {reason!r}")
        message = f"aborted by {asked.by}" + (f": {reason}" if reason else "")
        if cancel is not None and cancel(asked.of, message):
            return
        run = find(asked.of)
        run.wishes.abort(asked.by, message)
        run.abort(message)

    return {
        **reading,
        **changing,
        "rerun": Handler(rerun, changes=True),
        "abort": Handler(abort, changes=True),
    }


def _wishes(find: Find) -> list[tuple[str, Callable[..., None]]]:
    def wish(asked: Asked, name: str, **values: Any) -> None:
        run = find(asked.of)
        _answered(
            run.ask(lambda one: run.wishes.fulfill(one, name, asked.by, **values))
        )

    def look(asked: Asked, z: int, y: int, x: int) -> None:
        wish(asked, "look", z=z, y=y, x=x)

    def center(asked: Asked, center_px: float | None) -> None:
        wish(asked, "center", center_px=center_px)

    def update(
        asked: Asked,
        update_object: bool | None = None,
        update_probe: bool | None = None,
        refine_positions: bool | None = None,
    ) -> None:
        wish(
            asked,
            "update",
            update_object=update_object,
            update_probe=update_probe,
            refine_positions=refine_positions,
        )

    def parameters(asked: Asked, changes: Any) -> None:
        wish(asked, "parameters", **_named(changes, "changes"))

    return [(one.__name__, one) for one in (look, center, update, parameters)]


def _questions(find: Find) -> list[tuple[str, Callable[..., Any]]]:
    def slices(asked: Asked, z: int, y: int, x: int) -> Any:
        run = find(asked.of)
        return _answered(run.ask(lambda one: dict(volume_of(one).slices(z, y, x))))

    def plane(asked: Asked, middle: Any, down: Any, across: Any, shape: Any) -> Any:
        wanted = Plane(_vector(middle), _vector(down), _vector(across), _pair(shape))
        return _answered(find(asked.of).ask(lambda one: volume_of(one).cut(wanted)))

    def sinogram(asked: Asked, z: int, exact: bool = False) -> Any:
        row = _whole(z, "z")

        def question(one: Reconstruction, reread: Reread) -> Any:
            return _with_sinograms(one).sinogram(row, reread if exact else None)

        found = _answered(find(asked.of).ask_reading(question))
        return dict(zip(("z", "angles_rad", "sinogram"), found, strict=True))

    def fan(
        asked: Asked,
        around_px: float | None = None,
        step_px: float = 1.0,
        count: int = 9,
        z: int | None = None,
    ) -> Any:
        row = None if z is None else _whole(z, "z")
        around_px = None if around_px is None else _number(around_px, "around_px")
        step_px, count = _number(step_px, "step_px"), _whole(count, "count")
        rows: FanRows = _answered(
            find(asked.of).ask(lambda one: FanRows.of(_with_sinograms(one), row))
        )
        return rows.fan(around_px, step_px, count)

    return [(one.__name__, one) for one in (slices, plane, sinogram, fan)]


def _answered(future: "Future[Any]") -> Any:
    try:
        return future.result(PATIENCE_S)
    except TooLate:
        future.cancel()
        raise UnavailableError(
            f"the reconstruction was busy for {PATIENCE_S:g} s; try again"
        ) from None


def _with_sinograms(one: Reconstruction) -> TomographyReconstruction:
    if isinstance(one, TomographyReconstruction):
        return one
    raise InputError(
        "the run that is being reconstructed has no sinograms and no center"
    )


def _named(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{what} is a map from names to values, not {value!r}")
    return value


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{what} is a whole number, not {value!r}")
    return value


def _number(value: Any, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InputError(f"{what} is a number, not {value!r}")
    return float(value)


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
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"rows and columns are expected, not {value!r}") from None
    return rows, columns
