"""3D ResNet-50 on a large block of the volume."""

from __future__ import annotations

from typing import Any, cast

import torch

from gliofuse.deep.networks.base import Network, average, resnet_maps, torchvision_resnet

__all__ = ["ResNet50Volume"]


class ResNet50Volume(Network):
    """3D ResNet-50, the comparator of the slice networks.

    Parameters
    ----------
    in_channels : int
        Sequences stacked as channels; 1 or 4 in the paper.
    classes : int
        Width of the output; 2 in the paper.

    Notes
    -----
    Input: float32 (N, in_channels, z, y, x), 128 x 160 x 160 in the paper. Output: logits
    (N, classes). Features: (N, 2048), the mean of the fourth stage's maps.

    Stated in the paper: 3D ResNet-50, input size, batch 4. The project's choice: torchvision's
    design carried to three dimensions, stem 7 x 7 x 7 of stride 2 with pooling.

    References
    ----------
    .. [1] He K et al. Deep residual learning for image recognition. CVPR 2016.

    Examples
    --------
    >>> ResNet50Volume(in_channels=1).eval()(torch.zeros(1, 1, 32, 32, 32)).shape
    torch.Size([1, 2])
    """

    spatial_dims = 3
    feature_size = 2048
    gradcam_layer = "trunk.layer4"

    def __init__(self, *, in_channels: int = 4, classes: int = 2) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        self.trunk = torchvision_resnet(
            50, spatial_dims=3, in_channels=in_channels, outputs=classes
        )

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return the 2,048 pooled features of each block, (N, 2048); ``shape`` is not used."""
        self._check_image(image)
        return average(resnet_maps(self.trunk, image))

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for blocks (N, in_channels, z, y, x)."""
        logits: torch.Tensor = cast(Any, self.trunk).fc(self.features(image))
        return logits
