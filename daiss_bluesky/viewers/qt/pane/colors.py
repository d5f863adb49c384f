"""Colors of a pane, given by the window's theme."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaneColors:
    """All as #rrggbb."""

    ground: str
    """Behind the picture and the plots."""
    text: str
    faint: str
    """Axes and what is secondary."""
    crosshair: str
    """Of the levels; that of the picture is ON_PICTURE."""
    marks: tuple[str, ...]
    """Curves of regions and profiles, in turn; told apart by the color blind."""


DARK = PaneColors(
    ground="#14171a",
    text="#e8eaed",
    faint="#9aa0a6",
    crosshair="#4cc9f0",
    marks=("#ffb000", "#56b4e9", "#f0569b", "#35c491"),
)
LIGHT = PaneColors(
    ground="#ffffff",
    text="#1b1e22",
    faint="#5a6068",
    crosshair="#0077b6",
    marks=("#b35c00", "#0066b8", "#b3186d", "#007a55"),
)
ON_PICTURE = "#35d0f5"
MARKS_ON_PICTURE = DARK.marks
"""The same order of hues in any theme: pictures are dark in a light window too."""
