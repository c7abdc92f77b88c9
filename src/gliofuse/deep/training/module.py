"""The Lightning module. Lightning is imported here, and this module only when training starts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning.pytorch import LightningModule
from torch import nn
from torch.utils.data import DataLoader, default_collate

from gliofuse.compute import PeakMemory
from gliofuse.deep.data.dataset import CaseDataset
from gliofuse.deep.training.hyperparameters import TrainingSettings
from gliofuse.deep.training.order import EpochItems, epoch_order
from gliofuse.deep.training.predict import (
    Loss,
    ShapeScale,
    autocast,
    by_patient,
    logits_of,
    patient_auc,
    predict_items,
    run_network,
    to_device,
)
from gliofuse.deep.training.state import TrainingProgress, TrainingState, write_checkpoint
from gliofuse.errors import RunError

__all__ = ["TrainingModule"]

NAN = float("nan")
_PLAIN_CPU = ("cpu", "32-true")


class TrainingModule(LightningModule):
    """One training: epochs from a state on, each ended by validation, selection and checkpoint.

    Lightning moves data and weights, casts, clips and synchronises processes. The order of items,
    the learning rate, what is kept and when it stops are functions of the state and the epoch, so
    that a resumed training cannot differ from an unbroken one.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        training: CaseDataset,
        validation: CaseDataset | None,
        *,
        settings: TrainingSettings,
        scale: ShapeScale | None,
        state: TrainingState,
        optimiser_state: dict[str, Any] | None,
        folder: Path | None,
        identity: str,
        seed: int,
        precision: str,
        progress: Callable[[TrainingProgress], None] | None,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.training_data = training
        self.validation_data = validation
        self.settings = settings
        self.scale = scale
        self.state = state
        self.folder = folder
        self.identity = identity
        self.seed = seed
        self.precision_name = precision
        self.progress = progress
        self._optimiser_state = optimiser_state
        self._epoch = state.next_epoch
        self._mark = 0.0

    # ------------------------------------------------------------ set-up
    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser over what is not frozen."""
        settings = self.settings
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        common: dict[str, Any] = {
            "lr": settings.rate(self._epoch),
            "weight_decay": settings.weight_decay,
            # one pass over the weights instead of one an operation; a GPU keeps torch's default,
            # and Lightning does not clip the gradient of a fused optimiser in mixed precision
            "fused": True if (self.device.type, self.precision_name) == _PLAIN_CPU else None,
        }
        if settings.optimiser == "sgd":
            return torch.optim.SGD(weights, momentum=settings.momentum, **common)
        kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
        return kind(weights, betas=settings.betas, **common)

    def on_fit_start(self) -> None:
        """Put the optimiser where the interrupted training left it."""
        if self._optimiser_state is not None:
            self._optimiser().load_state_dict(self._optimiser_state)
            self._optimiser_state = None

    def train_dataloader(self) -> DataLoader[dict[str, torch.Tensor]]:
        """Return this epoch's items; Lightning asks anew for each epoch."""
        order = epoch_order(
            self.training_data, self.settings, seed=self.seed, epoch=self.state.next_epoch
        )
        processes = self.trainer.world_size
        if processes > 1:  # equal shares, so that no process waits for another's last batch
            order = order[: len(order) // processes * processes]
            order = order[self.trainer.global_rank :: processes]
        return DataLoader(
            EpochItems(self.training_data, order, self.state.next_epoch),
            batch_size=self.settings.batch_size,
            shuffle=False,
            num_workers=self.settings.loader_workers,
            pin_memory=self.device.type == "cuda",
            # a loader draws a seed when it starts: from here, not from the state of dropout
            generator=torch.Generator().manual_seed(self.seed),
        )

    # ------------------------------------------------------------ an epoch
    def on_train_epoch_start(self) -> None:
        """Set the rate and the seed of this epoch."""
        self._epoch = self.state.next_epoch
        for group in self._optimiser().param_groups:
            group["lr"] = self.settings.rate(self._epoch)
        # dropout and the like; numpy's generators are made per item
        torch.manual_seed(
            int(np.random.SeedSequence([self.seed, self._epoch]).generate_state(1)[0])
        )
        self._sum, self._count, self._batches = 0.0, 0, 0
        self._probability: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._seconds_data = self._seconds_step = 0.0
        self._start = self._mark = time.perf_counter()
        self._memory = PeakMemory().start()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Count the time since the last step as waiting for data."""
        now = time.perf_counter()
        self._seconds_data += now - self._mark
        self._mark = now

    def training_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch.

        Raises
        ------
        RunError
            If the loss is not finite; names the patients.
        """
        output = run_network(self.network, batch, self.scale)
        loss = self.loss(output, batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RunError(self._not_finite(batch, value))
        items = len(batch["label"])
        self._sum += value * items
        self._count += items
        chances = torch.softmax(logits_of(output).detach().float(), dim=1)[:, 1]
        self._probability.append((batch["case"].cpu(), chances.cpu()))
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the step's time; report."""
        now = time.perf_counter()
        self._seconds_step += now - self._mark
        self._batches += 1
        batches = int(self.trainer.num_training_batches)
        if self._batches < batches:
            self._report(batches, self.state.rows[-1] if self.state.rows else {})
        self._mark = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """Validate, choose, keep a checkpoint, and stop if it is time."""
        before = time.perf_counter()
        self._settle_norms()
        validation_loss, validation_auc = self._validate()
        now = time.perf_counter()
        row: dict[str, float] = {
            "epoch": self._epoch + 1,
            "learning_rate": self.settings.rate(self._epoch),
            "training_loss": self._sum / max(1, self._count),
            "training_auc": self._training_auc(),
            "validation_loss": validation_loss,
            "validation_auc": validation_auc,
            "seconds": now - self._start,
            "seconds_data": self._seconds_data,
            "seconds_step": self._seconds_step,
            "seconds_validation": now - before,
        }
        row["memory_mb"] = self._memory.stop()
        if self.device.type == "cuda":
            row["memory_mb"] = torch.cuda.max_memory_allocated(self.device) / 2**20
        best = self.state.add(row, self.settings)
        done = self.state.finished(self.settings)
        if self.trainer.world_size > 1:
            done = self.trainer.strategy.reduce_boolean_decision(done)
        if best:
            self.state.best_weights = {
                name: value.detach().cpu().clone()
                for name, value in self.network.state_dict().items()
            }
        if self.folder is not None and self._checkpoint_due(best=best, done=done):
            write_checkpoint(
                self.folder, self.state, self.network, self._optimiser(), self.identity, best=best
            )
        self._report(self._batches, row)
        self.trainer.should_stop = done

    # ------------------------------------------------------------ helpers
    def _checkpoint_due(self, *, best: bool, done: bool) -> bool:
        """Whether this process writes one; what is done is saved whole by who started it."""
        processes = self.trainer.world_size
        if done:
            return processes > 1 and self.trainer.is_global_zero  # how the starter learns of it
        due = best or (self._epoch + 1) % self.settings.checkpoint_every == 0
        return due and self.trainer.is_global_zero

    def _optimiser(self) -> torch.optim.Optimizer:
        return self.trainer.optimizers[0]

    def _settle_norms(self) -> None:
        """Let batch normalisation average over this epoch's first training images, as they are."""
        norms = [
            module
            for module in self.network.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training
        ]
        size, count = self.settings.batch_size, self.settings.norm_batches
        if not norms or not count:
            return
        order = epoch_order(
            self.training_data, self.settings, seed=self.seed, epoch=self.state.next_epoch
        )
        items = order[: size * count, 0]
        momenta = [module.momentum for module in norms]
        self.network.eval()  # so that nothing but the norms moves, and dropout draws nothing
        for module in norms:
            module.reset_running_stats()
            module.momentum = None  # the plain average
            module.train()
        with torch.no_grad(), autocast(self.device, self.precision_name):
            for start in range(0, len(items) - 1, size):  # never a single item
                parts = [self.training_data[int(i)] for i in items[start : start + size]]
                batch = to_device(default_collate(parts), self.device)
                run_network(self.network, batch, self.scale)
        for module, momentum in zip(norms, momenta):
            module.momentum = momentum
        self.network.train()

    def _validate(self) -> tuple[float, float]:
        """Return loss and AUC of the validation patients; every process computes both."""
        data = self.validation_data
        if data is None or data.labels is None:
            return NAN, NAN
        items, loss = predict_items(
            self.network,
            data,
            scale=self.scale,
            loss=self.loss,
            batch_size=self.settings.batch_size,
            device=self.device,
            precision=self.precision_name,
        )
        patients = by_patient(items, data.case_ids)
        if not np.isfinite(patients["probability"]).all():
            bad = patients.index[~np.isfinite(patients["probability"])]
            raise RunError(
                f"epoch {self._epoch + 1}: the network's output for validation patient(s) "
                f"{', '.join(bad[:5])} is not finite; lower the learning rate or set clip_norm"
            )
        return loss, patient_auc(data.labels, patients["probability"])

    def _training_auc(self) -> float:
        """Return the AUC of the patients from the probabilities seen while learning."""
        labels = self.training_data.labels
        if labels is None:
            return NAN
        case = torch.cat([part[0] for part in self._probability]).numpy()
        chance = torch.cat([part[1] for part in self._probability]).numpy()
        mean = pd.Series(chance.astype(float)).groupby(case).mean()
        return patient_auc(labels.iloc[mean.index.to_numpy()], mean)

    def _report(self, batches: int, row: Mapping[str, float]) -> None:
        if self.progress is None or not self.trainer.is_global_zero:
            return
        self.progress(
            TrainingProgress(
                epoch=self._epoch + 1,
                epochs=self.settings.epochs,
                batch=self._batches,
                batches=batches,
                loss=self._sum / max(1, self._count),
                training_auc=row.get("training_auc", NAN),
                validation_auc=row.get("validation_auc", NAN),
                validation_loss=row.get("validation_loss", NAN),
            )
        )

    def _not_finite(self, batch: Mapping[str, torch.Tensor], value: float) -> str:
        ids = self.training_data.case_ids
        patients = sorted({ids[int(case)] for case in batch["case"]})
        broken = [
            ids[int(case)]
            for case, image in zip(batch["case"], batch["image"])
            if not bool(torch.isfinite(image).all())
        ]
        if broken:
            cause = f"the image of {', '.join(sorted(set(broken)))} has values that are not finite"
        else:
            cause = "the images are finite: lower the learning rate or set clip_norm"
        return (
            f"epoch {self._epoch + 1}: the loss became {value} on the batch with patient(s) "
            f"{', '.join(patients)}; {cause}"
        )
