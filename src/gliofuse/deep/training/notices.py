"""Lightning's notices on hardware and loaders, held back while it trains."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_lightning"]


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hold back Lightning's notices on hardware and its advice on loaders, for this block only."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in (
                r".*does not have many workers",
                r".*GPU available but not used",
                r".*`isinstance\(treespec, LeafSpec\)` is deprecated",
                r".*Starting from v1\.9\.0, `tensorboardX`",
                r".*[Tt]he number of training batches",
            ):
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
