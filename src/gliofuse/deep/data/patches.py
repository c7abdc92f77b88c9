"""Three-dimensional patches around the tumour, one a patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveFloat

from gliofuse.deep.data.geometry import ItemGeometry, cut, resample
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

__all__ = ["PatchSettings", "PatchStore", "build_patches", "cut_patch", "patch_plan"]


class PatchSettings(BaseModel):
    """How a patch is cut.

    Attributes
    ----------
    size_zyx : tuple of int
        Pixels of the patch.
    crop : {"tumour", "middle", "whole"}
        ``"tumour"``: centred on the region: in plane on its box on the largest slice, along z on
        its whole extent; ``"middle"``: the middle of the volume; ``"whole"``: the whole volume,
        resampled to ``size_zyx``.
    pixel_mm_zyx : tuple of float, optional
        Size of the patch's pixels in mm, to which the voxels are resampled; ``None`` leaves the
        voxels as they are.
    oversize : {"fit", "crop"}
        For a region that does not fit into the patch: ``"fit"`` takes a larger box of the same
        proportions that holds all of it, and resamples; ``"crop"`` keeps the scale and loses the
        region's rim. Either is noted for the patient.
    pixels : {"brain", "tumour"}
        ``"tumour"`` sets voxels outside the region to the volume's least value.
    normalisation : str
        Per volume, before cutting: ``"minmax"``, ``"zscore"``, ``"percentile"`` or ``"none"``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_zyx: tuple[int, int, int] = (96, 128, 96)
    crop: Literal["tumour", "middle", "whole"] = "tumour"
    pixel_mm_zyx: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    oversize: Literal["fit", "crop"] = "fit"
    pixels: Literal["brain", "tumour"] = "brain"
    normalisation: Literal["minmax", "zscore", "percentile", "none"] = "minmax"


class PatchStore(ArrayStore):
    """Patches of a cohort; ``array(case_id)`` is ``(1, channels, *size_zyx)`` in float16."""

    kind: ClassVar[str] = "patches"


def build_patches(
    cohort: Cohort,
    sequences: Sequence[str],
    region: str = "whole",
    convention: Any = "brats",
    settings: PatchSettings | None = None,
    *,
    cache_dir: str | Path,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> PatchStore:
    """Cut the patch of every patient, or take it from the cache.

    Parameters and cache are those of :func:`gliofuse.deep.data.build_slices`; a region larger
    than the patch is treated by ``settings.oversize`` and stands in the store's ``notes``.
    """
    plan = patch_plan(sequences, region, convention, settings, cache_dir=cache_dir)
    return build_store(plan, cohort, workers=workers, progress=progress)


def patch_plan(
    sequences: Sequence[str],
    region: str = "whole",
    convention: Any = "brats",
    settings: PatchSettings | None = None,
    *,
    cache_dir: str | Path,
) -> StorePlan[PatchStore]:
    """Return the plan of such a store, to cut patient by patient."""
    return StorePlan(
        PatchStore,
        cut_patch,
        tuple(sequences),
        region,
        convention,
        PatchSettings() if settings is None else settings,
        Path(cache_dir),
    )


def cut_patch(
    case: Case,
    *,
    sequences: tuple[str, ...],
    region: str,
    convention: Any,
    settings: PatchSettings,
) -> CaseArrays:
    """Cut one patient's patch; padded with each channel's least value at the border.

    Raises
    ------
    ImageError
        If the region holds no voxel, or the files cannot be used together.
    """
    images, mask, spacing_mm = load_region(
        case, sequences, region, convention, settings.normalisation
    )
    least = images.min(axis=(1, 2, 3))[:, None, None, None]
    if settings.pixels == "tumour":
        images = np.where(mask, images, least)
    start, stop, note = _box(mask, settings, spacing_mm)
    patch = resample(cut(images - least, start, stop, fill=0.0), settings.size_zyx) + least
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    geometry = ItemGeometry(
        case.case_id,
        (start[0], start[1], start[2]),
        (stop[0], stop[1], stop[2]),
        settings.size_zyx,
        shape,
        spacing_mm,
    )
    return CaseArrays(patch[None], [geometry], [int(mask.sum())], note)


def _box(
    mask: np.ndarray, settings: PatchSettings, spacing_mm: Sequence[float]
) -> tuple[list[int], list[int], str]:
    """Return the patch's box in voxels, and a note if the region did not fit."""
    if settings.crop == "whole":
        return [0, 0, 0], list(mask.shape), ""
    pixel_mm = settings.pixel_mm_zyx or spacing_mm
    sides = [
        max(1, round(pixels * mm / voxel_mm))
        for pixels, mm, voxel_mm in zip(settings.size_zyx, pixel_mm, spacing_mm)
    ]
    if settings.crop == "middle":
        return *_around(mask.shape, sides), ""
    low, high = extent(mask)
    largest = mask[int(mask.sum(axis=(1, 2)).argmax())]
    plane_low, plane_high = extent(largest)
    doubled = [low[0] + high[0], plane_low[0] + plane_high[0], plane_low[1] + plane_high[1]]
    start, stop = _around(doubled, sides)
    if all(a <= b for a, b in zip(start, low)) and all(a >= b for a, b in zip(stop, high)):
        return start, stop, ""
    size = " x ".join(str(b - a) for a, b in zip(low, high))
    covered = " x ".join(str(side) for side in sides)
    if settings.oversize == "crop":
        note = f"the region ({size} voxels) is larger than the patch ({covered}): its rim is cut"
        return start, stop, note
    # centred on the whole region, so that the enlarged box is no larger than it must be
    doubled = [a + b for a, b in zip(low, high)]
    factor = max(1.0, *((b - a) / side for a, b, side in zip(low, high, sides)))
    sides = [int(np.ceil(side * factor)) for side in sides]
    note = f"the region ({size} voxels) does not fit the patch ({covered}): "
    if factor > 1:
        note += f"a box {factor:.2f} times as large is resampled to it"
    else:
        note += "it is centred on the whole region instead of its largest slice"
    return *_around(doubled, sides), note


def _around(doubled_centre: Sequence[int], sides: Sequence[int]) -> tuple[list[int], list[int]]:
    start = [(c - side) // 2 for c, side in zip(doubled_centre, sides)]
    return start, [a + side for a, side in zip(start, sides)]
