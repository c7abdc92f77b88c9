"""What every network has in common: the promises that training and explanation rely on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, cast

import torch
from monai.networks.nets import ResNet
from torch import nn

from gliofuse.errors import InputError

__all__ = ["Network"]

# MONAI's residual networks have torchvision's layout and stem only with these two settings.
_TORCHVISION_RESNET: dict[str, Any] = {"bias_downsample": False, "conv1_t_stride": 2}
_STAGE_WIDTHS = [64, 128, 256, 512]
#: Residual blocks of the four stages, by a ResNet's depth.
RESNET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class Network(nn.Module):
    """Base of the package's networks.

    Attributes
    ----------
    spatial_dims : int
        2 (image axes y, x) or 3 (z, y, x).
    in_channels : int
        Channels of the image, one per sequence.
    classes : int
        Width of the logits.
    feature_size : int
        Width D of :meth:`features`.
    gradcam_layer : str
        Dotted path of the layer whose maps Grad-CAM weighs.
    pretrained_layout : str or None
        Name of the torchvision network whose state dict fits :attr:`trunk`; None if none does.
    trunk : torch.nn.Module
        The MONAI network that takes pretrained weights.
    network_name, sequences, options
        How :func:`gliofuse.deep.networks.build_network` made it; empty when built directly.
    """

    spatial_dims: int
    in_channels: int
    classes: int
    feature_size: int
    gradcam_layer: str
    pretrained_layout: str | None = None
    trunk: nn.Module

    def __init__(self, *, in_channels: int, classes: int) -> None:
        super().__init__()
        for name, value in (("in_channels", in_channels), ("classes", classes)):
            if value < 1:
                raise InputError(f"{name} of {type(self).__name__}: must be 1 or more, got {value}")
        self.in_channels = in_channels
        self.classes = classes
        self.network_name = ""
        self.sequences: tuple[str, ...] = ()
        self.options: dict[str, Any] = {}

    @abstractmethod
    def features(
        self, image: torch.Tensor, shape: torch.Tensor | None = None
    ) -> torch.Tensor:  # pragma: no cover
        """Return the learned features, shape (N, D)."""
        raise NotImplementedError

    def _check_image(self, image: torch.Tensor) -> None:
        """Refuse an image whose axes or channels are not this network's."""
        axes = "(N, C, y, x)" if self.spatial_dims == 2 else "(N, C, z, y, x)"
        if image.ndim != self.spatial_dims + 2:
            raise InputError(
                f"image of {type(self).__name__}: needs axes {axes}, got shape {tuple(image.shape)}"
            )
        if image.shape[1] != self.in_channels:
            order = f" ({', '.join(self.sequences)})" if self.sequences else ""
            raise InputError(
                f"image of {type(self).__name__}: was built for {self.in_channels} channels"
                f"{order}, got {image.shape[1]}; give the sequences it was built for"
            )


def torchvision_resnet(
    depth: int, *, spatial_dims: int, in_channels: int, outputs: int | None
) -> ResNet:
    """Return MONAI's ResNet-18, 34 or 50 in torchvision's layout; ``outputs=None`` has no head."""
    return ResNet(
        "bottleneck" if depth >= 50 else "basic",
        list(RESNET_BLOCKS[depth]),
        list(_STAGE_WIDTHS),
        spatial_dims=spatial_dims,
        n_input_channels=in_channels,
        num_classes=outputs or 1,
        feed_forward=outputs is not None,
        **_TORCHVISION_RESNET,
    )


def resnet_maps(trunk: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Return the maps of a ResNet's fourth stage, before pooling: (N, C, image axes / 32)."""
    net = cast(Any, trunk)
    maps = net.maxpool(net.act(net.bn1(net.conv1(image))))
    return cast(torch.Tensor, net.layer4(net.layer3(net.layer2(net.layer1(maps)))))


def average(maps: torch.Tensor) -> torch.Tensor:
    """Return the mean over the spatial axes: (N, C, ...) to (N, C)."""
    return maps.flatten(2).mean(dim=2)
