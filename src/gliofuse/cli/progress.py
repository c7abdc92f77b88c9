"""Progress of a study, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

from gliofuse.study import Progress

__all__ = ["TerminalProgress", "bars", "counting"]

console = Console(stderr=True)


class _Rate(ProgressColumn):
    """Units per second, over the whole stage."""

    def render(self, task: Task) -> Text:
        if not task.completed or not task.elapsed:
            return Text("")
        rate = task.completed / task.elapsed
        unit = task.fields.get("unit", "items")
        text = f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s/{unit.removesuffix('s')}"
        return Text(text, style="dim")


def bars() -> Bars:
    """Return progress bars with count, rate and time left; silent where there is no terminal."""
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=False,
        disable=not console.is_terminal,
    )


@contextmanager
def counting(name: str, total: int, unit: str = "patients") -> Iterator[Callable[[int], None]]:
    """Draw one bar; yields the function that takes the number of steps done so far."""
    with bars() as drawn:
        task = drawn.add_task(name, total=total, unit=unit)
        yield lambda done: drawn.update(task, completed=done)


class TerminalProgress(Progress):
    """A study's progress as bars and lines on the terminal."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Open a bar."""
        self.log(f"{name}: {total} {unit}")
        with counting(name, total, unit) as count:
            yield count

    def say(self, text: str) -> None:
        """Print one line, once: a comparison prepares each study twice."""
        super().say(text)
        if text in self._said:
            return
        self._said.add(text)
        console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)
