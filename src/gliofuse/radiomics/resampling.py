"""Image and mask on another grid, laid as PyRadiomics lays it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gliofuse.errors import RegionError, SettingError, did_you_mean
from gliofuse.imaging.boxes import Box, bounding_box
from gliofuse.imaging.volume import Volume

__all__ = ["correct_mask", "resample"]

_OUTSIDE_TOLERANCE = 1e-3  # voxels by which a region may reach over the image's edge


def correct_mask(image: Volume, mask: Volume) -> Volume:
    """Resample a mask to the image's grid (nearest neighbour), if its region lies inside.

    Raises
    ------
    RegionError
        If the region reaches outside the image.
    """
    import SimpleITK as sitk

    target, labels = image.to_sitk(), mask.to_sitk()
    _check_inside(target, labels, bounding_box(mask.array != 0), image, mask)
    moved = sitk.Resample(labels, target, sitk.Transform(), sitk.sitkNearestNeighbor)
    return image.with_array(sitk.GetArrayFromImage(moved))


def resample(
    image: Volume,
    mask: Volume,
    *,
    spacing_xyz_mm: Sequence[float],
    interpolator: str | int = "sitkBSpline",
    pad_voxels: int = 5,
) -> tuple[Volume, Volume]:
    """Resample image and mask to a new voxel size around the region.

    The new grid is aligned to the corner of the mask's first voxel; only the region's bounding
    box and ``pad_voxels`` around it are computed. An axis on which the region is one voxel thick
    keeps its spacing.

    Parameters
    ----------
    image : Volume
    mask : Volume
        The region: 0 and 1.
    spacing_xyz_mm : sequence of three floats
        New voxel size in the order x, y, z; 0 keeps the mask's (``resampledPixelSpacing``).
    interpolator : str or int
        SimpleITK's name or number, for the image; the mask is always nearest neighbour.
    pad_voxels : int
        In new voxels (``padDistance``).

    Returns
    -------
    image, mask : Volume
        On one grid; the image keeps its voxel type.

    Raises
    ------
    SettingError
        If the spacing or the interpolator is not allowed.
    RegionError
        If the region reaches outside the image.

    Examples
    --------
    >>> image = Volume(np.arange(64.0).reshape(4, 4, 4), spacing_mm=(2.0, 1.0, 1.0))
    >>> mask = image.with_array((image.array > 20).astype(np.uint8))
    >>> resample(image, mask, spacing_xyz_mm=(1.0, 1.0, 1.0))[0].shape
    (8, 4, 4)
    """
    import SimpleITK as sitk

    wanted = np.array(spacing_xyz_mm, dtype=float)
    if wanted.shape != (3,) or not np.isfinite(wanted).all() or (wanted < 0).any():
        raise SettingError(
            "resampledPixelSpacing needs three numbers (x, y, z) of at least 0, got "
            f"{list(spacing_xyz_mm)!r}"
        )
    method = _interpolator(interpolator)
    itk_image, itk_mask = image.to_sitk(), mask.to_sitk()
    box = bounding_box(mask.array != 0)
    _check_inside(itk_image, itk_mask, box, image, mask)
    start = np.array([extent.start for extent in box[::-1]])
    stop = np.array([extent.stop for extent in box[::-1]])
    old = np.array(itk_mask.GetSpacing())
    new = np.where(wanted == 0, old, wanted)
    new = np.where(stop - start == 1, old, new)
    if np.allclose(itk_image.GetSpacing(), new):
        moved = sitk.Resample(itk_mask, itk_image, sitk.Transform(), sitk.sitkNearestNeighbor)
        aligned = image.with_array(sitk.GetArrayFromImage(moved))
        near = bounding_box(aligned.array != 0, pad=pad_voxels)
        return image.crop(near), aligned.crop(near)
    ratio = old / new
    low = np.maximum(np.floor((start - 0.5) * ratio - pad_voxels), 0)
    last = np.ceil(np.array(itk_mask.GetSize()) * ratio) - 1
    high = np.minimum(np.ceil((stop - 0.5) * ratio + pad_voxels), last)
    # where the corner of the first new voxel meets the corner of the first old one
    origin = 0.5 * (new - old) / old + low / ratio
    grid = sitk.ResampleImageFilter()
    grid.SetOutputSpacing(new.tolist())
    grid.SetOutputDirection(itk_mask.GetDirection())
    grid.SetOutputOrigin(itk_mask.TransformContinuousIndexToPhysicalPoint(origin.tolist()))
    grid.SetSize([int(size) for size in high - low + 1])
    grid.SetInterpolator(method)
    grid.SetOutputPixelType(itk_image.GetPixelID())
    new_image = Volume.from_sitk(grid.Execute(itk_image))
    grid.SetInterpolator(sitk.sitkNearestNeighbor)
    grid.SetOutputPixelType(itk_mask.GetPixelID())
    new_mask = Volume.from_sitk(grid.Execute(itk_mask))
    if not new_mask.array.any():
        raise RegionError(
            f"no voxel of the region is left at a spacing of {new.tolist()} mm (x, y, z)"
        )
    return new_image, new_mask


def _interpolator(name: str | int) -> int:
    import SimpleITK as sitk

    allowed = {key: getattr(sitk, key) for key in dir(sitk) if key.startswith("sitk")}
    methods = {
        key: value
        for key, value in allowed.items()
        if isinstance(value, int)
        and key
        in {
            *("sitkNearestNeighbor", "sitkLinear", "sitkBSpline", "sitkGaussian"),
            *("sitkLabelGaussian", "sitkHammingWindowedSinc", "sitkCosineWindowedSinc"),
            *("sitkWelchWindowedSinc", "sitkLanczosWindowedSinc", "sitkBlackmanWindowedSinc"),
        }
    }
    if isinstance(name, str):
        if name not in methods:
            raise SettingError(f"interpolator {name!r} is unknown; {did_you_mean(name, methods)}")
        return methods[name]
    if name not in methods.values():
        raise SettingError(f"interpolator {name!r} is not a number of SimpleITK's interpolators")
    return name


def _check_inside(itk_image: Any, itk_mask: Any, box: Box, image: Volume, mask: Volume) -> None:
    """Raise unless the corners of the region's box lie inside the image."""
    corners = []
    for place in ("start", "stop"):
        index = [float(getattr(extent, place)) - 0.5 for extent in box[::-1]]
        point = itk_mask.TransformContinuousIndexToPhysicalPoint(index)
        corners.append(itk_image.TransformPhysicalPointToContinuousIndex(point))
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    upper = np.array(itk_image.GetSize()) - 0.5
    if (low < -0.5 - _OUTSIDE_TOLERANCE).any() or (high > upper + _OUTSIDE_TOLERANCE).any():
        raise RegionError(
            "the region reaches outside the image: in the image's voxels (x, y, z) it extends from "
            f"{low.round(2).tolist()} to {high.round(2).tolist()}, the image has "
            f"{list(itk_image.GetSize())}; are image and mask of one patient and one space? "
            f"(origins {image.origin_mm} and {mask.origin_mm} mm)"
        )
