"""What the window remembers from one day to the next."""

import json
from typing import Any

from qtpy.QtCore import QSettings

_KEY = "layout"
_VERSION = 1


class LayoutStore:
    """Keeps one JSON object in the user's settings."""

    def __init__(self, settings: QSettings | None = None) -> None:
        """Use the user's own settings, or those that are given."""
        self._settings = settings or QSettings("daiss", "viewer")

    def load(self) -> dict[str, Any]:
        """Give what was kept; nothing where it is damaged or of another version."""
        try:
            kept = json.loads(str(self._settings.value(_KEY) or "{}"))
        except ValueError:
            return {}
        if not isinstance(kept, dict) or kept.get("version") != _VERSION:
            return {}
        return kept

    def save(self, layout: dict[str, Any]) -> None:
        """Keep it."""
        self._settings.setValue(_KEY, json.dumps(layout | {"version": _VERSION}))
        self._settings.sync()
