"""From a stage's plan to its network."""

from __future__ import annotations

import torch
from torch import nn

from gliofuse.segmentation.networks.recombination import RecombinationUNet
from gliofuse.segmentation.networks.residual import ResidualUNet
from gliofuse.segmentation.plan import SegmentationPlan, StagePlan

__all__ = ["build_stage"]


def build_stage(plan: SegmentationPlan, stage: StagePlan, *, seed: int = 0) -> nn.Module:
    """Return a stage's network with fresh weights, drawn under ``seed``.

    Weights of slices lie in memory with their channels last, and so do the maps then: a training
    step on a CPU takes a quarter less.
    """
    channels = len(plan.sequences) * (2 * stage.neighbours + 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if plan.network == "recombination":
            network: nn.Module = RecombinationUNet(
                stage.dimensions,
                channels,
                plan.outputs.channels,
                widths=stage.widths,
                kernels=stage.kernels,
                strides=stage.strides,
            )
        else:
            network = ResidualUNet(
                stage.dimensions,
                channels,
                plan.outputs.channels,
                widths=stage.widths,
                kernels=stage.kernels,
                strides=stage.strides,
                blocks=stage.blocks,
            )
    if stage.dimensions == 2:
        torch.nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
    return network
