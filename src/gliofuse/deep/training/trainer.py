"""Lightning as both trainings use it: without files, bars and notices of its own."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

__all__ = ["out_of_memory", "plain_trainer", "quiet_lightning"]


def plain_trainer(
    device: torch.device,
    *,
    devices: int,
    precision: str,
    epochs: int,
    folder: Path | None,
    clip_norm: float | None = None,
) -> Any:
    """Return Lightning's trainer for so many epochs; state and progress are the module's own."""
    from lightning.pytorch import Trainer

    return Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=devices,
        strategy="auto" if devices == 1 else "ddp_spawn",
        precision=precision,  # type: ignore[arg-type]
        max_epochs=epochs,
        gradient_clip_val=clip_norm,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of the device did not suffice."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error)
    )


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
