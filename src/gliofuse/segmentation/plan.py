"""A segmenter's plan: what each stage sees and how its network is built, from the cohort.

The rules are those of nnU-Net: the cohort's median spacing and head size, patches as large as the
budget of voxels allows in the head's proportions, pooling along an axis while its voxels are no
coarser than twice the finest and its extent allows, kernels of one voxel along an axis until it
has been caught up with.

References
----------
.. [1] Isensee F et al. nnU-Net: a self-configuring method for deep learning-based biomedical image
   segmentation. Nat Methods 2021;18:203-211.
.. [2] Isensee F et al. nnU-Net revisited: a call for rigorous validation in 3D medical image
   segmentation. MICCAI 2024.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gliofuse.errors import SettingError
from gliofuse.segmentation.outputs import Outputs
from gliofuse.segmentation.settings import SegmentationSettings

__all__ = ["HeadShape", "SegmentationPlan", "StagePlan", "plan_segmentation"]

Triple = tuple[float, float, float]
_THICK = 3.0  # slices so many times as thick as their pixels are read as planes
_SMALLEST = 4  # voxels along an axis of the lowest maps
_MOST_POOLINGS = 5
# Fewer than this share of patients that look otherwise are taken for misjudged.
_MIXED = 0.1


@dataclass(frozen=True)
class HeadShape:
    """What the plan needs to know of one patient.

    Parameters
    ----------
    spacing_mm : tuple of three floats
        (z, y, x), axes turned to the patient's.
    shape : tuple of three ints
        Voxels (z, y, x) of the box around the head.
    stripped : bool
        Whether everything outside the brain is zero.
    """

    spacing_mm: Triple
    shape: tuple[int, int, int]
    stripped: bool


@dataclass(frozen=True)
class StagePlan:
    """One stage of a segmenter.

    Parameters
    ----------
    name : str
        ``coarse`` or ``fine``.
    dimensions : int
        2 (axial slices) or 3.
    spacing_mm : tuple of three floats
        Voxel size (z, y, x) that images are resampled to; ``spacing_mm[0]`` is 0 in two
        dimensions, where slices stay as they are.
    patch : tuple of ints
        (y, x) or (z, y, x).
    neighbours : int
        Slices on each side, in two dimensions.
    widths, kernels, strides, blocks : tuples
        Of the encoder's stages, kernels and strides an axis each.
    """

    name: str
    dimensions: int
    spacing_mm: Triple
    patch: tuple[int, ...]
    neighbours: int
    widths: tuple[int, ...]
    kernels: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    blocks: tuple[int, ...]

    def grid(self, shape: Sequence[int], spacing_mm: Sequence[float]) -> tuple[int, int, int]:
        """Return the voxels (z, y, x) of an image of that shape and spacing on this stage's grid.

        Examples
        --------
        >>> plan = StagePlan("coarse", 2, (0, 2.0, 2.0), (64, 64), 1, (), (), (), ())
        >>> plan.grid((20, 160, 120), (5.0, 1.0, 1.0))
        (20, 80, 60)
        """
        z, y, x = (
            int(size) if target == 0 else max(1, round(size * step / target))
            for size, step, target in zip(shape, spacing_mm, self.spacing_mm, strict=True)
        )
        return z, y, x


@dataclass(frozen=True)
class SegmentationPlan:
    """Everything about a segmenter but its weights.

    Parameters
    ----------
    sequences : tuple of str
        The channels, in this order.
    outputs : Outputs
    stages : tuple of StagePlan
        In the order in which they look at a patient.
    network : str
    stripped : bool
        Whether the images of the cohort hold the brain alone.
    spacing_mm, head : tuples
        The cohort's median spacing and head size (z, y, x).
    margin_mm, coarse_share : float
        See :class:`SegmentationSettings`.
    mirror : tuple of str
    """

    sequences: tuple[str, ...]
    outputs: Outputs
    stages: tuple[StagePlan, ...]
    network: str
    stripped: bool
    spacing_mm: Triple
    head: tuple[int, int, int]
    margin_mm: float
    coarse_share: float
    mirror: tuple[str, ...] = field(default=("x",))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, for :meth:`from_dict`."""
        values = dict(self.__dict__)
        values["outputs"] = self.outputs.as_dict()
        values["stages"] = [asdict(stage) for stage in self.stages]
        return values

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> SegmentationPlan:
        """Return what :meth:`as_dict` was given, also after a way through JSON."""
        values = {key: _tuples(value) for key, value in stored.items()}
        values["outputs"] = Outputs.from_dict(stored["outputs"])
        values["stages"] = tuple(
            StagePlan(**{key: _tuples(value) for key, value in stage.items()})
            for stage in stored["stages"]
        )
        return cls(**values)


def plan_segmentation(
    heads: Sequence[HeadShape],
    sequences: Sequence[str],
    outputs: Outputs,
    settings: SegmentationSettings,
) -> SegmentationPlan:
    """Plan a segmenter for a cohort.

    Parameters
    ----------
    heads : sequence of HeadShape
        One a training patient.
    sequences : sequence of str
    outputs : Outputs
    settings : SegmentationSettings

    Raises
    ------
    SettingError
        If there is no patient, or some images hold the brain alone and others the head.
    """
    if not heads:
        raise SettingError("a segmenter needs training patients with a mask, got none")
    stripped = float(np.mean([head.stripped for head in heads]))
    if _MIXED < stripped < 1 - _MIXED:
        raise SettingError(
            f"{stripped:.0%} of {len(heads)} patients are skull-stripped and the others are not: "
            "train on one kind"
        )
    spacing = np.median([head.spacing_mm for head in heads], axis=0)
    extent = np.median([np.multiply(head.shape, head.spacing_mm) for head in heads], axis=0)
    shape = np.median([head.shape for head in heads], axis=0).round().astype(int)
    dimensions = settings.dimensions
    if dimensions == "auto":
        dimensions = "2" if spacing[0] >= _THICK * spacing[1:].mean() else "3"
    fine = np.full(3, settings.fine_mm) if settings.fine_mm else spacing
    coarse = np.maximum(fine, settings.coarse_mm)
    wanted = {"two": (("coarse", coarse), ("fine", fine)), "fine": (("fine", fine),)}
    chosen = wanted.get(settings.stages, (("coarse", coarse),))
    return SegmentationPlan(
        sequences=tuple(sequences),
        outputs=outputs,
        stages=tuple(
            _stage(name, step, extent, int(dimensions), settings) for name, step in chosen
        ),
        network=settings.network,
        stripped=stripped > 0.5,
        spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        head=(int(shape[0]), int(shape[1]), int(shape[2])),
        margin_mm=settings.margin_mm,
        coarse_share=settings.coarse_share if len(chosen) > 1 else 0.0,
        mirror=settings.mirror,
    )


def _stage(
    name: str, step: np.ndarray, extent: np.ndarray, dimensions: int, settings: SegmentationSettings
) -> StagePlan:
    axes = slice(3 - dimensions, 3)
    size = np.maximum(1, np.round(extent[axes] / step[axes])).astype(int)
    if settings.network == "recombination":
        kernels, strides = _uniform(size)
    else:
        kernels, strides = _topology(_within(size, settings.patch_voxels), step[axes])
    unit = np.prod(strides, axis=0)
    patch = _rounded(_within(size, settings.patch_voxels), unit, settings.patch_voxels)
    levels = len(strides)
    if settings.network == "recombination":
        widths = [settings.width] * levels
    else:
        widths = [min(settings.width * 2**level, settings.widest) for level in range(levels)]
    target = [0.0 if dimensions == 2 else float(step[0]), float(step[1]), float(step[2])]
    return StagePlan(
        name=name,
        dimensions=dimensions,
        spacing_mm=(target[0], target[1], target[2]),
        patch=patch,
        neighbours=settings.neighbours if dimensions == 2 else 0,
        widths=tuple(widths),
        kernels=kernels,
        strides=strides,
        blocks=(settings.blocks,) * levels,
    )


def _within(size: np.ndarray, budget: int) -> np.ndarray:
    """Return the size, its axes cut down to one length until it fits the budget."""
    patch = size.astype(float)
    while np.prod(patch) > budget:
        longest = patch == patch.max()
        rest = np.prod(patch[~longest])
        even = (budget / rest) ** (1 / longest.sum())
        lower = patch[~longest].max() if (~longest).any() else 0.0
        patch[longest] = max(even, lower)
        if even >= lower:
            break
    return np.maximum(1, np.floor(patch)).astype(int)


def _rounded(patch: np.ndarray, unit: np.ndarray, budget: int) -> tuple[int, ...]:
    """Return the patch rounded up to whole poolings, or down where the budget is exceeded."""
    up = np.ceil(patch / unit).astype(int) * unit
    if np.prod(up) > 1.3 * budget:
        up = np.maximum(1, patch // unit) * unit
    return tuple(int(length) for length in up)


def _topology(
    patch: np.ndarray, spacing: np.ndarray
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return kernels and strides of each stage by nnU-Net's rules."""
    size, step = patch.astype(float), spacing.astype(float).copy()
    strides: list[tuple[int, ...]] = [(1,) * len(patch)]
    kernels: list[tuple[int, ...]] = [tuple(3 if s < 2 * step.min() else 1 for s in step)]
    while len(strides) <= _MOST_POOLINGS:
        poolable = size >= 2 * _SMALLEST
        if not poolable.any():
            break
        finest = step[poolable].min()
        halve = poolable & (step < 2 * finest)
        strides.append(tuple(2 if yes else 1 for yes in halve))
        size = np.where(halve, np.ceil(size / 2), size)
        step = np.where(halve, step * 2, step)
        kernels.append(tuple(3 if s < 2 * step.min() else 1 for s in step))
    return tuple(kernels), tuple(strides)


def _uniform(
    size: np.ndarray,
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return the paper's four levels of pooling, fewer where the image is too small for them."""
    levels = max(1, min(4, int(math.log2(max(2, size.min() / 2)))))
    axes = len(size)
    return ((3,) * axes,) * (levels + 1), ((1,) * axes, *(((2,) * axes,) * levels))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list | tuple) else value
