"""Keeps the crosshairs of three slices on one point of the volume."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from qtpy.QtCore import QObject, Signal

from daiss_bluesky.viewers.model.orthogonal import (
    ACROSS,
    Point,
    crosshair,
    moved,
    volume_shape,
)
from daiss_bluesky.viewers.model.picture import Picture


class SlicePane(Protocol):
    """What it needs of an image pane."""

    crosshair_moved: Any

    def set_crosshair(self, row: float, column: float) -> None:
        """Put the crosshair somewhere, without a signal."""
        ...


class LinkedSlices(QObject):
    """Moving one crosshair moves the others and asks for the slices through it."""

    placed = Signal(object)
    """The point at which all crosshairs are now."""
    wanted = Signal(object)
    """The point whose slices the user wants to see."""

    def __init__(self, panes: Mapping[str, SlicePane], parent: Any = None) -> None:
        super().__init__(parent)
        self._panes = {view: panes[view] for view in ACROSS}
        self._shapes: dict[str, tuple[int, int]] = {}
        self._places: dict[str, int] = {}
        self._point: Point | None = None
        self._awaited: Point | None = None
        self._touched = False
        for view, pane in self._panes.items():
            pane.crosshair_moved.connect(partial(self._moved, view))

    @property
    def point(self) -> Point | None:
        """Where the crosshairs are; None before the slices are known."""
        return self._point

    def note(self, picture: Picture) -> None:
        """Learn from a picture how large the volume is, and where its slices are.

        The crosshairs follow slices that somebody else moved, but not those that show
        an older place while the one that was asked for is on its way.
        """
        if picture.view not in self._panes:
            return
        self._shapes[picture.view] = picture.shape
        if picture.place is not None:
            self._places[ACROSS[picture.view]] = picture.place
        shape = volume_shape(self._shapes)
        if shape is None:
            return
        shown = self._shown_point(shape)
        if shown == self._awaited:
            self._awaited = None
        point = self._point if self._awaited or self._is_half_moved() else shown
        point = (point or shown).within(shape)
        if point != self._point:
            self._point = point
            self._put()

    def _shown_point(self, shape: tuple[int, int, int]) -> Point:
        before = self._point or Point(*(n // 2 for n in shape))
        return replace(before, **self._places)

    def _is_half_moved(self) -> bool:
        """Tell whether slices of one update are still coming in."""
        return self._point is not None and len(self._places) < len(ACROSS)

    def settle(self) -> None:
        """Stop waiting for slices that were asked for: they will not come."""
        self._awaited = None

    def forget(self) -> None:
        """Begin anew: another result is shown, perhaps of another size."""
        self._shapes, self._places = {}, {}
        self._point = self._awaited = None

    def go(self, point: Point) -> None:
        """Move all crosshairs, and ask for the slices."""
        shape = volume_shape(self._shapes)
        inside = point if shape is None else point.within(shape)
        if inside != self._point:
            self._point = self._awaited = inside
            self._put()
            self.wanted.emit(inside)

    def _moved(self, view: str, row: float, column: float) -> None:
        if self._point is not None and not self._touched:
            self.go(moved(view, row, column, self._point))

    def _put(self) -> None:
        assert self._point is not None  # noqa: S101 - callers have just set it
        self._touched = True
        try:
            for view, pane in self._panes.items():
                pane.set_crosshair(*crosshair(view, self._point))
        finally:
            self._touched = False
        self.placed.emit(self._point)
