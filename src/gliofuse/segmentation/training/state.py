"""How a stage's training stands: its checkpoint, its learning rate, the choice of the epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gliofuse.files import atomic_path
from gliofuse.segmentation.settings import SegmentationSettings

__all__ = ["StageProgress", "StageState", "learning_rate"]

Weights = dict[str, torch.Tensor]
_POWER = 0.9
_LEAST_RATE = 1e-6


@dataclass(frozen=True)
class StageProgress:
    """How a stage's training stands after a batch.

    Parameters
    ----------
    stage : str
    epoch, epochs : int
        The epoch that runs (from 1) and how many there are at most.
    batch, batches : int
        Batches done of this epoch.
    loss : float
        Mean of this epoch so far.
    dice : float
        Of the validation patients after the last whole epoch; NaN without.
    share : float
        Share of the training that is done, by epochs or by time.
    """

    stage: str
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    dice: float
    share: float

    def describe(self) -> str:
        """Return where it stands in a few words."""
        text = f"{self.stage}: epoch {self.epoch}/{self.epochs}, loss {self.loss:.3f}"
        return f"{text}, validation Dice {self.dice:.3f}" if math.isfinite(self.dice) else text


@dataclass
class StageState:
    """Everything that the next epoch depends on.

    Attributes
    ----------
    rows : list of dict
        The curves, a row an epoch.
    seconds : float
        Spent so far.
    network, average, optimiser, best : dict or None
        State dicts; ``best`` are the averaged weights of the chosen epoch.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    network: Weights | None = None
    average: Weights | None = None
    optimiser: dict[str, Any] | None = None
    best: Weights | None = None
    best_epoch: int = 0

    def share(self, settings: SegmentationSettings, within: float = 0.0) -> float:
        """Return the share of the training that is done; ``within`` of the epoch that runs."""
        by_epochs = (len(self.rows) + within) / settings.epochs
        by_time = 0.0 if settings.minutes is None else self.seconds / (60 * settings.minutes)
        return min(1.0, max(by_epochs, by_time))

    def finished(self, settings: SegmentationSettings) -> bool:
        """Whether no further epoch is due."""
        return bool(self.rows) and self.share(settings) >= 1.0

    def add(self, row: dict[str, float], weights: Weights) -> None:
        """Take in an epoch; keep its weights if its validation Dice is the best, or is unknown."""
        self.rows.append(row)
        earlier = [old["validation_dice"] for old in self.rows[:-1]]
        dice = row["validation_dice"]
        if not math.isfinite(dice) or dice > max(earlier, default=-1.0):
            self.best = {name: value.detach().cpu().clone() for name, value in weights.items()}
            self.best_epoch = len(self.rows)

    def selection(self) -> str:
        """Return how the kept epoch was chosen, a sentence."""
        dice = self.rows[self.best_epoch - 1]["validation_dice"]
        if not math.isfinite(dice):
            return f"epoch {self.best_epoch}, the last: there were no validation patients"
        return (
            f"epoch {self.best_epoch} of {len(self.rows)}, with the highest validation Dice "
            f"{dice:.3f} (on the stage's own grid)"
        )

    def write(self, path: Path, identity: str) -> None:
        """Write a checkpoint."""
        content = {"identity": identity, **self.__dict__}
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    @classmethod
    def read(cls, path: Path, identity: str) -> StageState:
        """Return the state of an interrupted training of the same identity, or a fresh one."""
        if not path.exists():
            return cls()
        content = torch.load(path, map_location="cpu", weights_only=True)
        return cls(**content) if content.pop("identity") == identity else cls()


def learning_rate(state: StageState, settings: SegmentationSettings, within: float = 0.0) -> float:
    """Return the rate at a point of an epoch, ``within`` in 0..1.

    Examples
    --------
    >>> settings = SegmentationSettings(schedule="plateau", learning_rate=0.1, plateau_epochs=2)
    >>> rows = [{"watched_loss": loss} for loss in (1.0, 0.9, 0.95, 0.97)]
    >>> learning_rate(StageState(rows), settings), learning_rate(StageState(rows[:3]), settings)
    (0.05, 0.1)
    """
    if settings.schedule == "polynomial":
        rate = settings.learning_rate * (1 - state.share(settings, within)) ** _POWER
        return max(rate, _LEAST_RATE * settings.learning_rate)
    rate, best, waited = settings.learning_rate, math.inf, 0
    for row in state.rows:
        if row["watched_loss"] < best:
            best, waited = row["watched_loss"], 0
        else:
            waited += 1
        if waited >= settings.plateau_epochs:
            rate, waited = rate * settings.plateau_factor, 0
    return rate
