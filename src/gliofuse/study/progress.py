"""How a study reports its progress; the command line and Python each show it their own way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gliofuse.deep.training import TrainingProgress

__all__ = ["Progress"]

_LOGGER = logging.getLogger("gliofuse.study")


class Progress:
    """Progress of a study, shown nowhere; a subclass shows it by overriding ``stage`` and ``say``.

    Everything said also goes to the run's log, while :meth:`log_to` is open.
    """

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Open a stage; yields the function that takes the number of steps done so far."""
        self.log(f"{name}: {total} {unit}")
        yield lambda done: None

    def training(self, name: str, state: TrainingProgress) -> None:
        """Take in how a network's training stands; called after each batch, logs each epoch."""
        if state.epoch_done:
            self.log(f"{name}: {state.describe()}")

    def say(self, text: str) -> None:
        """Show one line, and log it."""
        self.log(text)

    def log(self, text: str) -> None:
        """Write to the run's log only."""
        _LOGGER.info(text)

    @contextmanager
    def log_to(self, path: Path) -> Iterator[None]:
        """Append everything said to a file, with the time, until the block ends."""
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        _LOGGER.addHandler(handler)
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.propagate = False
        try:
            yield
        except Exception:
            _LOGGER.exception("stopped")
            raise
        finally:
            _LOGGER.removeHandler(handler)
            handler.close()
