"""2D ResNet-18 that learns grade and survival together."""

from __future__ import annotations

import torch
from torch import nn

from gliofuse.deep.networks.base import Network, average, resnet_maps, torchvision_resnet
from gliofuse.errors import InputError

__all__ = ["DualTaskResNet18"]


class DualTaskResNet18(Network):
    """ResNet-18 with a grade head and a survival head on a shared trunk.

    Parameters
    ----------
    in_channels : int
        Sequences stacked as channels; 3 in the paper (t1, t2, t1ce).
    classes : int
        Width of the grade head; 2 in the paper.
    risk_outputs : int
        Width of the survival head: 1 for a Cox or regression loss, the number of intervals for a
        discrete-time one.

    Notes
    -----
    Input: float32 (N, in_channels, y, x), 240 x 240 in the paper. Output: a dictionary of
    ``logits`` (N, classes) and ``risk`` (N, risk_outputs). Features: (N, 512).

    Stated in the paper: ResNet-18 with ImageNet weights, the slice of the largest tumour area,
    both tasks trained together on shared weights, 512 features, survival time by regression.
    The project's choice: one linear layer per head, and a survival loss that uses censored
    patients properly (see :class:`gliofuse.deep.losses.DualTaskLoss`, whose default is Cox's
    partial likelihood; the paper's regression is offered there).

    References
    ----------
    .. [1] He K et al. Deep residual learning for image recognition. CVPR 2016.
    .. [2] Katzman JL et al. DeepSurv. BMC Med Res Methodol 2018;18:24.

    Examples
    --------
    >>> output = DualTaskResNet18().eval()(torch.zeros(2, 3, 64, 64))
    >>> output["logits"].shape, output["risk"].shape
    (torch.Size([2, 2]), torch.Size([2, 1]))
    """

    spatial_dims = 2
    feature_size = 512
    gradcam_layer = "trunk.layer4"
    pretrained_layout = "resnet18"

    def __init__(self, *, in_channels: int = 3, classes: int = 2, risk_outputs: int = 1) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        if risk_outputs < 1:
            raise InputError(f"risk_outputs: must be 1 or more, got {risk_outputs}")
        self.trunk = torchvision_resnet(18, spatial_dims=2, in_channels=in_channels, outputs=None)
        self.grade_head = nn.Linear(self.feature_size, classes)
        self.survival_head = nn.Linear(self.feature_size, risk_outputs)

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return the 512 features of each slice, (N, 512); ``shape`` is not used."""
        self._check_image(image)
        return average(resnet_maps(self.trunk, image))

    def forward(
        self, image: torch.Tensor, shape: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Return ``logits`` (N, classes) and ``risk`` (N, risk_outputs); ``shape`` is not used."""
        shared = self.features(image)
        return {"logits": self.grade_head(shared), "risk": self.survival_head(shared)}
