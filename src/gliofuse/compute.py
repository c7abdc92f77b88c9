"""Loops over patients, folds and grid points, on one core, on all, or on a Dask cluster."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from math import isnan
from typing import Any, ClassVar, Generic, Self, TypeVar

import joblib

from gliofuse.errors import GliofuseError
from gliofuse.optional import require

__all__ = ["Outcome", "PeakMemory", "error_line", "parallel_map", "resolve_workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Outcome(Generic[Item, Result]):
    """What became of one item: its result, or the error that it ended with.

    ``error`` is one line for a person, ``details`` the whole traceback for the log; both are
    ``None`` when the item succeeded.
    """

    item: Item
    result: Result | None = None
    error: str | None = None
    details: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the item ended with an error."""
        return self.error is not None


def resolve_workers(workers: int | None) -> int:
    """Return a positive number of processes; ``None`` or ``-1`` means every usable core."""
    if workers is None or workers == -1:
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    return max(1, int(workers))


_watched: set[int] = set()


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, however that ended."""
    if parent == os.getpid() or parent in _watched:
        return
    _watched.add(parent)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)  # nobody waits for the result

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _attempt(
    function: Callable[[Item], Result],
    item: Item,
    threads: int | None,
    parent: int | None = None,
) -> Outcome[Item, Result]:
    if parent is not None:
        _end_with(parent)
    try:
        with _limited_threads(threads):
            return Outcome(item, function(item))
    except Exception as error:  # one item must never end the loop: its error travels with it
        return Outcome(item, error=error_line(error), details=traceback.format_exc())


def error_line(error: Exception) -> str:
    """Return an error as one line for a person; what is not gliofuse's own keeps its type."""
    text = str(error).strip() or repr(error)
    line = text if isinstance(error, GliofuseError) else f"{type(error).__name__}: {text}"
    return " ".join(line.split())


def _limited_threads(threads: int | None) -> AbstractContextManager[Any]:
    """Hold BLAS, OpenMP, numba and SimpleITK to ``threads``: in workers they would multiply."""
    if threads is None:
        return nullcontext()
    # SimpleITK is often imported only by the function itself; ITK then reads this.
    os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", str(threads))
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(threads)
    if "SimpleITK" in sys.modules:
        sys.modules["SimpleITK"].ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    from threadpoolctl import threadpool_limits

    return threadpool_limits(threads)


def parallel_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = 1,
    scheduler: str | None = None,
) -> Iterator[Outcome[Item, Result]]:
    """Apply ``function`` to each item and yield the outcomes in the order of the items.

    An item that raises yields an outcome with its error; the others go on. With more than one
    worker each process runs single-threaded, so that processes do not multiply with threads.

    Parameters
    ----------
    function : callable
        Takes one item; must be picklable (by cloudpickle) when ``workers`` is above 1.
    items : iterable
    workers : int or None
        Processes; ``None`` or ``-1`` takes every usable core, ``1`` runs in this process.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``); needs the extra ``dask``.

    Yields
    ------
    Outcome
    """
    tasks = list(items)
    count = min(resolve_workers(workers), max(1, len(tasks)))
    if scheduler is not None:
        client = require("distributed", extra="dask").Client(scheduler)
        with client, joblib.parallel_config(backend="dask"):
            yield from joblib.Parallel(return_as="list")(
                joblib.delayed(_attempt)(function, item, 1) for item in tasks
            )
        return
    if count == 1:
        for item in tasks:
            yield _attempt(function, item, None)
        return
    yield from joblib.Parallel(n_jobs=count, return_as="generator")(
        joblib.delayed(_attempt)(function, item, 1, os.getpid()) for item in tasks
    )


class PeakMemory:
    """The highest resident memory of this process while a block runs, or from start to stop.

    Blocks may be nested. The system keeps one high-water mark for the whole life of a process;
    Linux lets it be lowered, so that a block is not charged with what ran before it. Elsewhere
    the figure is the process's highest so far, and NaN on Windows, which has no such mark.

    Attributes
    ----------
    mb : float
        In MiB; known when the block has ended, NaN before.
    """

    _open: ClassVar[list[PeakMemory]] = []

    def __init__(self) -> None:
        self.mb = float("nan")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Begin to watch."""
        self._settle()
        self._open.append(self)
        return self

    def stop(self) -> float:
        """End the watch and return the highest use, in MiB."""
        self._settle()
        self._open.remove(self)
        return self.mb

    def _settle(self) -> None:
        """Credit the mark to every open block, then lower it to what is in use now."""
        peak = _high_water_mb()
        for block in self._open:
            block.mb = peak if isnan(block.mb) else max(peak, block.mb)
        with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as control:
            control.write("5")


def _high_water_mb() -> float:
    with suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
