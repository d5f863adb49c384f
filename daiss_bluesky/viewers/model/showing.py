"""The result that is followed: what came of it, put together to pictures."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from daiss_bluesky.viewers.model.axes import axes_of, caption, pixel_size_um, place_of
from daiss_bluesky.viewers.model.connection import Lane
from daiss_bluesky.viewers.model.curves import Curves, Rows
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.order import Order
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.sources.tiled_reader import Array

SPARSE = 16


class Showing:
    """State of one result; used under the model's lock."""

    def __init__(self, uid: str, metadata: Mapping[str, Any]) -> None:
        self.uid = uid
        self.metadata: Mapping[str, Any] = metadata
        self.arrays: Mapping[str, Array] = {}
        self.problem = ""
        self._rows = Rows()
        self._order = Order()
        self._last: dict[str, Picture] = {}
        self._told_place: set[str] = set()
        """Views whose last picture came with its place."""

    def add_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[Picture]:
        """Take rows of the progress table; gives pictures anew that they correct.

        A row comes after its pictures, and may say that they show other slices than
        those before.
        """
        if self._rows.add(rows):
            self._order.begin_anew()
        self._order.last_row = self._rows.last_number
        return [
            self._correct(one, place)
            for one in self._last.values()
            if one.view not in self._told_place
            and (place := place_of(one.view, self._parameters())) != one.place
        ]

    def _correct(self, picture: Picture, place: int | None) -> Picture:
        self._last[picture.view] = replace(picture, place=place)
        return self._last[picture.view]

    def begin_anew(self) -> None:
        """Expect updates from 1 again."""
        self._order.begin_anew()

    def picture(
        self,
        view: str,
        pixels: NDArray[Any],
        published_s: float | None,
        lane: Lane,
        update: int | None,
        angle_deg: float | None,
        place: int | None,
    ) -> Picture | None:
        """Make a picture of pixels that came; None where they are no news."""
        last = self._last.get(view)
        if lane != "pva" and last is not None and _equal(last.pixels, pixels):
            return None  # written once more, or both fetched and pushed
        now_s = time.time()
        fetched = published_s is None
        number = self._order.accept(view, lane, update, now_s, fetched=fetched)
        if number is None:
            return None
        if angle_deg is None:
            angle_deg = self._newest("newest_angle_deg")
        pixels.flags.writeable = False
        axes = axes_of(view)
        made = Picture(
            result_uid=self.uid,
            view=view,
            number=number,
            published_s=published_s or self._published_s() or now_s,
            pixels=pixels,
            pixel_size_um=pixel_size_um(view, self.metadata),
            rows_along=axes.rows,
            columns_along=axes.columns,
            place=place_of(view, self._parameters()) if place is None else place,
            facts=caption(self.metadata, angle_deg),
        )
        self._last[view] = made
        (self._told_place.discard if place is None else self._told_place.add)(view)
        return made

    def curves(self) -> Curves:
        """Give the progress table as curves."""
        return self._rows.curves()

    def honesty(self) -> Honesty:
        """Say how much is in it, by the newest row or else by the metadata."""
        row, metadata = self._rows.newest, self.metadata
        frames, steps = metadata.get("frames") or {}, metadata.get("steps") or {}
        found = Honesty(
            status=str(metadata.get("status") or "running"),
            message=str(metadata.get("message") or ""),
            frames_expected=frames.get("expected"),
            frames_received=frames.get("received") or 0,
            frames_used=frames.get("used") or 0,
            frames_missing=frames.get("missing"),
            coverage=metadata.get("coverage") or 0.0,
            quality=metadata.get("quality") or {},
            step=steps.get("done") or 0,
            steps=steps.get("of") or 0,
            parameters=metadata.get("in_force") or {},
        )
        if row is None:
            return found
        if found.status != "running":
            # The end is written last, and only into the metadata.
            return replace(found, lag_s=_known(row["lag_s"]), published_s=row["time"])
        parameters = dict(row["parameters"])
        return replace(
            found,
            frames_expected=row["frames_expected"],
            frames_received=row["frames_received"],
            frames_used=row["frames_used"],
            frames_missing=row["frames_missing"],
            coverage=row["coverage"],
            lag_s=_known(row["lag_s"]),
            published_s=row["time"],
            quality=row["quality"],
            parameters=parameters,
        )

    def _published_s(self) -> float | None:
        """Tell when the pictures were published that lie in the catalog."""
        return self._newest("time") or _known(self.metadata.get("finished"))

    def _parameters(self) -> Mapping[str, Any]:
        row = self._rows.newest
        found: Mapping[str, Any] = (row or {}).get("parameters") or {}
        return found or self.metadata.get("in_force") or {}

    def _newest(self, column: str) -> float | None:
        row = self._rows.newest
        return None if row is None else _known(row.get(column))


def _known(value: Any) -> float | None:
    known = isinstance(value, int | float) and not math.isnan(value)
    return float(value) if known else None


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    # Few pixels tell most pictures apart; NaN equals itself as bytes.
    few = slice(None, None, SPARSE)
    return a[few, few].tobytes() == b[few, few].tobytes() and (
        a.tobytes() == b.tobytes()
    )
