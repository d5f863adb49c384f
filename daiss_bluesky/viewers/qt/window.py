"""The desktop window: follows a result, and puts together all that shows it."""

import time
from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QByteArray, Qt, QTimer
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.query import Query
from daiss_bluesky.viewers.model.reconstructor_watch import ReconstructorWatch
from daiss_bluesky.viewers.qt.banner import Banner
from daiss_bluesky.viewers.qt.end_button import EndButton
from daiss_bluesky.viewers.qt.errands import Errands
from daiss_bluesky.viewers.qt.feed import Feed, Steering
from daiss_bluesky.viewers.qt.honesty_line import HonestyLine
from daiss_bluesky.viewers.qt.keys import KeySheet
from daiss_bluesky.viewers.qt.layout import LayoutStore
from daiss_bluesky.viewers.qt.looking_back import LookingBack
from daiss_bluesky.viewers.qt.page import PanePage
from daiss_bluesky.viewers.qt.pane.keys import overview
from daiss_bluesky.viewers.qt.progress_plots import ProgressPlots
from daiss_bluesky.viewers.qt.ptychography_page import PtychographyPage
from daiss_bluesky.viewers.qt.ptychography_panel import PtychographyPanel
from daiss_bluesky.viewers.qt.run_browser import RunBrowser
from daiss_bluesky.viewers.qt.run_table import newest_result
from daiss_bluesky.viewers.qt.shortcuts import add_shortcuts
from daiss_bluesky.viewers.qt.theme import DARK, LIGHT, THEMES, Theme, apply_theme
from daiss_bluesky.viewers.qt.tomography_page import TomographyPage
from daiss_bluesky.viewers.qt.tomography_steering import TomographySteering
from daiss_bluesky.viewers.qt.top_bar import TopBar

TICK_MS = 40
"""25 pictures a second are the most that is shown."""
SAY_MS = 8000
STEERING = "Rotation center"
WORDS_EVERY = 5
"""Ticks between two looks at what is not a picture: ages, lists, curves."""


class ViewerWindow(QMainWindow):
    """Polls the view model from a timer; waits for nothing."""

    def __init__(
        self,
        feed: Feed,
        *,
        steering: Steering | None = None,
        watch: ReconstructorWatch | None = None,
        tiled_uri: str = "",
        theme: Theme | None = None,
        store: LayoutStore | None = None,
    ) -> None:
        """Show a feed; without `steering` the window only looks."""
        super().__init__()
        self.setWindowTitle("daiss")
        self.resize(1600, 1000)
        self.feed = feed
        self._watch = watch
        self.theme = theme or DARK
        self.errands = Errands(self)
        self._store = store
        self._ticks = 0
        self._query = Query()
        self._seen_changes = -1
        self.last_picture = QPixmap()
        """The window as it was when it was closed."""
        self._followed = Followed()
        self.bar = TopBar()
        self.banner = Banner()
        self.honesty = HonestyLine()
        self._tiled_uri = tiled_uri
        self.runs = RunBrowser(tiled_uri)
        self.pages: dict[str, PanePage] = {
            "tomography": TomographyPage(),
            "ptychography": PtychographyPage(),
        }
        self.plots = ProgressPlots()
        self.past = LookingBack(feed.history, self.pages, self.plots, self)
        self._put_together()
        self._add_panels(steering)
        self.keys = KeySheet(self, {"In a picture": overview()})
        add_shortcuts(self)
        self._connect()
        self._load_layout()
        self.set_theme(theme or self.theme)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)

    def _add_panels(self, steering: Steering | None) -> None:
        """Put what steers one technique beside its page, what steers both on top."""
        self.end = EndButton(steering, self.errands)
        self.bar.add(self.end)
        self.steering = TomographySteering(
            self.feed, steering, self.tomography, self.errands
        )
        self.ptychography = PtychographyPanel(
            self.feed,
            steering,
            self.errands,
            self.pages["ptychography"].panes["map"],
            self,
        )
        self.panels = QStackedWidget()
        self.panels.addWidget(self.steering.panel)
        self.panels.addWidget(self.ptychography.panel)
        self.steering_dock = self.dock(
            "steering", STEERING, self.panels, Qt.DockWidgetArea.RightDockWidgetArea
        )

    @property
    def tomography(self) -> TomographyPage:
        """The page of tomography."""
        page = self.pages["tomography"]
        assert isinstance(page, TomographyPage)  # noqa: S101 - made so above
        return page

    @property
    def followed(self) -> Followed:
        """The result on the screen."""
        return self._followed

    def tick(self) -> None:
        """Show what is new."""
        self._take_pictures()
        if self._ticks % WORDS_EVERY == 0:
            self._show_words()
        self._ticks += 1

    def _take_pictures(self) -> None:
        pictures = self.feed.mailbox.take()
        if not pictures:
            return
        followed = self.feed.followed()
        if followed.result_uid != self._followed.result_uid:
            self._change_result(followed)
        page = self.pages.get(followed.technique)
        for picture in pictures.values():
            ours = picture.result_uid == followed.result_uid
            if page is not None and ours and self.past.live:
                page.show_picture(picture)

    def _show_words(self) -> None:
        now_s = time.time()
        followed, connection = self.feed.followed(), self.feed.connection()
        if followed.result_uid != self._followed.result_uid:
            self._change_result(followed)
        self._followed = followed
        page = self.pages.get(followed.technique)
        if page is not None:
            has_volume = "volume" in followed.arrays
            page.set_source(self._tiled_uri, has_volume=has_volume)
        honesty = self.feed.honesty()
        self.bar.show_followed(followed)
        self.end.show_followed(followed)
        self.bar.show_connection(connection, now_s)
        self.honesty.show_honesty(honesty if followed.result_uid else None, now_s)
        away = self._watch.message if self._watch else ""
        self._show_banner(connection.message, followed.problem, away)
        changes = self.feed.catalog_changes
        if changes != self._seen_changes:
            self._seen_changes = changes
            self.runs.show_runs(self.feed.runs(self._query), followed.raw_uid)
        self.past.refresh(followed.technique)
        self.plots.show_progress(self.feed.curves(), followed.technique)
        if followed.technique == "ptychography":
            self.ptychography.show_state(followed, honesty)
        else:
            self.steering.show_state(followed, honesty)

    def _show_banner(self, *sentences: str) -> None:
        said = " ".join(one for one in sentences if one)
        if said != self.banner.text():
            self.banner.say(said)

    def _change_result(self, followed: Followed) -> None:
        self._followed = followed
        page = self.pages.get(followed.technique)
        if page is not None:
            page.forget()
            self.stack.setCurrentWidget(page)
        ptychography = followed.technique == "ptychography"
        self.panels.setCurrentIndex(int(ptychography))
        self.steering_dock.setWindowTitle("Ptychography" if ptychography else STEERING)
        self.steering.forget()
        self.ptychography.forget()
        self.past.forget()
        self._seen_changes = -1

    def follow_latest(self, follow: bool = True) -> None:
        """Show each new result as it comes, or stay with this one."""
        self.feed.follow(None if follow else self._followed.result_uid or None)
        self._show_words()

    def open_run(self, run_uid: str) -> None:
        """Show the newest reconstruction of a run, and stay with it."""
        for run in self.feed.runs(self._query):
            if run.uid == run_uid:
                result = newest_result(run)
                if result is None:
                    self._say("this run has no reconstruction yet")
                    return
                self.feed.follow(result.uid)
        self._show_words()

    def set_theme(self, theme: Theme) -> None:
        """Dress everything anew."""
        self.theme = theme
        application = QApplication.instance()
        assert isinstance(application, QApplication)  # noqa: S101 - a window has one
        apply_theme(application, theme)
        self.bar.set_theme(theme)
        self.honesty.set_theme(theme)
        self.plots.set_theme(theme)
        self.steering.set_theme(theme)
        self.ptychography.set_theme(theme)
        for page in self.pages.values():
            page.set_theme(theme)

    def toggle_theme(self) -> None:
        """Dark or light."""
        self.set_theme(LIGHT if self.theme is DARK else DARK)

    def toggle_alone(self) -> None:
        """Give the page to one pane, or share it."""
        page = self.stack.currentWidget()
        if isinstance(page, PanePage):
            page.toggle_alone()

    def toggle_full_screen(self) -> None:
        """Fill the screen, or not."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def closeEvent(self, event: Any) -> None:
        """Remember the layout, and stop."""
        self._timer.stop()
        self.last_picture = self.grab()
        self.errands.close()
        if self._store is not None:
            self._store.save(self._layout())
        super().closeEvent(event)

    def dock(self, name: str, title: str, widget: QWidget, area: Any) -> QDockWidget:
        """Add a dock that can be moved, closed and found again."""
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _say(self, sentence: str) -> None:
        self.statusBar().showMessage(sentence, SAY_MS)

    def _search(self, query: Query) -> None:
        self._query = query
        self.runs.show_runs(self.feed.runs(query), self._followed.raw_uid)

    def _connect(self) -> None:
        self.bar.follow_asked.connect(self.follow_latest)
        self.bar.theme_asked.connect(self.toggle_theme)
        self.bar.keys_asked.connect(self.keys.toggle)
        self.runs.opened.connect(self.open_run)
        self.runs.searched.connect(self._search)
        self.end.made_again.connect(self.follow_latest)
        for one in (self.end, self.steering, self.ptychography):
            one.said.connect(self._say)
        objects = self.pages["ptychography"]
        assert isinstance(objects, PtychographyPage)  # noqa: S101 - made so above
        self.ptychography.crop.toggled.connect(objects.set_cropped)
        for page in self.pages.values():
            page.said.connect(self._say)

    def _put_together(self) -> None:
        self.stack = QStackedWidget()
        waiting = QLabel("waiting for the first reconstruction")
        waiting.setProperty("role", "big")
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack.addWidget(waiting)
        for page in self.pages.values():
            self.stack.addWidget(page)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stack, 1)
        head = QWidget()
        top = QVBoxLayout(head)
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(0)
        for one in (self.bar, self.banner, self.honesty):
            top.addWidget(one)
        self.setMenuWidget(head)
        self.setCentralWidget(middle)
        below = QWidget()
        bottom = QVBoxLayout(below)
        bottom.setContentsMargins(0, 0, 0, 0)
        bottom.setSpacing(0)
        bottom.addWidget(self.plots, 1)
        bottom.addWidget(self.past.scrubber)
        area = Qt.DockWidgetArea
        self.runs_dock = self.dock("runs", "Runs", self.runs, area.LeftDockWidgetArea)
        self.plots_dock = self.dock(
            "progress", "Progress", below, area.BottomDockWidgetArea
        )

    def _size_docks(self) -> None:
        beside = [self.runs_dock, self.steering_dock]
        self.resizeDocks(beside, [325, 270], Qt.Orientation.Horizontal)
        self.resizeDocks([self.plots_dock], [185], Qt.Orientation.Vertical)

    def _layout(self) -> dict[str, Any]:
        return {
            "geometry": bytes(self.saveGeometry().toHex()).decode(),
            "docks": bytes(self.saveState().toHex()).decode(),
            "theme": self.theme.name,
            "pages": {name: page.save_layout() for name, page in self.pages.items()},
        }

    def _load_layout(self) -> None:
        layout = self._store.load() if self._store else {}
        if not layout:
            # Before the window has its size the docks take none.
            QTimer.singleShot(0, self._size_docks)
            return
        try:
            self._restore(layout)
        except (DaissError, ValueError, TypeError, KeyError, AttributeError):
            self._say("the remembered layout is not understood: this is the usual one")

    def _restore(self, layout: Mapping[str, Any]) -> None:
        self.restoreGeometry(QByteArray.fromHex(layout["geometry"].encode()))
        self.restoreState(QByteArray.fromHex(layout["docks"].encode()))
        self.theme = THEMES.get(layout["theme"], self.theme)
        for name, stored in layout["pages"].items():
            if name in self.pages:
                self.pages[name].load_layout(stored)
