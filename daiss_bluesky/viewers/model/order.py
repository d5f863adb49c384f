"""Which of two pictures is newer, when they come by two lanes."""

from dataclasses import dataclass, field

from daiss_bluesky.viewers.model.connection import Lane

FAST_LANE_S = 2.0
"""So long after a picture over PVA the others of its view must prove to be newer."""


@dataclass(slots=True)
class _Shown:
    update: int = 0
    number: int = 0
    fast_s: float = float("-inf")


@dataclass(slots=True)
class Order:
    """Numbers of what was shown of one result; for one thread at a time.

    PVA says which update a picture is of. Tiled does not: there it is of a later one
    than the newest row of the progress table, which is written after the pictures.
    """

    last_row: int = 0
    _views: dict[str, _Shown] = field(default_factory=dict)

    def begin_anew(self) -> None:
        """Count updates from the first again: the reconstruction was started anew."""
        self.last_row = 0
        for shown in self._views.values():
            shown.update, shown.fast_s = 0, float("-inf")

    def accept(
        self,
        view: str,
        lane: Lane,
        update: int | None,
        now_s: float,
        *,
        fetched: bool = False,
    ) -> int | None:
        """Give the number to show a picture under; None for one that is no news.

        Numbers of a view grow; they are those of the updates as far as these are known.
        `fetched` pictures lay in the catalog, and may be of the newest row.
        """
        shown = self._views.setdefault(view, _Shown())
        least = update or max(1, self.last_row + (not fetched))
        if lane == "pva":
            shown.fast_s = now_s
        fast = now_s - shown.fast_s < FAST_LANE_S
        if least <= shown.update and (fast or update is not None):
            return None
        shown.update = max(least, shown.update)
        shown.number = max(least, shown.number + 1)
        return shown.number
