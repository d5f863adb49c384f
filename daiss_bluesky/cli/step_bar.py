"""A progress bar for a stored scan: its frames, then the steps at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

from daiss_bluesky.core.reconstruction import Progress as State


def make_bar(*, show: bool) -> Progress:
    """Make a progress bar with the time left.

    Where nobody watches, and before a refusal, there is none to leave behind.
    """
    console = Console(stderr=True)
    hidden = not (show and console.is_terminal)
    columns = ("{task.description}", BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=hidden)


@contextmanager
def watched(
    *, show: bool, doing: str = "iterating"
) -> Iterator[tuple[Console, Callable[[State], None]]]:
    """Give the console beside the bar, and what to tell each state to."""
    with make_bar(show=show) as bar:
        task = bar.add_task("reconstructing", total=None)

        def advance(state: State) -> None:
            if state.step == 1:
                # The time left is that of the steps alone.
                bar.reset(task)
            if not state.steps:
                done, total = state.frames_used, state.frames_expected
                bar.update(task, completed=done, total=total)
                return
            bar.update(
                task,
                completed=state.step,
                total=state.steps,
                description=_stepping(state, doing),
            )

        yield bar.console, advance


def _stepping(state: State, doing: str) -> str:
    residual = state.quality.get("residual", state.parameters.get("residual"))
    return doing if residual is None else f"{doing}, residual {residual:.3g}"
