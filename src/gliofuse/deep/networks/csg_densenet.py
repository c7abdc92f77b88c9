"""DenseNet-121 behind a channel, spatial and global attention fusion of the sequences."""

from __future__ import annotations

from typing import Literal

import torch

from gliofuse.deep.networks.attention import CSGFusion
from gliofuse.deep.networks.base import Network
from gliofuse.deep.networks.densenet import (
    GRADCAM_LAYER,
    densenet_features,
    densenet_logits,
    densenet_trunk,
)
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["CSGDenseNet121"]


class CSGDenseNet121(Network):
    """Fuse N sequences into one channel with attention, then DenseNet-121.

    Parameters
    ----------
    in_channels : int
        Sequences stacked as channels; 4 in the paper, any number from 1 works.
    classes : int
        Width of the output; 2 in the paper.
    reduction : int
        See :class:`~gliofuse.deep.networks.attention.CSGFusion`.

    Notes
    -----
    Input: float32 (N, in_channels, y, x), 64 x 64 in the paper. Output: logits (N, classes).
    Features: (N, 1024).

    Stated in the paper: the fusion module's parts and their order, DenseNet-121 with one input
    channel after it. The project's choice: what ``CSGFusion`` and ``DenseNet121`` list in their
    notes.

    References
    ----------
    .. [1] Woo S et al. CBAM: convolutional block attention module. ECCV 2018.
    .. [2] Liu Y, Shao Z, Hoffmann N. Global attention mechanism. arXiv:2112.05561, 2021.

    Examples
    --------
    >>> network = CSGDenseNet121(in_channels=3).eval()
    >>> network(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 2])
    >>> network.sequence_attention(torch.rand(2, 3, 64, 64)).shape
    torch.Size([2, 3])
    """

    spatial_dims = 2
    feature_size = 1024
    gradcam_layer = GRADCAM_LAYER
    pretrained_layout = "densenet121"

    def __init__(self, *, in_channels: int = 4, classes: int = 2, reduction: int = 2) -> None:
        super().__init__(in_channels=in_channels, classes=classes)
        self.fusion = CSGFusion(in_channels, reduction=reduction)
        self.trunk = densenet_trunk(in_channels=1, classes=classes)

    def sequence_attention(
        self, image: torch.Tensor, *, branch: Literal["channel", "global"] = "channel"
    ) -> torch.Tensor:
        """Return how much each sequence is let through, without gradient.

        Parameters
        ----------
        image : torch.Tensor
            Slices (N, sequences, y, x).
        branch : {"channel", "global"}
            The channel attention's weights, or the mean over pixels of the global attention's.

        Returns
        -------
        torch.Tensor
            (N, sequences), each in 0..1; they do not sum to 1.

        Raises
        ------
        SettingError
            If ``branch`` is neither.
        """
        self._check_image(image)
        with torch.no_grad():
            if branch == "channel":
                return self.fusion.channel.weights(image)
            if branch == "global":
                return self.fusion.whole.channel_weights(image).mean(dim=(2, 3))
        raise SettingError(f"branch: got {branch!r}, {did_you_mean(branch, ['channel', 'global'])}")

    def features(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return the 1,024 pooled features of each slice, (N, 1024); ``shape`` is not used."""
        self._check_image(image)
        return densenet_features(self.trunk, self.fusion(image))

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N, classes) for slices (N, sequences, y, x); ``shape`` is not used."""
        return densenet_logits(self.trunk, self.features(image))
