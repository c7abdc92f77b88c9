"""Progress of a study: bars in a terminal, a line now and then in a job's log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)
from rich.text import Text

from gliofuse.study import Progress

if TYPE_CHECKING:
    from gliofuse.deep.training import TrainingProgress

__all__ = ["TerminalProgress", "bars", "console", "counting", "set_verbosity"]

console = Console(stderr=True)

_SECONDS_BETWEEN_LINES = 30.0  # where there is no terminal
_SECONDS_WORTH_A_LINE = 10.0
_verbosity = 0


def set_verbosity(level: int) -> None:
    """Say how much is told: -1 results and errors alone, 0 progress, 1 each step of the log."""
    global _verbosity
    _verbosity = level


class _Rate(ProgressColumn):
    """Units per second, over the whole stage."""

    def render(self, task: Task) -> Text:
        if not task.completed or not task.elapsed:
            return Text("")
        rate = task.completed / task.elapsed
        unit = task.fields.get("unit", "items")
        text = f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s/{unit.removesuffix('s')}"
        return Text(text, style="dim")


class _Bars(Bars):
    """Bars that are lines where there is no terminal to draw in, such as in a cluster's log."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begun: dict[TaskID, float] = {}
        self._told: dict[TaskID, float] = {}

    def update(self, task_id: TaskID, *args: Any, **fields: Any) -> None:
        """Move a bar on."""
        super().update(task_id, *args, **fields)
        if not console.is_terminal and _verbosity >= 0:
            self._tell(self._tasks[task_id])

    def _tell(self, task: Task) -> None:
        """Print a line now and then, and one at the end of what took long enough to wait for."""
        now = time.monotonic()
        begun = self._begun.setdefault(task.id, now)
        since = now - self._told.setdefault(task.id, begun)
        ended = task.finished and since < math.inf and now - begun >= _SECONDS_WORTH_A_LINE
        due = since >= _SECONDS_BETWEEN_LINES and not task.finished
        if task.total is None or not (due or ended):
            return
        self._told[task.id] = -math.inf if ended else now
        left = task.time_remaining
        rest = f", about {left:.0f} s left" if left and not task.finished else ""
        done = f"{task.completed:g} of {task.total:g} {task.fields.get('unit', '')}".rstrip()
        console.print(f"{task.description}: {done}{rest}", markup=False, soft_wrap=True)


def bars() -> Bars:
    """Return progress bars with count, rate and time left."""
    return _Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=False,
        disable=not console.is_terminal or _verbosity < 0,
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
        self._bars: Bars | None = None  # of the stage that runs
        self._trainings: dict[str, TaskID] = {}

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Open a bar."""
        self.log(f"{name}: {total} {unit}")
        with bars() as self._bars:
            stage = self._bars.add_task(name, total=total, unit=unit)
            drawn = self._bars
            yield lambda done: drawn.update(stage, completed=done)
        self._bars = None
        self._trainings.clear()

    def training(self, name: str, state: TrainingProgress) -> None:
        """Draw a bar over the batches of all epochs below that of the stage."""
        super().training(name, state)
        if self._bars is None:
            return
        if name not in self._trainings:
            self._trainings[name] = self._bars.add_task(name, unit="batches")
        self._bars.update(
            self._trainings[name],
            description=f"{name}: {state.describe()}",
            total=state.epochs * state.batches,
            completed=(state.epoch - 1) * state.batches + state.batch,
        )

    def log(self, text: str) -> None:
        """Write to the run's log, and print it where every step is asked for."""
        super().log(text)
        if _verbosity > 0:
            console.print(text, style="dim", highlight=False, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line, once: a comparison prepares each study twice."""
        super().say(text)
        if text in self._said or _verbosity != 0:  # what is verbose has printed it already
            return
        self._said.add(text)
        console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)
