"""From a stream of probability planes to labels: what is kept of a plane, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from gliofuse.imaging import Box
from gliofuse.segmentation.grids import place_on
from gliofuse.segmentation.plan import SegmentationPlan

__all__ = ["Gathered", "gather"]


@dataclass(frozen=True, eq=False)
class Gathered:
    """Labels of a head and how sure they are.

    Attributes
    ----------
    labels : ndarray of uint8, shape (z, y, x)
    expected_dice : float
        ``2 sum(p over the mask) / (voxels of the mask + sum(p))``, p the chance of tumour.
    mean_entropy : float
        Bits a voxel, over the mask; NaN where it is empty.
    probabilities : dict of str to ndarray of float16
    entropy : ndarray of float16, or None
    """

    labels: np.ndarray
    expected_dice: float
    mean_entropy: float
    probabilities: dict[str, np.ndarray] = field(default_factory=dict)
    entropy: np.ndarray | None = None

    @classmethod
    def nothing(
        cls, shape: tuple[int, int, int], plan: SegmentationPlan, probabilities: bool
    ) -> Gathered:
        """Return that nothing was found."""
        kept = {name: np.zeros(shape, np.float16) for name in plan.outputs.names if probabilities}
        return cls(np.zeros(shape, np.uint8), 0.0, float("nan"), kept, np.zeros(shape, np.float16))


def gather(
    planes: Iterable[torch.Tensor],
    box: Box,
    shape: tuple[int, int, int],
    plan: SegmentationPlan,
    *,
    coarse: torch.Tensor | None = None,
    probabilities: bool = False,
    uncertainty: bool = False,
) -> Gathered:
    """Label a head plane by plane; a plane's probabilities are let go once they are used.

    Parameters
    ----------
    planes : iterable of tensor (channels, y, x)
        Of the box, in order.
    box : tuple of three slices
        Where they lie in the head.
    shape : tuple of three ints
        Of the head.
    plan : SegmentationPlan
    coarse : tensor (channels, z, y, x), optional
        The first stage's probabilities of the whole head, on its own grid.
    probabilities, uncertainty : bool
        Keep them, as float16.
    """
    outputs = plan.outputs
    labels = np.zeros(shape, np.uint8)
    first = 1 if outputs.kind == "labels" else 0
    kept = {name: np.zeros(shape, np.float16) for name in outputs.names if probabilities}
    unsure = np.zeros(shape, np.float16) if uncertainty else None
    inside = total = entropy = 0.0
    voxels = 0
    for number, plane in enumerate(planes):
        index = box[0].start + number
        if coarse is not None and plan.coarse_share:
            other = _plane_of(coarse, index, shape)[:, box[1], box[2]]
            plane = torch.lerp(plane, other, plan.coarse_share)
        found = outputs.decode(plane)
        chance = outputs.tumour(plane)
        bits = _entropy(chance)
        here = found > 0
        voxels += int(here.sum())
        inside += float(chance[here].sum())
        total += float(chance.sum())
        entropy += float(bits[here].sum())
        place = (index, box[1], box[2])
        labels[place] = found.numpy()
        if unsure is not None:
            unsure[place] = bits.numpy()
        for name, channel in zip(kept, plane[first:], strict=False):
            kept[name][place] = channel.numpy()
    return Gathered(
        labels,
        2 * inside / (voxels + total) if voxels else 0.0,
        entropy / voxels if voxels else float("nan"),
        kept,
        unsure,
    )


def _plane_of(coarse: torch.Tensor, index: int, shape: tuple[int, int, int]) -> torch.Tensor:
    """Return the coarse probabilities on one of the head's own slices."""
    before, after, share = place_on(index, shape[0], coarse.shape[1])
    plane = torch.lerp(coarse[:, before], coarse[:, after], share)
    return functional.interpolate(plane[None], shape[1:], mode="bilinear", align_corners=False)[0]


def _entropy(chance: torch.Tensor) -> torch.Tensor:
    """Return the entropy of yes or no, in bits."""
    p = chance.clamp(1e-7, 1 - 1e-7)
    return -(p * torch.log2(p) + (1 - p) * torch.log2(1 - p))
