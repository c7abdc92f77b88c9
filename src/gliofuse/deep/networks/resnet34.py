"""ImageNet's ResNet-34 as a frozen feature extractor."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn

from gliofuse.deep.networks.base import Network, average, resnet_maps, torchvision_resnet
from gliofuse.errors import InputError

__all__ = ["ResNet34"]

# Mean and standard deviation of ImageNet's red, green and blue on a 0..1 scale: what torchvision's
# published weights were trained with.
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_SD = (0.229, 0.224, 0.225)


class ResNet34(Network):
    """ResNet-34 in ImageNet's layout; its 1,000 outputs are the features.

    Parameters
    ----------
    in_channels : int
        1 (a sequence, copied to three channels) or 3.
    classes : int
        Width of the linear layer on the 1,000 outputs, which makes a classifier of the extractor.
    frozen : bool
        Whether the ImageNet part keeps its weights and its batch statistics in training.
    imagenet_scaling : bool
        Whether the channels are standardised as ImageNet's were, for images of range 0..1. Z-scored
        images have that mean and spread already and need none.

    Raises
    ------
    InputError
        If ``in_channels`` is neither 1 nor 3.

    Notes
    -----
    Input: float32 (N, in_channels, y, x), 224 x 224 in the paper. Output: logits (N, classes).
    Features: (N, 1000).

    Stated in the paper: ResNet-34 trained on ImageNet, the slice copied to three channels, its
    1,000 outputs as features. The project's choice: how the input is scaled, which the paper does
    not say, and the linear layer behind the features, which only matters where the network itself
    classifies.

    References
    ----------
    .. [1] He K et al. Deep residual learning for image recognition. CVPR 2016.

    Examples
    --------
    >>> ResNet34().eval().features(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1000])
    """

    spatial_dims = 2
    feature_size = 1000
    gradcam_layer = "trunk.layer4"
    pretrained_layout = "resnet34"
    mean: torch.Tensor
    sd: torch.Tensor

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 2,
        frozen: bool = True,
        imagenet_scaling: bool = False,
    ) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        if in_channels not in (1, 3):
            raise InputError(
                f"in_channels of ResNet34: takes 1 sequence (copied to three channels) or 3, "
                f"got {in_channels}; extract the features of each sequence by itself"
            )
        self.frozen = frozen
        self.trunk = torchvision_resnet(34, spatial_dims=2, in_channels=3, outputs=1000)
        self.head = nn.Linear(self.feature_size, classes)
        mean, sd = (_IMAGENET_MEAN, _IMAGENET_SD) if imagenet_scaling else ((0.0,) * 3, (1.0,) * 3)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(sd).reshape(1, 3, 1, 1), persistent=False)
        if frozen:
            self.trunk.requires_grad_(False)
            self.trunk.eval()

    def train(self, mode: bool = True) -> ResNet34:
        """Switch the mode; a frozen trunk stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return ImageNet's 1,000 outputs for each slice, (N, 1000); ``shape`` is not used."""
        self._check_image(image)
        scaled = (image.expand(-1, 3, -1, -1) - self.mean) / self.sd
        outputs: torch.Tensor = cast(Any, self.trunk).fc(average(resnet_maps(self.trunk, scaled)))
        return outputs

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for slices (N, in_channels, y, x); ``shape`` is not used."""
        logits: torch.Tensor = self.head(self.features(image))
        return logits
