"""Short text on the picture, white on shade."""

import pyqtgraph as pg
from qtpy.QtGui import QFont

POINT_SIZE = 8


class Label(pg.TextItem):
    """Keeps its size on the screen whatever the zoom."""

    def __init__(self, text: str = "", anchor: tuple[float, float] = (0, 1)) -> None:
        super().__init__(text, color="w", fill=(0, 0, 0, 150), anchor=anchor)
        self.setFont(label_font())


def label_font() -> QFont:
    """Give the font of what is written on and beside pictures."""
    font = QFont()
    font.setPointSize(POINT_SIZE)
    return font
