"""The state between epochs, its checkpoint, the choice of the epoch to keep, and what is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from gliofuse.deep.training.hyperparameters import TrainingSettings
from gliofuse.files import atomic_path

__all__ = [
    "TrainingProgress",
    "TrainingState",
    "read_checkpoint",
    "remove_checkpoint",
    "write_checkpoint",
]

CHECKPOINT_FILE = "last.pt"

Weights = dict[str, torch.Tensor]


@dataclass
class TrainingState:
    """Everything that the next epoch depends on, but for network and optimiser."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: Weights | None = None

    @property
    def next_epoch(self) -> int:
        """The epoch to run next, from 0."""
        return len(self.rows)

    @property
    def curves(self) -> pd.DataFrame:
        """One row an epoch."""
        return pd.DataFrame(self.rows)

    def add(self, row: dict[str, float], settings: TrainingSettings) -> bool:
        """Take in an epoch's figures; return whether it is the best so far."""
        self.rows.append(row)
        better = self.best_epoch == 0 or _rank(row, settings) > _rank(
            self.rows[self.best_epoch - 1], settings
        )
        if better:
            self.best_epoch = len(self.rows)
        return better

    def finished(self, settings: TrainingSettings) -> bool:
        """Whether no further epoch is due."""
        if len(self.rows) >= settings.epochs:
            return True
        validated = bool(self.rows) and math.isfinite(self.rows[-1]["validation_loss"])
        waited = len(self.rows) - max(self.best_epoch, settings.skip_epochs)
        return settings.patience is not None and validated and waited >= settings.patience

    def selection(self, settings: TrainingSettings) -> str:
        """Return how the kept epoch was chosen, a sentence."""
        if not math.isfinite(self.rows[-1]["validation_loss"]):
            return f"epoch {self.best_epoch}, the last: there were no validation patients"
        best = self.rows[self.best_epoch - 1]
        if settings.selection == "loss" or not math.isfinite(best["validation_auc"]):
            why = "" if settings.selection == "loss" else " (one class only: no AUC)"
            return (
                f"epoch {self.best_epoch} of {len(self.rows)}, with the lowest validation loss "
                f"{best['validation_loss']:.3f}{why}"
            )
        return (
            f"epoch {self.best_epoch} of {len(self.rows)}, with the highest validation AUC of "
            f"patients {best['validation_auc']:.3f} (ties: lower loss)"
        )


@dataclass(frozen=True)
class TrainingProgress:
    """How a training stands after a batch, and after an epoch.

    Parameters
    ----------
    epoch, epochs : int
        The epoch that runs (from 1) and how many there are at most.
    batch, batches : int
        Batches done of this epoch.
    loss : float
        Mean loss of this epoch so far.
    training_auc, validation_auc, validation_loss : float
        Of patients, after the last whole epoch; NaN before that and where there is none.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    training_auc: float = float("nan")
    validation_auc: float = float("nan")
    validation_loss: float = float("nan")

    @property
    def epoch_done(self) -> bool:
        """Whether this is the report at the end of an epoch."""
        return self.batch == self.batches

    def describe(self) -> str:
        """Return where it stands and the figures of the last whole epoch, in a few words."""
        text = f"epoch {self.epoch}/{self.epochs}, loss {self.loss:.3f}"
        if math.isfinite(self.validation_auc):
            return f"{text}, validation AUC {self.validation_auc:.3f}"
        if math.isfinite(self.training_auc):
            return f"{text}, training AUC {self.training_auc:.3f}"
        return text


def write_checkpoint(
    folder: Path,
    state: TrainingState,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: str,
    *,
    best: bool,
) -> None:
    """Write the state after an epoch.

    The best weights have a file of their own, named by their epoch and written first, so that a
    kill between the two files leaves the earlier checkpoint with the best weights it speaks of.
    While they are the network's, they are written there alone.
    """
    if best:
        with atomic_path(_best_file(folder, state.best_epoch)) as temporary:
            torch.save(network.state_dict(), temporary)
    content = {
        "identity": identity,
        "rows": state.rows,
        "best_epoch": state.best_epoch,
        "network": None if best else network.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with atomic_path(folder / CHECKPOINT_FILE) as temporary:
        torch.save(content, temporary)
    for other in folder.glob("best-*.pt"):
        if other != _best_file(folder, state.best_epoch):
            other.unlink()


def read_checkpoint(folder: Path, identity: str) -> tuple[TrainingState, dict[str, Any]] | None:
    """Return the state of an interrupted training of the same identity, and its tensors."""
    if not (folder / CHECKPOINT_FILE).exists():
        return None
    content = torch.load(folder / CHECKPOINT_FILE, map_location="cpu", weights_only=True)
    best = _best_file(folder, int(content["best_epoch"]))
    if content["identity"] != identity or not best.exists():
        return None
    weights = torch.load(best, map_location="cpu", weights_only=True)
    if content["network"] is None:
        content["network"] = weights
    return TrainingState(list(content["rows"]), int(content["best_epoch"]), weights), content


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint; with the optimiser's state it is three times the network."""
    for leftover in (folder / CHECKPOINT_FILE, *folder.glob("best-*.pt")):
        leftover.unlink(missing_ok=True)


def _best_file(folder: Path, epoch: int) -> Path:
    return folder / f"best-{epoch:04d}.pt"


def _rank(row: dict[str, float], settings: TrainingSettings) -> tuple[float, ...]:
    """Return what an epoch is compared by; larger is better."""
    eligible = float(row["epoch"] > settings.skip_epochs)
    loss = row["validation_loss"]
    if not math.isfinite(loss):
        return (eligible, row["epoch"])  # no validation patients: the last epoch
    auc = row["validation_auc"]
    if settings.selection == "loss" or not math.isfinite(auc):
        return (eligible, -loss)
    return (eligible, auc, -loss)
