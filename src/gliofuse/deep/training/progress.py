"""What a training tells while it runs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainingProgress"]


@dataclass(frozen=True)
class TrainingProgress:
    """State after a batch, and after an epoch.

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
