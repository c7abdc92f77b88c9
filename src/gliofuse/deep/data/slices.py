"""Axial slices of the tumour: which ones, what part of the plane, at what size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gliofuse.deep.data.geometry import ItemGeometry, cut, resample, square_box
from gliofuse.deep.data.store import (
    ArrayStore,
    CaseArrays,
    StorePlan,
    build_store,
    load_region,
)
from gliofuse.imaging import extent

if TYPE_CHECKING:
    from gliofuse.cohort import Case, Cohort

__all__ = ["SliceSettings", "SliceStore", "build_slices", "cut_slices", "slice_plan"]


class SliceSettings(BaseModel):
    """How slices are cut.

    Attributes
    ----------
    size : int
        Side of the square image in pixels.
    which : {"all", "largest", "k-largest"}
        Every slice that holds the region, the one with the most voxels of it, or the ``k`` with
        the most.
    k : int
        Number of slices for ``"k-largest"``; a patient with fewer gives those it has.
    crop : {"square", "center", "none"}
        ``"square"``: the region's box on that slice, made square; ``"center"``: the middle
        ``center_mm`` of the plane; ``"none"``: the whole plane, padded to a square.
    center_mm : float, optional
        Side in mm for ``"center"``, padded where the plane is smaller; ``None`` takes the middle
        ``size`` voxels, so that nothing is resampled.
    margin : float
        Share of the square's side that is added on each side (``"square"``).
    minimum_side : int
        Least side in voxels of the square, so that a speck is not blown up to noise.
    minimum_area : int
        Slices with fewer voxels of the region are left out; if none reaches it, the largest stays.
    pixels : {"brain", "tumour"}
        ``"tumour"`` sets voxels outside the region to the volume's least value.
    normalisation : str
        Per volume, before cutting: ``"minmax"``, ``"zscore"``, ``"percentile"`` or ``"none"``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=64, ge=8)
    which: Literal["all", "largest", "k-largest"] = "all"
    k: int = Field(default=8, ge=1)
    crop: Literal["square", "center", "none"] = "square"
    center_mm: float | None = Field(default=None, ge=8)
    margin: float = Field(default=0.0, ge=0.0, le=2.0)
    minimum_side: int = Field(default=16, ge=1)
    minimum_area: int = Field(default=1, ge=1)
    pixels: Literal["brain", "tumour"] = "brain"
    normalisation: Literal["minmax", "zscore", "percentile", "none"] = "minmax"


class SliceStore(ArrayStore):
    """Slices of a cohort; ``array(case_id)`` is ``(slices, channels, size, size)`` in float16."""

    kind: ClassVar[str] = "slices"


def build_slices(
    cohort: Cohort,
    sequences: Sequence[str],
    region: str = "whole",
    convention: Any = "brats",
    settings: SliceSettings | None = None,
    *,
    cache_dir: str | Path,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> SliceStore:
    """Cut the slices of every patient, or take them from the cache.

    The cache is named by a hash of everything in the arguments; in it, a patient is cut again
    when the size or time of one of its files has changed.

    Parameters
    ----------
    cohort : Cohort
    sequences : sequence of str
        The channels, in this order; a patient that lacks one is a failure.
    region : str
        Region expression over the mask's labels.
    convention : str or LabelConvention
        What the labels mean.
    settings : SliceSettings, optional
    cache_dir : path
        Folder of caches.
    workers : int or None
        Processes.
    progress : callable, optional
        Called with the number of patients done so far.

    Returns
    -------
    SliceStore
        Patients that could not be cut stand in its ``failures``.
    """
    plan = slice_plan(sequences, region, convention, settings, cache_dir=cache_dir)
    return build_store(plan, cohort, workers=workers, progress=progress)


def slice_plan(
    sequences: Sequence[str],
    region: str = "whole",
    convention: Any = "brats",
    settings: SliceSettings | None = None,
    *,
    cache_dir: str | Path,
) -> StorePlan[SliceStore]:
    """Return the plan of such a store, to cut patient by patient."""
    return StorePlan(
        SliceStore,
        cut_slices,
        tuple(sequences),
        region,
        convention,
        SliceSettings() if settings is None else settings,
        Path(cache_dir),
    )


def cut_slices(
    case: Case,
    *,
    sequences: tuple[str, ...],
    region: str,
    convention: Any,
    settings: SliceSettings,
) -> CaseArrays:
    """Cut one patient's slices.

    Raises
    ------
    ImageError
        If the region holds no voxel, or the files cannot be used together.
    """
    images, mask, spacing_mm = load_region(
        case, sequences, region, convention, settings.normalisation
    )
    least = images.min(axis=(1, 2, 3))
    areas = mask.sum(axis=(1, 2))
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    result, geometry = [], []
    chosen = _choose(areas, settings)
    for z in chosen:
        plane = images[:, z]
        if settings.pixels == "tumour":
            plane = np.where(mask[z], plane, least[:, None, None])
        start, stop = _box(mask[z], settings, spacing_mm[1:])
        # padding differs by channel: shift each to a least value of zero, and back
        cropped = cut(plane - least[:, None, None], start, stop, fill=0.0)
        result.append(
            resample(cropped, (settings.size, settings.size)) + least[:, None, None],
        )
        geometry.append(
            ItemGeometry(
                case.case_id,
                (int(z), start[0], start[1]),
                (int(z) + 1, stop[0], stop[1]),
                (settings.size, settings.size),
                shape,
                spacing_mm,
            )
        )
    return CaseArrays(np.stack(result), geometry, [int(areas[z]) for z in chosen])


def _choose(areas: np.ndarray, settings: SliceSettings) -> np.ndarray:
    """Return the slices to cut, in anatomical order."""
    largest_first = np.argsort(-areas, kind="stable")
    candidates = largest_first[areas[largest_first] >= settings.minimum_area]
    if len(candidates) == 0 or settings.which == "largest":
        candidates = largest_first[:1]
    elif settings.which == "k-largest":
        candidates = candidates[: settings.k]
    return np.sort(candidates)


def _box(
    plane_mask: np.ndarray, settings: SliceSettings, spacing_mm: tuple[float, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    height, width = plane_mask.shape
    if settings.crop == "none":
        return square_box((0, 0), (height, width))
    if settings.crop == "center":
        wanted = settings.center_mm
        sides = [settings.size if wanted is None else round(wanted / mm) for mm in spacing_mm]
        start = ((height - sides[0]) // 2, (width - sides[1]) // 2)
        return start, (start[0] + sides[0], start[1] + sides[1])
    return square_box(*extent(plane_mask), margin=settings.margin, minimum=settings.minimum_side)
