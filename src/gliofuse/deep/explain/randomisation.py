"""Whether a heat map depends on what the network learned."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gliofuse.deep.explain.gradcam import grad_cam
from gliofuse.errors import InputError

__all__ = ["RandomisationCheck", "randomisation_check"]

_BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class RandomisationCheck:
    """Likeness of the map to itself while the network's weights are shuffled, stage by stage.

    Attributes
    ----------
    stages : tuple of str
        Parts of the network in the order in which they were shuffled, the last layer first; each
        entry adds to those before it.
    correlations : tuple of float
        Mean over the images of Spearman's rank correlation with the unshuffled map; 1 = the same.
        NaN if no image has a map to compare.
    """

    stages: tuple[str, ...]
    correlations: tuple[float, ...]

    @property
    def correlation(self) -> float:
        """The rank correlation with every weight shuffled: the smaller the better."""
        return self.correlations[-1]


def randomisation_check(
    network: nn.Module,
    image: torch.Tensor,
    shape: torch.Tensor | None = None,
    *,
    class_index: int = 1,
    layer: str | None = None,
    seed: int = 0,
) -> RandomisationCheck:
    """Shuffle the weights from the last layer to the first and compare the Grad-CAM maps.

    A map that stays alike when nothing is left of what was learned shows the image's edges and
    the architecture, not the network's reasons.

    Parameters
    ----------
    network : torch.nn.Module
        Left as it is; a copy is shuffled.
    image : torch.Tensor
        (N, C, ...), about ten images.
    shape : torch.Tensor or None
        As in :func:`~gliofuse.deep.explain.grad_cam`.
    class_index : int
        The class explained.
    layer : str or None
        As in :func:`~gliofuse.deep.explain.grad_cam`.
    seed : int
        Of the shuffle.

    Returns
    -------
    RandomisationCheck

    Raises
    ------
    InputError
        If there is no image.

    Notes
    -----
    Each parameter tensor's entries are permuted, so that their distribution stays. The statistics
    of shuffled batch norms are estimated anew on the images and their mirror images: the old ones
    would belong to other weights and could leave a dead network, whose empty map differs for no
    good reason. Maps are compared at the layer's own resolution, since interpolation makes
    neighbouring pixels alike. Images whose unshuffled map is flat have no ranks and are left
    out; a map that becomes flat counts as 0. The sign of the correlation is kept.

    References
    ----------
    .. [1] Adebayo J et al. Sanity checks for saliency maps. NeurIPS 2018, section 3.1.

    Examples
    --------
    >>> from gliofuse.deep.networks import build_network
    >>> network = build_network("densenet121", ("t1",))
    >>> check = randomisation_check(network, torch.rand(2, 1, 32, 32))
    >>> check.stages[0], check.stages[-1]
    ('trunk.class_layers', 'trunk.features.conv0')
    """
    if not len(image):
        raise InputError("image of the randomisation check: needs one image or more, got none")

    def maps(net: nn.Module) -> np.ndarray:
        return grad_cam(net, image, shape, class_index=class_index, layer=layer, resolution="layer")

    before = maps(network)
    shuffled = copy.deepcopy(network).eval()
    generator = torch.Generator().manual_seed(seed)
    stages = _stages(shuffled)
    touched: list[nn.Module] = []
    correlations = []
    for modules in stages.values():
        for module in modules:
            _shuffle(module, generator)
        touched += modules
        _estimate_statistics(shuffled, touched, image, shape)
        correlations.append(_likeness(before, maps(shuffled)))
    return RandomisationCheck(tuple(stages), tuple(correlations))


def _stages(network: nn.Module) -> dict[str, list[nn.Module]]:
    """Return the modules that hold parameters, by part of the network, last part first."""
    parts: dict[str, list[nn.Module]] = {}
    for name, module in network.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            path = name.split(".")
            depth = 1 if path[0] != "trunk" else 3 if path[1:2] == ["features"] else 2
            parts.setdefault(".".join(path[:depth]), []).append(module)
    return dict(reversed(parts.items()))


def _shuffle(module: nn.Module, generator: torch.Generator) -> None:
    for parameter in module.parameters(recurse=False):
        order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
        parameter.data = parameter.data.flatten()[order].reshape(parameter.shape)


def _estimate_statistics(
    network: nn.Module, touched: list[nn.Module], image: torch.Tensor, shape: torch.Tensor | None
) -> None:
    norms = [module for module in touched if isinstance(module, _BATCH_NORM)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over what follows
        norm.train()
    device = next(network.parameters()).device
    both = torch.cat([image, image.flip(-1)]).to(device).float()
    twice = None if shape is None else torch.cat([shape, shape]).to(device)
    with torch.no_grad():
        network(both, twice)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
        norm.eval()


def _likeness(before: np.ndarray, after: np.ndarray) -> float:
    from scipy.stats import spearmanr

    found = []
    for one, other in zip(before.reshape(len(before), -1), after.reshape(len(after), -1)):
        if np.ptp(one) == 0:
            continue
        found.append(0.0 if np.ptp(other) == 0 else float(spearmanr(one, other).statistic))
    return float(np.mean(found)) if found else float("nan")
