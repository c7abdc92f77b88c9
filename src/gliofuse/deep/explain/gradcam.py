"""Grad-CAM of any of the package's networks, in two or three dimensions."""

from __future__ import annotations

import copy
import gc
from typing import Any, Literal

import numpy as np
import torch
from monai.visualize import GradCAM
from torch import nn

from gliofuse.errors import SettingError, did_you_mean

__all__ = ["grad_cam"]

_PREFIX = "network."


class _OneOutput(nn.Module):
    """Give MONAI the one tensor that it explains: log odds of each class, or the risk."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network = network
        self.output = output

    def forward(self, image: torch.Tensor, shape: torch.Tensor | None = None) -> torch.Tensor:
        found = self.network(image, shape)
        tensor: torch.Tensor = found[self.output] if isinstance(found, dict) else found
        if self.output != "logits" or tensor.shape[1] < 2:
            return tensor
        others = ~torch.eye(tensor.shape[1], dtype=torch.bool, device=tensor.device)
        rest = torch.stack([tensor[:, keep].logsumexp(dim=1) for keep in others], dim=1)
        return tensor - rest


def grad_cam(
    network: nn.Module,
    image: torch.Tensor,
    shape: torch.Tensor | None = None,
    *,
    class_index: int = 1,
    output: Literal["logits", "risk"] = "logits",
    layer: str | None = None,
    resolution: Literal["image", "layer"] = "image",
    batch_size: int = 16,
) -> np.ndarray:
    """Return where the images speak for a class.

    The maps of a layer, each weighed by the mean gradient of the class's score, summed, and cut
    off at zero. The network is copied first: its mode, gradients and hooks stay as they were.

    The score is the class's log odds, for two classes the difference of their logits. (The paper
    takes the class's own logit. A softmax does not know it: both logits may fall everywhere and
    both maps be empty, though one class is certain.)

    Parameters
    ----------
    network : torch.nn.Module
        With the attribute ``gradcam_layer``, as all of :mod:`gliofuse.deep.networks`.
    image : torch.Tensor
        float32 (N, C, y, x) or (N, C, z, y, x).
    shape : torch.Tensor or None
        (N, 14) for a network that takes shape features.
    class_index : int
        The class explained; 1, the positive one, by default. The same for all images, so that
        the slices of a patient can be compared.
    output : {"logits", "risk"}
        For a network with several outputs, the one explained (``risk`` with ``class_index=0``).
    layer : str or None
        Dotted path of a layer; None takes the network's ``gradcam_layer``.
    resolution : {"image", "layer"}
        Maps interpolated linearly to the image's size, or as the layer gives them.
    batch_size : int
        Images at a time.

    Returns
    -------
    numpy.ndarray
        float32 (N, y, x) or (N, z, y, x), zero or positive, not scaled: a map of zeros means that
        nothing in the image speaks for the class.

    Raises
    ------
    SettingError
        If the layer does not exist.

    References
    ----------
    .. [1] Selvaraju RR et al. Grad-CAM: visual explanations from deep networks via gradient-based
       localization. ICCV 2017, equations 1 and 2.

    Examples
    --------
    >>> from gliofuse.deep.networks import build_network
    >>> network = build_network("densenet121", ("t1",))
    >>> grad_cam(network, torch.rand(2, 1, 64, 64)).shape
    (2, 64, 64)
    """
    wanted = layer or str(network.gradcam_layer)
    names = [name for name, _ in network.named_modules() if name]
    if wanted not in names:
        raise SettingError(f"layer of Grad-CAM: got {wanted!r}, {_near(wanted, names)}")
    wrapped = _OneOutput(copy.deepcopy(network), output).eval().requires_grad_(False)
    device = next(network.parameters()).device
    explain = GradCAM(wrapped, _PREFIX + wanted, postprocessing=_as_it_is)
    compute = explain if resolution == "image" else explain.compute_map
    maps = []
    with torch.enable_grad():
        for start in range(0, len(image), batch_size):
            part = image[start : start + batch_size].detach().to(device).float()
            # The weights are frozen; the image's gradient carries on to the layer.
            part = part.clone().requires_grad_(True)
            given = None if shape is None else shape[start : start + batch_size].to(device)
            found: Any = compute(part, class_idx=class_index, shape=given)
            maps.append(found[:, 0].detach().cpu().numpy())
    # The activations that it keeps lead back to it through their graph, where Python's collector
    # cannot follow: the copy of the network would never be freed.
    hooked = explain.nn_module
    hooked.activations, hooked.gradients, hooked.score = {}, {}, None
    del wrapped, explain, compute, hooked, part, found
    gc.collect()  # the hooks and the copy hold each other, which only the collector undoes
    return np.concatenate(maps).astype(np.float32, copy=False)


def _as_it_is(maps: torch.Tensor) -> torch.Tensor:
    return maps


def _near(wanted: str, names: list[str]) -> str:
    """Return the nearest layer names, not all several hundred of them."""
    start = wanted.split(".")[0]
    shallow = [
        name
        for name in names
        if name.count(".") <= 2 and name.split(".")[0] == start and not name[-1:].isdigit()
    ] + [name for name in names if name.rpartition(".")[2].startswith(("layer", "denseblock"))]
    return did_you_mean(wanted, sorted(set(shallow)) or [name for name in names if "." not in name])
