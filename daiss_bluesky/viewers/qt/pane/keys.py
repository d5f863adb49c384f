"""Keys and mouse of an image pane, as data: the window's overview lists the same."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key, what it is called inside and what it says to the user."""

    key: str
    """As QKeySequence reads it, or in words for the mouse."""
    action: str
    """Name of the pane's action; empty for the mouse."""
    says: str


MOUSE = (
    Key("Drag", "", "Move the picture"),
    Key("Wheel", "", "Zoom at the cursor"),
    Key("Ctrl+Drag", "", "Zoom into a box"),
    Key("Click", "", "Put the crosshair"),
    Key("Double click", "", "Fit the picture"),
    Key("Right click", "", "Remove a line, region or pin"),
)
KEYS = (
    Key("A", "fit", "Fit the picture"),
    Key("1", "one_to_one", "One picture pixel to one of the screen"),
    Key("K", "lock", "Lock or free the levels"),
    Key("V", "visible", "Contrast of the visible part only"),
    Key("I", "invert", "Invert the color map"),
    Key("G", "next_scale", "Linear, logarithmic, square root"),
    Key("H", "histogram", "Show or hide the histogram"),
    Key("X", "crosshair", "Show or hide the crosshair"),
    Key("N", "line", "Line: its length and its profile"),
    Key("C", "cross_profiles", "Profiles through the crosshair"),
    Key("P", "pin", "Pin the element at the crosshair"),
    Key("R", "reference", "Keep this picture to compare with"),
    Key("M", "difference", "Difference with the kept picture"),
    Key("B", "blink", "Blink between both"),
    Key("S", "saturation", "Mark saturated elements"),
    Key("Ctrl+C", "copy", "Copy the picture as it is on the screen"),
    Key("Ctrl+S", "save", "Save as PNG with scale bar and caption"),
)
"""For the pane that has the focus."""


def overview() -> dict[str, str]:
    """Give key to what it does, mouse first, for the window's overview."""
    return {key.key: key.says for key in (*MOUSE, *KEYS)}
