"""A U-Net with a residual encoder, deep supervision and any pooling an axis."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.layers.factories import Conv, Norm, Pool
from torch import nn

__all__ = ["ResidualUNet"]

_SLOPE = 0.01


class ResidualUNet(nn.Module):
    """U-Net with residual blocks on the way down and one convolution a level on the way up.

    Parameters
    ----------
    dimensions : int
        2 or 3.
    in_channels, outputs : int
    widths : sequence of int
        Channels of each level, from the finest.
    kernels, strides : sequence of sequence of int
        An axis each, for every level; the first stride is 1.
    blocks : sequence of int
        Residual blocks of each level.

    Notes
    -----
    In training ``forward`` returns the logits of every level but the two coarsest (but always of
    the finest), from the finest on; in evaluation those of the finest alone.

    References
    ----------
    .. [1] Isensee F et al. nnU-Net revisited. MICCAI 2024.
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
        blocks: Sequence[int],
    ) -> None:
        super().__init__()
        self.spatial_dims = dimensions
        self.in_channels = in_channels
        levels = list(zip(widths, kernels, strides, blocks, strict=True))
        self.stem = _convolution(dimensions, in_channels, widths[0], kernels[0])
        encoder, before = [], widths[0]
        for width, kernel, stride, count in levels:
            parts = [_ResidualBlock(dimensions, before, width, kernel, stride)]
            parts += [
                _ResidualBlock(dimensions, width, width, kernel, [1] * dimensions)
                for _ in range(count - 1)
            ]
            encoder.append(nn.Sequential(*parts))
            before = width
        self.encoder = nn.ModuleList(encoder)
        up = Conv[Conv.CONVTRANS, dimensions]
        self.up, self.decoder = nn.ModuleList(), nn.ModuleList()
        for level in range(len(widths) - 2, -1, -1):
            step = tuple(strides[level + 1])
            self.up.append(up(widths[level + 1], widths[level], step, step))
            self.decoder.append(
                _convolution(dimensions, 2 * widths[level], widths[level], kernels[level])
            )
        self.supervised = max(1, len(widths) - 2)
        head = Conv[Conv.CONV, dimensions]
        self.heads = nn.ModuleList(
            head(widths[level], outputs, 1) for level in range(self.supervised)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Return logits (N, outputs, ...) at the image's size; in training a list of levels."""
        maps = self.stem(image)
        skips = []
        for stage in self.encoder:
            maps = stage(maps)
            skips.append(maps)
        skips.pop()
        found = []
        for number, (up, block) in enumerate(zip(self.up, self.decoder, strict=True)):
            maps = block(torch.cat([up(maps), skips.pop()], dim=1))
            level = len(self.up) - 1 - number
            if level < self.supervised and (self.training or level == 0):
                found.append(self.heads[level](maps))
        if not self.up:
            found.append(self.heads[0](maps))
        return found[::-1] if self.training else found[-1]


class _ResidualBlock(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(
        self, dimensions: int, before: int, width: int, kernel: Sequence[int], stride: Sequence[int]
    ) -> None:
        super().__init__()
        convolution = Conv[Conv.CONV, dimensions]
        norm = Norm[Norm.INSTANCE, dimensions]
        self.first = _convolution(dimensions, before, width, kernel, stride)
        self.second = nn.Sequential(
            convolution(width, width, tuple(kernel), padding=_same(kernel), bias=False),
            norm(width, affine=True),
        )
        around: list[nn.Module] = []
        if max(stride) > 1:
            pool = Pool[Pool.AVG, dimensions]
            around.append(pool(tuple(stride), tuple(stride), ceil_mode=True))
        if before != width:
            around += [convolution(before, width, 1, bias=False), norm(width, affine=True)]
        self.around = nn.Sequential(*around)
        self.act = nn.LeakyReLU(_SLOPE, inplace=True)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of the block's width and stride."""
        return self.act(self.second(self.first(maps)) + self.around(maps))


def _convolution(
    dimensions: int,
    before: int,
    width: int,
    kernel: Sequence[int],
    stride: Sequence[int] | None = None,
) -> nn.Sequential:
    """Return convolution, instance norm and leaky ReLU."""
    convolution = Conv[Conv.CONV, dimensions]
    norm = Norm[Norm.INSTANCE, dimensions]
    steps = tuple(stride) if stride is not None else 1
    return nn.Sequential(
        convolution(before, width, tuple(kernel), steps, _same(kernel), bias=False),
        norm(width, affine=True),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


def _same(kernel: Sequence[int]) -> tuple[int, ...]:
    return tuple(size // 2 for size in kernel)
