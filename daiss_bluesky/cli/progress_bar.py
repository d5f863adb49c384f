"""A progress bar for scans: frames, pace, time left, and the lag of the live view."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from daiss_bluesky.cli.scan_progress import ScanProgress

WORDS = {"projection": "projections", "flat": "flats", "dark": "darks", "pair": "pair"}


class ScanProgressBar:
    """Callback for a RunEngine; silent where the console is no terminal."""

    def __init__(
        self, console: Console, lag_s: Callable[[], float | None] = lambda: None
    ) -> None:
        self.progress = ScanProgress()
        self._console = console
        self._lag_s = lag_s
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take a document and redraw."""
        now_s = time.monotonic()
        self.progress.see(str(name), doc, now_s)
        if not self._console.is_terminal or self._console.quiet:
            return
        if name == "start":
            self._begin()
        elif name == "stop":
            self.close()
        elif self._bar is not None:
            self._draw(self._bar, now_s)

    def engine_is(self, state: str, _before: str) -> None:
        """Stand still while the engine is paused: the prompt needs the line."""
        if self._bar is None:
            return
        if state == "paused":
            self._bar.stop()
        elif state == "running":
            self._bar.start()

    def _begin(self) -> None:
        self.close()
        if self.progress.scan is None:
            return
        self._bar = Progress(
            TextColumn("scan {task.fields[scan_id]}"),
            BarColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            refresh_per_second=5,
        )
        total = self.progress.expected("projection")
        self._task = self._bar.add_task(
            "starting", total=total, scan_id=self.progress.scan.scan_id
        )
        self._bar.start()

    def _draw(self, bar: Progress, now_s: float) -> None:
        done = self.progress.done.get("projection", 0)
        bar.update(self._task, completed=done, description=self.line(now_s))

    def line(self, now_s: float) -> str:
        """Say in one line what is being taken, how fast, and what is left."""
        seen = self.progress
        if seen.kind is None:
            return "starting"
        total = seen.expected(seen.kind)
        parts = [f"{seen.done[seen.kind]}/{total or '?'} {WORDS[seen.kind]}"]
        if seen.frames_per_s is not None:
            parts.append(f"{seen.frames_per_s:.1f}/s")
        if (eta_s := seen.eta_s(now_s)) is not None:
            parts.append(f"{eta_s:.0f} s left")
        if (lag_s := self._lag_s()) is not None:
            parts.append(f"live view {lag_s:.1f} s behind")
        return ", ".join(parts)

    def close(self) -> None:
        """Leave the bar as it stands."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()
