"""DenseNet-121 on axial slices."""

from __future__ import annotations

from typing import Any, cast

import torch
from monai.networks.nets import DenseNet121 as MonaiDenseNet121
from torch import nn

from gliofuse.deep.networks.base import Network, average

__all__ = ["DenseNet121"]

# At 64 x 64 the fourth block's maps are 2 x 2, too coarse to point at anything; the third's 4 x 4.
GRADCAM_LAYER = "trunk.features.denseblock3"
#: Layers of the four dense blocks, by a DenseNet's depth.
DENSENET_BLOCKS = {121: (6, 12, 24, 16)}


class DenseNet121(Network):
    """DenseNet-121 for slices of one sequence (or several, stacked as channels).

    Parameters
    ----------
    in_channels : int
        Channels of the image; 1 in the paper.
    classes : int
        Width of the output; 2 in the paper.

    Notes
    -----
    Input: float32 (N, in_channels, y, x), 64 x 64 in the paper; any size from 32 up works.
    Output: logits (N, classes). Features: (N, 1024), the pooled maps before the last layer.

    Stated in the paper: DenseNet-121, one input channel, two outputs, slices of 64 x 64.
    The project's choice: everything else as in torchvision's network (stem stride 2 with pooling,
    no dropout), so that its weights fit; Grad-CAM reads the third dense block, whose maps at
    64 x 64 are 4 x 4, where those of the fourth would be 2 x 2.

    References
    ----------
    .. [1] Huang G et al. Densely connected convolutional networks. CVPR 2017.

    Examples
    --------
    >>> network = DenseNet121()
    >>> network(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 2])
    """

    spatial_dims = 2
    feature_size = 1024
    gradcam_layer = GRADCAM_LAYER
    pretrained_layout = "densenet121"

    def __init__(self, *, in_channels: int = 1, classes: int = 2) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        self.trunk = densenet_trunk(in_channels=in_channels, classes=classes)

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return the 1,024 pooled features of each slice, (N, 1024); ``shape`` is not used."""
        self._check_image(image)
        return densenet_features(self.trunk, image)

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for slices (N, in_channels, y, x); ``shape`` is not used."""
        return densenet_logits(self.trunk, self.features(image))


def densenet_trunk(*, in_channels: int, classes: int) -> nn.Module:
    """Return MONAI's DenseNet-121 for slices."""
    return MonaiDenseNet121(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=classes,
        block_config=DENSENET_BLOCKS[121],
        pretrained=False,
    )


def densenet_features(trunk: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Return a DenseNet trunk's pooled features, (N, 1024)."""
    net = cast(Any, trunk)
    return average(torch.relu(net.features(image)))


def densenet_logits(trunk: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Return a DenseNet trunk's class scores for its pooled features."""
    return cast(torch.Tensor, cast(Any, trunk).class_layers.out(features))
