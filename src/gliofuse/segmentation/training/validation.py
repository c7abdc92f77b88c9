"""A stage's figures on the validation patients, on its own grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gliofuse.segmentation.plan import SegmentationPlan, StagePlan
from gliofuse.segmentation.sliding import predict_planes
from gliofuse.segmentation.store import StageCase

__all__ = ["Validation", "validate"]

_OVERLAP = 0.25  # tiles are cheaper this way, and it only chooses an epoch


@dataclass(frozen=True)
class Validation:
    """Mean over patients and outputs; NaN without patients."""

    loss: float = math.nan
    dice: float = math.nan


def validate(
    network: nn.Module,
    cases: Sequence[StageCase],
    plan: SegmentationPlan,
    stage: StagePlan,
    *,
    device: torch.device,
) -> Validation:
    """Return the figures of a network on some patients.

    The loss is the cross entropy of the outputs as probabilities plus one minus their soft Dice.
    """
    if not cases:
        return Validation()
    network.eval()

    def predict(batch: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return plan.outputs.probabilities(network(batch.to(device))).cpu()

    losses, dices = [], []
    for case in cases:
        image = torch.from_numpy(np.array(case.image)).float()
        target = torch.from_numpy(np.array(case.target)).float() / 255
        sums = torch.zeros(5, plan.outputs.channels, dtype=torch.float64)
        planes = predict_planes(
            predict,
            image,
            patch=stage.patch,
            channels=plan.outputs.channels,
            neighbours=stage.neighbours,
            overlap=_OVERLAP,
        )
        for plane, found in enumerate(planes):
            wanted = target[:, plane]
            hard, true = found > 0.5, wanted > 0.5
            sums[0] += (hard & true).sum(dim=(1, 2))
            sums[1] += hard.sum(dim=(1, 2)) + true.sum(dim=(1, 2))
            sums[2] += (found * wanted).sum(dim=(1, 2))
            sums[3] += (found + wanted).sum(dim=(1, 2))
            entropy = nn.functional.binary_cross_entropy(
                found.clamp(1e-6, 1 - 1e-6), wanted, reduction="none"
            )
            sums[4] += entropy.mean(dim=(1, 2)) / target.shape[1]
        tumour = sums[:, case.tumour :]
        dices.append(float(((2 * tumour[0] + 1e-9) / (tumour[1] + 1e-9)).mean()))
        soft = (2 * tumour[2] + 1) / (tumour[3] + 1)
        losses.append(float((tumour[4] + 1 - soft).mean()))
    return Validation(float(np.mean(losses)), float(np.mean(dices)))
