"""2D ResNet-50 whose learned vector is joined by the tumour's shape features."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from gliofuse.deep.networks.base import Network, average, resnet_maps, torchvision_resnet
from gliofuse.deep.networks.shape_names import SHAPE_FEATURES
from gliofuse.errors import InputError

__all__ = ["ShapeFusedResNet50"]


class ShapeFusedResNet50(Network):
    """ResNet-50 on slices; fourteen learned values and fourteen of shape give the class.

    Parameters
    ----------
    in_channels : int
        Sequences stacked as channels; 1 or 4 in the paper.
    classes : int
        Width of the output; 2 in the paper.
    shape_features : int
        Number of shape features, and of learned values beside them; 14 in the paper. 0 leaves
        both out: the network's last layer then gives the classes directly.

    Notes
    -----
    Input: image float32 (N, in_channels, y, x), 160 x 160 in the paper, and shape float32
    (N, 14) in the order of :data:`~gliofuse.deep.networks.SHAPE_FEATURES`, the same for all
    slices of a patient. Output: logits (N, classes). Features: (N, 28), learned then shape; or
    (N, 2048), the pooled maps, without shape.

    Stated in the paper: ResNet-50, learned vector reduced to 14, concatenation, one linear layer
    to 2. The project's choice: no activation between the layers (none is mentioned), and
    standardised shape features, since they range over orders of magnitude. Where the features
    come standardised already, as from this package's training, the buffers stay at their neutral
    default; with raw features call :meth:`set_shape_statistics` on the training patients first.

    References
    ----------
    .. [1] He K et al. Deep residual learning for image recognition. CVPR 2016.

    Examples
    --------
    >>> network = ShapeFusedResNet50(in_channels=4).eval()
    >>> network(torch.zeros(2, 4, 64, 64), torch.zeros(2, 14)).shape
    torch.Size([2, 2])
    """

    spatial_dims = 2
    gradcam_layer = "trunk.layer4"
    pretrained_layout = "resnet50"
    shape_mean: torch.Tensor
    shape_sd: torch.Tensor

    def __init__(
        self,
        *,
        in_channels: int = 4,
        classes: int = 2,
        shape_features: int = len(SHAPE_FEATURES),
    ) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        if shape_features < 0:
            raise InputError(f"shape_features: must be 0 or more, got {shape_features}")
        self.shape_features = shape_features
        self.trunk = torchvision_resnet(
            50, spatial_dims=2, in_channels=in_channels, outputs=shape_features or classes
        )
        self.feature_size = 2 * shape_features or 2048
        if shape_features:
            self.head = nn.Linear(2 * shape_features, classes)
            self.register_buffer("shape_mean", torch.zeros(shape_features))
            self.register_buffer("shape_sd", torch.ones(shape_features))

    def set_shape_statistics(self, shape: ArrayLike) -> None:
        """Take the mean and standard deviation that standardise raw shape features.

        Parameters
        ----------
        shape : array-like
            (patients, 14), one row per training patient, never one per slice. A feature that does
            not vary is only centred. The values are kept with the weights.

        Raises
        ------
        InputError
            If the network takes no shape, or the array is not finite or not of that width.
        """
        values = np.asarray(shape, dtype=np.float64)
        if not self.shape_features:
            raise InputError("set_shape_statistics: this network was built without shape features")
        if values.ndim != 2 or values.shape[1] != self.shape_features or not len(values):
            raise InputError(
                f"shape: needs one row of {self.shape_features} features per training patient, "
                f"got an array of shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise InputError("shape: holds values that are not finite; leave those patients out")
        sd = values.std(axis=0)
        flat = sd <= 1e-12 * np.abs(values).max(axis=0)
        self.shape_mean.copy_(torch.as_tensor(values.mean(axis=0)))
        self.shape_sd.copy_(torch.as_tensor(np.where(flat, 1.0, sd)))

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return learned and standardised shape features, (N, 28); or (N, 2048) without shape.

        Raises
        ------
        InputError
            If the network takes shape features and they are missing or of another size.
        """
        self._check_image(image)
        pooled = average(resnet_maps(self.trunk, image))
        if not self.shape_features:
            return pooled
        if shape is None or shape.shape != (len(image), self.shape_features):
            got = "none" if shape is None else f"shape {tuple(shape.shape)}"
            raise InputError(
                f"shape of {type(self).__name__}: needs ({len(image)}, {self.shape_features}), "
                f"one row per image, got {got}; the network without shape is 'resnet50'"
            )
        learned = cast(Any, self.trunk).fc(pooled)
        standardised = (shape.to(learned.dtype) - self.shape_mean) / self.shape_sd
        return torch.cat([learned, standardised.to(learned.dtype)], dim=1)

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for slices (N, in_channels, y, x) and shape (N, 14)."""
        last = self.head if self.shape_features else cast(Any, self.trunk).fc
        logits: torch.Tensor = last(self.features(image, shape))
        return logits
