"""The U-Net of recombination blocks of the design ``deep-radiomics``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import ChannelSELayer
from monai.networks.layers.factories import Conv, Norm, Pool
from torch import nn

__all__ = ["RecombinationBlock", "RecombinationUNet"]


class RecombinationBlock(nn.Module):
    """1 x 1 x 1 convolution, batch norm, ReLU, 3 x 3 x 3 convolution, squeeze-and-excitation.

    Parameters
    ----------
    dimensions : int
    before, width : int
        Channels that come in and that both convolutions give (64 in the paper).
    kernel : sequence of int
        Of the second convolution.
    """

    def __init__(self, dimensions: int, before: int, width: int, kernel: Sequence[int]) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, dimensions]
        norm = Norm[Norm.BATCH, dimensions]
        # a batch of one patch: running averages would hardly settle, the patch's own serve
        self.layers = nn.Sequential(
            convolution(before, width, 1, bias=False),
            norm(width, track_running_stats=False),
            nn.ReLU(inplace=True),
            convolution(width, width, tuple(kernel), padding=tuple(k // 2 for k in kernel)),
            ChannelSELayer(dimensions, width, r=min(16, width)),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of ``width`` channels, spatial size unchanged."""
        result: torch.Tensor = self.layers(maps)
        return result


class RecombinationUNet(nn.Module):
    """Encoder of recombination blocks and max pooling, decoder of transposed convolutions.

    Parameters
    ----------
    dimensions, in_channels, outputs : int
    widths : sequence of int
        Channels of each level, from the finest; one more than there are poolings.
    kernels, strides : sequence of sequence of int

    Notes
    -----
    Stated by the paper: four levels of pooling, 2 x 2 x 2 transposed convolutions of stride 2, skip
    connections, the block. The project's choice: skips are concatenated; batch norm takes the
    patch's own statistics, in prediction too, as the paper trains with batches of one.
    """

    def __init__(
        self,
        dimensions: int,
        in_channels: int,
        outputs: int,
        *,
        widths: Sequence[int],
        kernels: Sequence[Sequence[int]],
        strides: Sequence[Sequence[int]],
    ) -> None:
        super().__init__()
        self.spatial_dims = dimensions
        self.in_channels = in_channels
        pool = Pool[Pool.MAX, dimensions]
        up = Conv[Conv.CONVTRANS, dimensions]
        self.context, self.pools = nn.ModuleList(), nn.ModuleList()
        before = in_channels
        for width, kernel, stride in zip(widths, kernels, strides, strict=True):
            self.pools.append(pool(tuple(stride)) if max(stride) > 1 else nn.Identity())
            self.context.append(RecombinationBlock(dimensions, before, width, kernel))
            before = width
        self.up, self.localization = nn.ModuleList(), nn.ModuleList()
        for level in range(len(widths) - 2, -1, -1):
            step = tuple(strides[level + 1])
            self.up.append(up(widths[level + 1], widths[level], step, step))
            self.localization.append(
                RecombinationBlock(dimensions, 2 * widths[level], widths[level], kernels[level])
            )
        head = Conv[Conv.CONV, dimensions]
        self.head = head(widths[0], outputs, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Return logits (N, outputs, ...); in training a list of one."""
        maps, skips = image, []
        for pool, block in zip(self.pools, self.context, strict=True):
            maps = block(pool(maps))
            skips.append(maps)
        skips.pop()
        for up, block in zip(self.up, self.localization, strict=True):
            maps = block(torch.cat([up(maps), skips.pop()], dim=1))
        logits: torch.Tensor = self.head(maps)
        return [logits] if self.training else logits
