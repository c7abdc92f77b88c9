"""Channel, spatial and global attention, and the module that fuses sequences with them."""

from __future__ import annotations

import math

import torch
from torch import nn

from gliofuse.errors import SettingError

__all__ = ["CSGFusion", "ChannelAttention", "GlobalAttention", "SpatialAttention"]


def _perceptron(channels: int, hidden: int) -> nn.Sequential:
    """Return a two-layer perceptron channels -> hidden -> channels that starts alive.

    With four channels the hidden layer has two units. Weights of free sign would leave both
    negative for every (non-negative) image in one start of four, and a dead pair never learns;
    the first layer therefore starts with weights of positive sign and no offset.
    """
    first, last = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
    nn.init.uniform_(first.weight, 0.0, 2.0 / math.sqrt(channels))
    nn.init.zeros_(first.bias)
    return nn.Sequential(first, nn.ReLU(), last)


class ChannelAttention(nn.Module):
    """Weigh each channel by what its mean and maximum say (CBAM).

    Weights = sigmoid(MLP(mean over pixels) + MLP(max over pixels)), one MLP for both.

    Parameters
    ----------
    channels : int
        Channels of the map.
    hidden : int
        Units of the perceptron's hidden layer.

    References
    ----------
    .. [1] Woo S et al. CBAM: convolutional block attention module. ECCV 2018, equation 2.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.perceptron = _perceptron(channels, hidden)

    def weights(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the weight of each channel, (N, C, y, x) to (N, C) in 0..1."""
        pixels = maps.flatten(2)
        return torch.sigmoid(
            self.perceptron(pixels.mean(dim=2)) + self.perceptron(pixels.amax(dim=2))
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the maps, each channel times its weight; shape unchanged."""
        return maps * self.weights(maps)[:, :, None, None]


class SpatialAttention(nn.Module):
    """Weigh each pixel by a 7 x 7 convolution of the channels' mean and maximum (CBAM).

    References
    ----------
    .. [1] Woo S et al. CBAM: convolutional block attention module. ECCV 2018, equation 3.
    """

    def __init__(self, kernel_size: int = 7) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the maps (N, C, y, x), each pixel times its weight in 0..1; shape unchanged."""
        summary = torch.cat([maps.mean(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)], dim=1)
        return maps * torch.sigmoid(self.convolution(summary))


class GlobalAttention(nn.Module):
    """Weigh channels pixel by pixel, then pixels channel by channel, without pooling (GAM).

    Parameters
    ----------
    channels : int
        Channels of the map.
    hidden : int
        Units, and channels, of the two sub-modules' bottlenecks.
    kernel_size : int
        Of the spatial sub-module's two convolutions.

    References
    ----------
    .. [1] Liu Y, Shao Z, Hoffmann N. Global attention mechanism: retain information to enhance
       channel-spatial interactions. arXiv:2112.05561, 2021, equations 1 and 2.
    """

    def __init__(self, channels: int, hidden: int, kernel_size: int = 7) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.perceptron = _perceptron(channels, hidden)
        self.spatial = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size, padding=padding),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, kernel_size, padding=padding),
            nn.BatchNorm2d(channels),
        )

    def channel_weights(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the channel sub-module's weights, (N, C, y, x) in 0..1."""
        last = maps.permute(0, 2, 3, 1)
        return torch.sigmoid(self.perceptron(last)).permute(0, 3, 1, 2)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the weighed maps; shape (N, C, y, x) unchanged."""
        weighed = maps * self.channel_weights(maps)
        return weighed * torch.sigmoid(self.spatial(weighed))


class CSGFusion(nn.Module):
    """Fuse the slices of several sequences into one channel.

    Two branches each give one channel: channel attention, spatial attention and a convolution;
    global attention and a convolution. Their stack passes a spatial attention, and a last
    convolution makes one channel of it.

    Parameters
    ----------
    sequences : int
        Channels of the stacked slices.
    reduction : int
        The perceptrons have ``max(1, sequences // reduction)`` hidden units.

    Raises
    ------
    SettingError
        If ``reduction`` is below 1.

    Notes
    -----
    Input (N, sequences, y, x), output (N, 1, y, x).

    Stated in the paper: the two branches, their order, one channel each, the attention on their
    stack, one channel out. The project's choice: reduction 2 (CBAM's usual 16 needs at least
    sixteen channels), 1 x 1 for the convolutions that compress channels, and a 1 x 1 convolution
    after the last attention to make one channel of two, which the paper leaves open.

    Examples
    --------
    >>> CSGFusion(4)(torch.rand(2, 4, 16, 16)).shape
    torch.Size([2, 1, 16, 16])
    """

    def __init__(self, sequences: int, *, reduction: int = 2) -> None:
        super().__init__()
        if reduction < 1:
            raise SettingError(f"reduction of CSGFusion: must be 1 or more, got {reduction}")
        hidden = max(1, sequences // reduction)
        self.channel = ChannelAttention(sequences, hidden)
        self.spatial = SpatialAttention()
        self.compress_local = nn.Conv2d(sequences, 1, kernel_size=1)
        self.whole = GlobalAttention(sequences, hidden)
        self.compress_global = nn.Conv2d(sequences, 1, kernel_size=1)
        self.joint = SpatialAttention()
        self.output = nn.Conv2d(2, 1, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the fused channel, (N, sequences, y, x) to (N, 1, y, x)."""
        local = self.compress_local(self.spatial(self.channel(image)))
        whole = self.compress_global(self.whole(image))
        fused: torch.Tensor = self.output(self.joint(torch.cat([local, whole], dim=1)))
        return fused
