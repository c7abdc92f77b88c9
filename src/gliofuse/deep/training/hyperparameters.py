"""Settings of a training."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

__all__ = ["TrainingSettings"]


class TrainingSettings(BaseModel):
    """How a network is trained.

    Attributes
    ----------
    epochs : int
    batch_size : int
        Slices or patches per step.
    optimiser : {"sgd", "adam", "adamw"}
    learning_rate : float
    momentum : float
        Of SGD.
    betas : tuple of float
        Of Adam and AdamW.
    weight_decay : float
    schedule : {"constant", "step", "cosine"}
        ``step`` multiplies the rate by ``step_factor`` after every ``step_epochs`` epochs;
        ``cosine`` lets it fall to a hundredth over all epochs.
    step_epochs : int
    step_factor : float
    balance : {"none", "weights", "sampling", "duplicate"}
        Against unequal classes: class weights in the loss; drawing items with replacement, both
        classes equally often; or repeating the rarer class's items until both are equal.
    items_per_patient : int, optional
        At most so many items of a patient in an epoch, drawn anew in each; ``None`` takes all.
    selection : {"auc", "loss"}
        Which validation figure chooses the epoch: AUC of patients (ties go to the lower loss), or
        loss. Without validation patients the last epoch is kept.
    skip_epochs : int
        So many first epochs are not chosen, as their weights are still close to the random ones
        and among few validation patients a high AUC comes by chance.
    patience : int, optional
        Stop after so many epochs without a better one; ``None`` never stops early.
    norm_batches : int
        Before each validation, batch normalisation takes its means and variances from so many
        batches of training images (as they are, unaugmented). In a short training the running
        averages still hold the initial values. 0 keeps the running averages.
    clip_norm : float, optional
        Largest norm of the gradient.
    precision : {"auto", "32", "16-mixed", "bf16-mixed"}
        ``auto``: mixed on a GPU (bfloat16 where it can), 32 bits on a CPU.
    device : {"auto", "cpu", "gpu"}
    devices : int
        GPUs (or, for tests, CPU processes); ``batch_size`` is that of each.
    loader_workers : int
        Processes that read data; 0 reads in the training process, which suits cached arrays.
    checkpoint_every : int
        Epochs between checkpoints.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: PositiveInt = 20
    batch_size: PositiveInt = 16
    optimiser: Literal["sgd", "adam", "adamw"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Literal["constant", "step", "cosine"] = "constant"
    step_epochs: PositiveInt = 20
    step_factor: float = Field(default=0.1, gt=0, le=1)
    balance: Literal["none", "weights", "sampling", "duplicate"] = "none"
    items_per_patient: PositiveInt | None = None
    selection: Literal["auc", "loss"] = "auc"
    skip_epochs: int = Field(default=0, ge=0)
    patience: PositiveInt | None = None
    norm_batches: int = Field(default=0, ge=0)
    clip_norm: float | None = Field(default=None, gt=0)
    precision: Literal["auto", "32", "16-mixed", "bf16-mixed"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: PositiveInt = 1
    loader_workers: int = Field(default=0, ge=0)
    checkpoint_every: PositiveInt = 1

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if self.schedule == "step":
            steps = epoch // self.step_epochs
            return float(f"{self.learning_rate * self.step_factor**steps:.12g}")
        if self.schedule == "cosine":
            share = epoch / max(1, self.epochs - 1)
            low = 0.01 * self.learning_rate
            return low + (self.learning_rate - low) * 0.5 * (1 + math.cos(math.pi * share))
        return self.learning_rate
