"""A right click on a mark, in place of the menu that pyqtgraph would open."""

from collections.abc import Callable
from typing import Any


class RightClick:
    """Mix into an ROI that is `removable`: calls `on_right_click`, opens no menu."""

    on_right_click: Callable[[Any], None]

    def raiseContextMenu(self, ev: Any) -> None:
        """Say it."""
        self.on_right_click(ev)
