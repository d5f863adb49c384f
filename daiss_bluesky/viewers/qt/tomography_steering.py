"""Takes the user's wishes about a tomography to the reconstructor, and answers back."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from daiss_bluesky.viewers.model.followed import Followed
from daiss_bluesky.viewers.model.honesty import Honesty
from daiss_bluesky.viewers.model.orthogonal import Point
from daiss_bluesky.viewers.model.picture import Picture
from daiss_bluesky.viewers.qt.center_panel import CenterPanel
from daiss_bluesky.viewers.qt.errands import Errands
from daiss_bluesky.viewers.qt.fan import TILES, FanPanel, Tile
from daiss_bluesky.viewers.qt.feed import Feed, Steering, awaited
from daiss_bluesky.viewers.qt.theme import Theme
from daiss_bluesky.viewers.qt.tomography_page import TomographyPage

_SINOGRAM_EVERY_S = 3.0
_ENOUGH_FOR_A_FAN = 0.9
"""Coverage."""
_QUIET = {"sinogram", "half turn", "positions", "planned positions"}
"""Asked by the window itself: a refusal is shown where it belongs, if anywhere."""
_NOBODY = "no reconstructor is known here: this window only looks (see --state)"


class TomographySteering(QObject):
    """Owns the panels beside the slices; everything that waits is an errand."""

    said = Signal(str)
    """A sentence for the status bar."""

    def __init__(
        self,
        feed: Feed,
        steering: Steering | None,
        page: TomographyPage,
        errands: Errands,
    ) -> None:
        super().__init__(page)
        self._feed, self._steering = feed, steering
        self._page, self._errands = page, errands
        self._followed = Followed()
        self._asked_sinogram: tuple[Any, ...] = ()
        self._asked_pair: tuple[Any, ...] = ()
        self._asked_s = 0.0
        self._fan_asked = False
        self.center = CenterPanel()
        self.fan = FanPanel()
        self.panel = QWidget()
        layout = QVBoxLayout(self.panel)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.center)
        layout.addWidget(self.fan, 1)
        self.center.applied.connect(self.apply_center)
        self.fan.asked.connect(self.ask_fan)
        self.fan.chosen.connect(self.center.want)
        page.point_wanted.connect(self.look)
        page.half_turn.asked.connect(self.ask_half_turn)
        self.center.wanted.connect(page.half_turn.set_center)
        errands.refused.connect(self._refused)

    def show_state(self, followed: Followed, honesty: Honesty) -> None:
        """Take what the newest update says of itself."""
        self._followed = followed
        if followed.technique != "tomography":
            return
        in_force = honesty.parameters
        geometry = followed.metadata.get("geometry") or {}
        shape = geometry.get("frame_shape")
        self.center.show_in_force(
            in_force.get("center_px"),
            str(in_force.get("center_source") or ""),
            int(shape[1]) if shape else None,
        )
        self._refresh_sinogram(honesty)
        self._refresh_half_turn(honesty)
        self._refresh_fan(honesty)

    def forget(self) -> None:
        """Begin anew: another result is shown."""
        self.center.forget()
        self.fan.forget()
        self._asked_sinogram, self._asked_pair = (), ()
        self._fan_asked = False

    def apply_center(self, center_px: float | None) -> None:
        """Send a center to the reconstructor; None has it found again."""
        wish = "found again" if center_px is None else f"{center_px:.2f} px"

        def done(_: Any) -> None:
            self.said.emit(f"center {wish}: sent; the next update carries it")

        def send(steering: Steering, of: str) -> None:
            steering.center(center_px, of=of)

        self._ask("center", send, done)

    def look(self, point: Point) -> None:
        """Have the slices through a point shown."""
        z, y, x = point.z, point.y, point.x
        if self._followed.finished:
            self._errands.send(
                "slices", lambda: awaited(self._feed.slices(z, y, x)), self._show_all
            )
            return
        self._ask("look", lambda steering, of: steering.look(z, y, x, of=of))

    def ask_fan(self, step_px: float) -> None:
        """Ask for the slice at nine centers about the wanted one."""
        around_px = self.center.steps.value_px
        point = self._page.linked.point

        def fan(steering: Steering, of: str) -> Mapping[str, Any]:
            return steering.fan(
                around_px=around_px,
                step_px=step_px,
                count=TILES,
                z=None if point is None else point.z,
                of=of,
            )

        self._ask("fan", fan, self._show_fan)

    def _show_fan(self, found: Mapping[str, Any]) -> None:
        self.fan.show_tiles(tiles_of(found), str(found.get("unsure") or ""))

    def ask_half_turn(self) -> None:
        """Ask for the projections at 0 and 180 degrees."""
        self._errands.send(
            "half turn", lambda: awaited(self._feed.opposite()), self._show_pair
        )

    def open_fan(self) -> None:
        """Show the fan, and ask for it."""
        self.fan.ask()

    def set_theme(self, theme: Theme) -> None:
        """Take other colors."""
        self.fan.set_theme(theme)

    def _ask(self, name: str, do: Any, *done: Any) -> None:
        steering, of = self._steering, self._followed.result_uid
        if steering is None:
            self._refused(name, _NOBODY)
            return
        self._errands.send(name, lambda: do(steering, of), *done)

    def _refresh_sinogram(self, honesty: Honesty) -> None:
        point = self._page.linked.point
        if point is None:
            return
        wanted = (self._followed.result_uid, point.z, honesty.frames_used)
        now_s = time.monotonic()
        moved = wanted[:2] != self._asked_sinogram[:2]
        due = now_s - self._asked_s > _SINOGRAM_EVERY_S
        if wanted == self._asked_sinogram or not (moved or due):
            return
        self._asked_sinogram, self._asked_s = wanted, now_s
        z, numbers = point.z, self._feed.curves().number
        number = int(numbers[-1]) if len(numbers) else 0

        def sinogram(steering: Steering, of: str) -> Picture:
            found = steering.sinogram(z, of=of)
            return sinogram_picture(found, of, number, self._facts())

        if self._steering is not None and not self._followed.finished:
            self._ask("sinogram", sinogram, self._show_one)
            return
        self._errands.send(
            "sinogram", lambda: awaited(self._feed.sinogram(z)), self._show_one
        )

    def _refresh_half_turn(self, honesty: Honesty) -> None:
        """Ask once at the first frames, where a plan took a pair, and at the end."""
        followed = self._followed
        wanted = (followed.result_uid, followed.finished)
        if not self._page.half_turn.empty or wanted == self._asked_pair:
            return
        if honesty.frames_used:
            self._asked_pair = wanted
            self.ask_half_turn()

    def _refresh_fan(self, honesty: Honesty) -> None:
        """Ask once by itself, when the slices are good enough to tell centers apart."""
        known = self._steering is not None and self.center.steps.value_px is not None
        if known and not self._fan_asked and honesty.coverage >= _ENOUGH_FOR_A_FAN:
            self._fan_asked = True
            if not self._followed.finished:
                self.fan.ask()

    def _show_pair(self, pair: tuple[Picture, Picture]) -> None:
        first, second = pair
        if first.result_uid == self._followed.result_uid:
            self._page.half_turn.show_pair(first.pixels, second.pixels)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        followed = self._followed
        return (("scan", str(followed.scan_id)), ("sample", followed.sample))

    def _show_one(self, picture: Picture) -> None:
        if picture.result_uid == self._followed.result_uid:
            self._page.show_picture(picture)

    def _show_all(self, pictures: Mapping[str, Picture]) -> None:
        for picture in pictures.values():
            self._show_one(picture)

    def _refused(self, name: str, sentence: str) -> None:
        if name in {"look", "slices"}:
            self._page.linked.settle()
        elif name == "fan":
            self.fan.words.setText(sentence)
        elif name == "half turn":
            self._page.half_turn.words.setText(sentence)
        if name not in _QUIET:
            self.said.emit(sentence)


def sinogram_picture(
    found: Mapping[str, Any],
    result_uid: str,
    number: int,
    facts: tuple[tuple[str, str], ...],
) -> Picture:
    """Make a picture of the reconstructor's answer; rows in the order of the angles.

    `number` is that of the newest update.
    """
    order = np.argsort(found["angles_rad"])
    return Picture(
        result_uid=result_uid,
        view="sinogram",
        number=number,
        published_s=time.time(),
        pixels=np.asarray(found["sinogram"])[order],
        rows_along="angle",
        columns_along="s",
        place=int(found["z"]),
        facts=facts,
    )


def tiles_of(found: Mapping[str, Any]) -> list[Tile]:
    """Read the reconstructor's answer."""
    parts = (found["centers_px"], found["scores"], found["slices"])
    return [
        Tile(float(c), float(s), pixels) for c, s, pixels in zip(*parts, strict=True)
    ]
