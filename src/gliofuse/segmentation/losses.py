"""Dice and cross entropy, over every level of a network's output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from monai.losses import DiceLoss
from monai.networks.layers.factories import Pool
from torch import nn
from torch.nn import functional

__all__ = ["SegmentationLoss"]


class SegmentationLoss(nn.Module):
    """Soft Dice of the batch plus cross entropy; coarser levels count half as much each.

    Parameters
    ----------
    kind : {"regions", "labels"}
        Sigmoid and binary cross entropy a region, or softmax over labels, the background first.

    Notes
    -----
    Targets are shares of a voxel in 0..1: on a coarse grid a voxel is rarely all of one kind.
    """

    def __init__(self, kind: Literal["regions", "labels"]) -> None:
        super().__init__()
        self.kind = kind
        regions = kind == "regions"
        self.dice = DiceLoss(
            sigmoid=regions,
            softmax=not regions,
            include_background=regions,
            batch=True,
            smooth_nr=1.0,
            smooth_dr=1.0,
        )

    def forward(self, levels: Sequence[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean over the levels, the finest first.

        Parameters
        ----------
        levels : sequence of tensor, shape (N, channels, ...)
            Logits.
        target : tensor, shape (N, channels, ...)
            At the size of the finest level.
        """
        weights = [0.5**level for level in range(len(levels))]
        total = levels[0].new_zeros((), dtype=torch.float32)
        for weight, logits in zip(weights, levels, strict=True):
            wanted = target
            if logits.shape[2:] != target.shape[2:]:
                pool = Pool[Pool.ADAPTIVEAVG, logits.ndim - 2](tuple(logits.shape[2:]))
                wanted = pool(target)
            total = total + weight * self._level(logits.float(), wanted)
        return total / sum(weights)

    def _level(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.kind == "regions":
            entropy = functional.binary_cross_entropy_with_logits(logits, target)
        else:
            entropy = functional.cross_entropy(logits, target)
        dice: torch.Tensor = self.dice(logits, target)
        return dice + entropy
