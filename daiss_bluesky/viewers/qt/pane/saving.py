"""Menu that takes pictures and measurements out of the viewer."""

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QAction, QApplication, QFileDialog, QMenu, QWidget

from daiss_bluesky.core.errors import DaissError, InputError, UnavailableError
from daiss_bluesky.viewers.model import profile, regions
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.model.picture_files import save_hdf5, save_tiff
from daiss_bluesky.viewers.model.python_snippet import python_snippet
from daiss_bluesky.viewers.qt.pane.header import Header
from daiss_bluesky.viewers.qt.pane.measuring import Measuring
from daiss_bluesky.viewers.qt.pane.overlay import caption
from daiss_bluesky.viewers.qt.pane.painting import Painting
from daiss_bluesky.viewers.qt.pane.sheet import draw_sheet

SUFFIXES = {
    "PNG with scale bar and caption": ".png",
    "TIFF (float32)": ".tif",
    "HDF5 (NeXus)": ".h5",
    "Profiles as CSV": ".profiles.csv",
    "Regions against time as CSV": ".regions.csv",
}


class Saving(QObject):
    """Writes in a thread of its own; `said` tells how it went."""

    said = Signal(str)

    def __init__(
        self,
        pane: QWidget,
        painting: Painting,
        measuring: Measuring,
        header: Header,
        keyed: Mapping[str, QAction],
    ) -> None:
        super().__init__(pane)
        self._pane, self._painting, self._measuring = pane, painting, measuring
        self._keyed = keyed
        self.tiled_uri = ""
        self.result_finished = False
        self.writing: Thread | None = None
        header.add_menu(
            "Save", "↓", "Save or copy picture and measurements", self._menu()
        )
        keyed["copy"].triggered.connect(lambda *_: self.copy_picture())
        keyed["save"].triggered.connect(lambda *_: self._ask(".png"))

    def _menu(self) -> QMenu:
        menu = QMenu("Save")
        for name, suffix in SUFFIXES.items():
            action = menu.addAction(f"{name}…")
            action.triggered.connect(lambda *_, suffix=suffix: self._ask(suffix))
        menu.addSeparator()
        menu.addAction(self._keyed["copy"])
        snippet = menu.addAction("Copy as Python")
        snippet.setToolTip("A few lines that read this array from Tiled")
        snippet.triggered.connect(lambda *_: self.copy_python())
        return menu

    def file_name(self, suffix: str) -> str:
        """Propose a name that says scan, view and update."""
        picture = self._shown()
        facts = dict(picture.facts)
        parts = [
            *(facts[name] for name in ("scan", "scan id") if name in facts),
            picture.view,
            f"{picture.number:04d}",
        ]
        kept = ["".join(c if c.isalnum() else "_" for c in part) for part in parts]
        return "-".join(kept) + suffix

    def save(self, path: Path) -> None:
        """Start to write what the name's end says; InputError for another end."""
        write = self._writer(path)

        def work() -> None:
            try:
                write()
            except (DaissError, OSError) as error:
                self.said.emit(str(error))
            else:
                self.said.emit(f"saved {path}")

        self.writing = Thread(target=work, name="save-picture")
        self.writing.start()

    def copy_picture(self) -> None:
        """Put the picture as it is on the screen, marks too, on the clipboard."""
        QApplication.clipboard().setPixmap(self._painting.grab())
        self.said.emit("picture copied")

    def copy_python(self) -> None:
        """Put lines that read this array from Tiled on the clipboard."""
        if not self.tiled_uri:
            self.said.emit("this picture does not come from Tiled: nothing copied")
            return
        try:
            QApplication.clipboard().setText(self.snippet())
        except InputError as error:
            self.said.emit(str(error))
        else:
            self.said.emit("Python copied; it takes the key from TILED_API_KEY")

    def snippet(self) -> str:
        """Give lines that read this array from Tiled."""
        return python_snippet(
            self.tiled_uri, self._shown(), finished=self.result_finished
        )

    def sheet(self) -> Callable[[], QImage]:
        """Give what draws the present picture with scale bar and caption, later."""
        painting, picture, shown = self._painting, self._shown(), self._painting.shown()
        look, levels = painting.look, painting.levels
        lines = (
            *caption(picture),
            *painting.notes(),
            f"{look.colormap} {look.scale} · {levels.low:.4g} to {levels.high:.4g}",
        )
        return lambda: draw_sheet(shown.colors(), picture, lines)

    def _writer(self, path: Path) -> Callable[[], object]:
        """Take what is to be written now; the picture may be another when it is."""
        picture = self._shown()
        pixels = self._painting.shown_pixels()
        name = path.name
        if name.endswith(".png"):
            sheet = self.sheet()
            return lambda: _save_image(sheet(), path)
        if name.endswith((".tif", ".tiff")):
            return lambda: save_tiff(path, picture, pixels)
        if name.endswith((".h5", ".hdf5", ".nxs")):
            return lambda: save_hdf5(path, picture, pixels)
        if name.endswith(".regions.csv"):
            trends = {mark.name: mark.trend for mark in self._measuring.marks.regions}
            return _text_writer(path, regions.to_csv(trends))
        if name.endswith(".csv"):
            panel = self._measuring.profiles
            shown = [*panel.profiles, *panel.frozen]
            return _text_writer(path, profile.to_csv(shown))
        raise InputError(
            f"{name}: expected a name that ends with .png, .tif, .h5, .profiles.csv"
            " or .regions.csv"
        )

    def _shown(self) -> Picture:
        if self._painting.picture is None:
            raise InputError("there is no picture yet that could be saved")
        return self._painting.picture

    def _ask(self, suffix: str) -> None:
        try:
            name = self.file_name(suffix)
            chosen, _ = QFileDialog.getSaveFileName(
                self._pane, "Save", name, f"*{suffix}"
            )
            if chosen:
                ends = chosen.endswith(suffix) or Path(chosen).suffix
                self.save(Path(chosen if ends else chosen + suffix))
        except DaissError as error:
            self.said.emit(str(error))


def _text_writer(path: Path, text: str) -> Callable[[], object]:
    return lambda: path.write_text(text, encoding="utf-8")


def _save_image(image: QImage, path: Path) -> None:
    if not image.save(str(path), "PNG"):
        raise UnavailableError(f"cannot write {path}")
