"""One application without a screen for all tests of windows."""

import os
from typing import Any

import pytest
from qtpy.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def qt_app() -> Any:
    """Started once; the platform is read here, not at import."""
    return QApplication.instance() or QApplication([])
