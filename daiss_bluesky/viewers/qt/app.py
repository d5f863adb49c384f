"""Opens the desktop window and stays until it is closed."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from daiss_bluesky.services.control_client import ControlClient
from daiss_bluesky.viewers.model.model import ViewModel
from daiss_bluesky.viewers.model.reconstructor_watch import ReconstructorWatch
from daiss_bluesky.viewers.qt.layout import LayoutStore
from daiss_bluesky.viewers.qt.theme import THEMES
from daiss_bluesky.viewers.qt.window import ViewerWindow
from daiss_bluesky.viewers.sources.pva import PvaPlace

_SIGNALS_EVERY_MS = 200
_FEWER_BITS = (7, 6, 5)
_MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class ViewerOptions:
    """What the window shows, and how."""

    tiled_uri: str
    api_key: str
    result_uid: str | None = None
    """None: the newest."""
    pva: PvaPlace | None = None
    """Where results are on the beamline network too; Tiled alone is enough."""
    theme: str | None = None
    """dark or light; None: as it was last time."""
    picture: Path | None = None
    """Where to write what the window shows when it is closed."""
    size: tuple[int, int] | None = None
    close_after_s: float | None = None


def run_viewer(
    options: ViewerOptions, reconstructor: ControlClient | None
) -> dict[str, Any]:
    """Show the window until it is closed; gives what was on it at the end.

    Without a reconstructor the window only looks.
    """
    quiet_runtime_directory()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setApplicationName("daiss")
    model = ViewModel(options.tiled_uri, options.api_key, pva=options.pva)
    watch = None
    if reconstructor is not None:
        watch = ReconstructorWatch(reconstructor.follow())
    try:
        window = ViewerWindow(
            model,
            steering=reconstructor,
            watch=watch,
            tiled_uri=options.tiled_uri,
            theme=THEMES[options.theme] if options.theme else None,
            store=LayoutStore(),
        )
        if options.result_uid is not None:
            model.follow(options.result_uid)
        if options.size is not None:
            window.resize(*options.size)
        window.show()
        timer = _let_python_see_signals(window)
        if options.close_after_s is not None:
            QTimer.singleShot(int(1000 * options.close_after_s), window.close)
        application.exec_()
        timer.stop()
        followed = window.followed
        if options.picture is not None:
            save_small(window.last_picture.toImage(), options.picture)
    finally:
        model.close()
        if watch is not None:
            watch.close()
    return {
        "tiled_uri": options.tiled_uri,
        "result_uid": followed.result_uid or None,
        "raw_uid": followed.raw_uid or None,
        "status": followed.metadata.get("status"),
        "honesty": window.honesty.text(),
        "picture": options.picture and str(options.picture),
    }


def save_small(image: Any, path: Path) -> None:
    """Write a QImage as a PNG, with fewer shades where it is too large for a page."""
    kind = image.Format.Format_RGB888
    plain = image.convertToFormat(kind)
    size = (plain.width(), plain.height())
    data = bytes(plain.constBits().asstring(plain.sizeInBytes()))
    picture = Image.frombytes("RGB", size, data, "raw", "RGB", plain.bytesPerLine())
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    for bits in _FEWER_BITS:
        if path.stat().st_size <= _MOST_BYTES:
            return
        ImageOps.posterize(picture, bits).save(path, optimize=True)


def quiet_runtime_directory() -> None:
    """Keep Qt from warning of a session without XDG_RUNTIME_DIR, as in a container."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        place = Path(f"/tmp/runtime-{os.getuid()}")
        place.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(place)


def _let_python_see_signals(window: ViewerWindow) -> QTimer:
    """Close on Ctrl-C and SIGTERM: Python handles a signal only while it runs."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: window.close())
    timer = QTimer()
    timer.timeout.connect(lambda: None)
    timer.start(_SIGNALS_EVERY_MS)
    return timer
