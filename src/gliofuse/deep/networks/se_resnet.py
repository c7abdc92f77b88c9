"""3D ResNet-18 with a squeeze-and-excitation block after its fourth stage."""

from __future__ import annotations

import torch
from monai.networks.blocks import ChannelSELayer
from torch import nn

from gliofuse.deep.networks.base import Network, average, resnet_maps, torchvision_resnet

__all__ = ["SEResNet18"]

_REDUCTION = 16
_HEAD_WIDTH = 256


class SEResNet18(Network):
    """3D ResNet-18 on tumour patches, with or without squeeze-and-excitation.

    Parameters
    ----------
    in_channels : int
        Sequences stacked as channels; 3 in the paper (t1, t1ce, t2).
    classes : int
        Width of the output; 2 in the paper.
    squeeze_excitation : bool
        Whether the block stands after the fourth stage; the paper compares both.

    Notes
    -----
    Input: float32 (N, in_channels, z, y, x), 96 x 128 x 96 in the paper. Output: logits
    (N, classes). Features: (N, 512), the mean over the patch of the maps behind the block.

    Stated in the paper: 3D ResNet-18, the block's place, 512 features from the average pool
    behind it, two fully connected layers as a classifier. The project's choice: stem of stride 2
    (MONAI's default of 1 costs five to eight times the time), reduction 16 as in the block's own
    paper, 256 units with ReLU between the two layers.

    References
    ----------
    .. [1] He K et al. Deep residual learning for image recognition. CVPR 2016.
    .. [2] Hu J, Shen L, Sun G. Squeeze-and-excitation networks. CVPR 2018.

    Examples
    --------
    >>> network = SEResNet18(in_channels=3).eval()
    >>> network(torch.zeros(1, 3, 32, 32, 32)).shape
    torch.Size([1, 2])
    """

    spatial_dims = 3
    feature_size = 512

    def __init__(
        self, *, in_channels: int = 3, classes: int = 2, squeeze_excitation: bool = True
    ) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        self.trunk = torchvision_resnet(18, spatial_dims=3, in_channels=in_channels, outputs=None)
        self.se: nn.Module = (
            ChannelSELayer(3, self.feature_size, r=_REDUCTION)
            if squeeze_excitation
            else nn.Identity()
        )
        self.head = nn.Sequential(
            nn.Linear(self.feature_size, _HEAD_WIDTH), nn.ReLU(), nn.Linear(_HEAD_WIDTH, classes)
        )
        self.gradcam_layer = "se" if squeeze_excitation else "trunk.layer4"

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return the 512 features of each patch, (N, 512); ``shape`` is not used."""
        self._check_image(image)
        return average(self.se(resnet_maps(self.trunk, image)))

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for patches (N, in_channels, z, y, x)."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
