"""The Lightning module of one stage. Lightning is imported here, and this module when it trains."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.utils.data import DataLoader, Subset

from gliofuse.errors import RunError
from gliofuse.segmentation.augmentation import PatchAugmentation
from gliofuse.segmentation.losses import SegmentationLoss
from gliofuse.segmentation.plan import SegmentationPlan, StagePlan
from gliofuse.segmentation.settings import SegmentationSettings
from gliofuse.segmentation.store import Patches, StageCase
from gliofuse.segmentation.training.state import StageProgress, StageState, learning_rate
from gliofuse.segmentation.training.validation import validate

__all__ = ["StageModule"]

_LARGEST_GRADIENT = 12.0
_MOMENTUM = 0.99


class StageModule(LightningModule):
    """One stage's training, from a state on.

    The order of patches, their augmentation and the learning rate are functions of the seed, the
    epoch and the state, so that a resumed training does what an unbroken one does.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: SegmentationPlan,
        stage: StagePlan,
        training: list[StageCase],
        validation: list[StageCase],
        *,
        settings: SegmentationSettings,
        state: StageState,
        checkpoint: Path,
        identity: str,
        seed: int,
        progress: Callable[[StageProgress], None] | None,
    ) -> None:
        super().__init__()
        self.network = network
        self.plan = plan
        self.stage = stage
        self.training_cases = training
        self.validation_cases = validation
        self.settings = settings
        self.state = state
        self.checkpoint = checkpoint
        self.identity = identity
        self.seed = seed
        self.progress = progress
        self.loss = SegmentationLoss(plan.outputs.kind)
        axes = {"x": -1, "y": -2, "z": -3}
        self.augmentation = PatchAugmentation(
            len(plan.sequences),
            mirror=tuple(axes[name] for name in settings.mirror),
            sequence_dropout=settings.sequence_dropout,
        )
        self._average: dict[str, torch.Tensor] = {}

    # ------------------------------------------------------------ set-up
    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser."""
        settings = self.settings
        weights = self.network.parameters()
        if settings.optimiser == "sgd":
            return torch.optim.SGD(
                weights,
                lr=settings.learning_rate,
                momentum=_MOMENTUM,
                nesterov=True,
                weight_decay=settings.weight_decay,
            )
        return torch.optim.AdamW(
            weights, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def on_fit_start(self) -> None:
        """Put network, average and optimiser where the interrupted training left them."""
        if self.state.network is not None:
            self.network.load_state_dict(self.state.network)
            self.trainer.optimizers[0].load_state_dict(self.state.optimiser or {})
        kept = self.state.average or self.network.state_dict()
        self._average = {name: value.detach().clone() for name, value in kept.items()}
        self._average = {name: value.to(self.device) for name, value in self._average.items()}

    def train_dataloader(self) -> DataLoader[dict[str, torch.Tensor]]:
        """Return this epoch's patches; Lightning asks anew for each epoch."""
        settings, world = self.settings, self.trainer.world_size
        patches = Patches(
            self.training_cases,
            self.stage,
            size=settings.steps * settings.batch_size * world,
            foreground=settings.foreground,
            seed=self.seed,
        )
        patches.epoch = len(self.state.rows)
        own = range(self.trainer.global_rank, len(patches), world)
        return DataLoader(
            Subset(patches, own),
            batch_size=settings.batch_size,
            num_workers=settings.loader_workers,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator().manual_seed(self.seed),
        )

    # ------------------------------------------------------------ an epoch
    def on_train_epoch_start(self) -> None:
        """Seed the augmentation of this epoch."""
        drawn = np.random.SeedSequence(
            [self.seed, len(self.state.rows), self.trainer.global_rank]
        ).generate_state(1)
        self._generator = torch.Generator().manual_seed(int(drawn[0]))
        self._sum, self._batches = 0.0, 0
        self._mark = time.perf_counter()
        self._seconds_before = self.state.seconds

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Set the rate; end the epoch where the time is used up."""
        self._clock()
        within = batch_idx / self.settings.steps
        if batch_idx and self.state.share(self.settings) >= 1.0:
            return -1
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = learning_rate(self.state, self.settings, within)
        return None

    def training_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch.

        Raises
        ------
        RunError
            If it is not finite.
        """
        with torch.no_grad():
            image, target = self.augmentation(
                batch["image"], batch["target"], batch["present"], self._generator
            )
        loss: torch.Tensor = self.loss(self.network(image), target)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunError(
                f"segmenter, stage {self.stage.name}, epoch {len(self.state.rows) + 1}: the loss "
                f"became {value}; lower learning_rate"
            )
        self._sum += value
        self._batches += 1
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Hold the gradient within bounds."""
        nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average the weights; report."""
        steps = len(self.state.rows) * self.settings.steps + batch_idx
        decay = min(self.settings.averaging, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, 1 - decay)
                else:
                    self._average[name].copy_(value)
        self._clock()
        self._report()

    def on_train_epoch_end(self) -> None:
        """Validate with the averaged weights, choose, keep a checkpoint, stop if it is time."""
        own = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self._average)
        found = validate(
            self.network, self.validation_cases, self.plan, self.stage, device=self.device
        )
        self.network.load_state_dict(own)
        self.network.train()
        mean = self._sum / max(1, self._batches)
        row = {
            "epoch": float(len(self.state.rows) + 1),
            "learning_rate": self.trainer.optimizers[0].param_groups[0]["lr"],
            "training_loss": mean,
            "validation_loss": found.loss,
            "validation_dice": found.dice,
            "watched_loss": found.loss if math.isfinite(found.loss) else mean,
        }
        self._clock()
        row["seconds"] = self.state.seconds - self._seconds_before
        self.state.add(row, self._average)
        done = self.state.finished(self.settings)
        if self.trainer.world_size > 1:
            done = self.trainer.strategy.reduce_boolean_decision(done, all=False)
        self.state.network = own
        self.state.average = self._average
        self.state.optimiser = self.trainer.optimizers[0].state_dict()
        if self.trainer.is_global_zero:
            self.state.write(self.checkpoint, self.identity)
        self.trainer.should_stop = done
        self._report()

    # ------------------------------------------------------------ helpers
    def _clock(self) -> None:
        now = time.perf_counter()
        self.state.seconds += now - self._mark
        self._mark = now

    def _report(self) -> None:
        if self.progress is None or not self.trainer.is_global_zero:
            return
        rows = self.state.rows
        within = self._batches / self.settings.steps
        self.progress(
            StageProgress(
                stage=self.stage.name,
                epoch=min(len(rows) + 1, self.settings.epochs),
                epochs=self.settings.epochs,
                batch=self._batches,
                batches=self.settings.steps,
                loss=self._sum / max(1, self._batches),
                dice=rows[-1]["validation_dice"] if rows else math.nan,
                share=self.state.share(self.settings, within),
            )
        )
