"""From the image and mask of a file to those that features are computed on, as PyRadiomics does.

In this order: normalise, resample (which also crops) or crop, correct the mask's geometry, check
the region, resegment, check again. Names and defaults of the settings are PyRadiomics'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import GeometryError, ImageError, RegionError, SettingError, did_you_mean
from gliofuse.imaging.boxes import Box, bounding_box, pad_box
from gliofuse.imaging.volume import Volume, check_same_geometry
from gliofuse.radiomics.resampling import correct_mask, resample

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = [
    "Preprocessed",
    "check_region",
    "normalize_image",
    "preprocess",
    "resegment",
]


@dataclass(frozen=True, eq=False)
class Preprocessed:
    """What the features of one region are computed on.

    Attributes
    ----------
    image : Volume
        Normalised, resampled, cropped, as the settings ask.
    mask : ndarray of bool, shape (z, y, x)
        The region on the image's grid: the one whose shape is measured.
    texture_mask : ndarray of bool, shape (z, y, x)
        The region after resegmentation: the one whose intensities are described.
    box : tuple of three slices
        Bounding box of ``texture_mask``.
    steps : tuple of str
        What was done, of ``normalized``, ``interpolated``, ``cropped``, ``corrected``,
        ``resegmented``.
    """

    image: Volume
    mask: NDArray[np.bool_]
    texture_mask: NDArray[np.bool_]
    box: Box
    steps: tuple[str, ...]


def preprocess(
    image: Volume, mask: Volume, setting: Setting, *, label: int | None = None
) -> Preprocessed:
    """Prepare one image and one label of its mask.

    Parameters
    ----------
    image : Volume
    mask : Volume
        Integer labels or bool. Its geometry may differ from the image's if the settings
        resample, or ``correctMask`` is on.
    setting : Setting
        The ``setting`` part of the extraction's settings.
    label : int, optional
        Instead of the one in ``setting``.

    Returns
    -------
    Preprocessed

    Raises
    ------
    RegionError
        If the label is missing, lies outside the image, or is too small before or after
        resegmentation.
    GeometryError
        If image and mask differ in geometry and nothing says to mend it.
    ImageError
        If the image cannot be normalised.
    SettingError
        If a setting is not allowed.
    """
    wanted = setting.label if label is None else label
    chosen = _label_volume(mask, wanted)
    steps = []
    if setting.normalize:
        image = normalize_image(
            image, scale=setting.normalizeScale, remove_outliers=setting.removeOutliers
        )
        steps.append("normalized")
    if setting.resampledPixelSpacing is not None and setting.interpolator is not None:
        image, chosen = resample(
            image,
            chosen,
            spacing_xyz_mm=setting.resampledPixelSpacing,
            interpolator=setting.interpolator,
            pad_voxels=setting.padDistance,
        )
        steps.append("interpolated")
    if not _occupies_same_grid(image, chosen, setting.geometryTolerance):
        if not setting.correctMask:
            _raise_geometry(image, chosen)
        chosen = correct_mask(image, chosen)
        steps.append("corrected")

    def check(region: NDArray[np.bool_]) -> Box:
        return check_region(
            region,
            minimum_dimensions=setting.minimumROIDimensions,
            minimum_size=setting.minimumROISize,
        )

    region = chosen.array.astype(bool, copy=False)
    if setting.preCrop and "interpolated" not in steps:
        box = pad_box(check(region), image.shape, setting.padDistance)
        image, region = image.crop(box), region[box]
        steps.append("cropped")
    box = check(region)
    texture = region
    if setting.resegmentRange is not None:
        texture = resegment(image.array, region, setting.resegmentRange, mode=setting.resegmentMode)
        box = check(texture)
        steps.append("resegmented")
        if setting.resegmentShape:
            region = texture
    return Preprocessed(image, region, texture, box, tuple(steps))


def check_region(
    region: NDArray[np.bool_], *, minimum_dimensions: int = 2, minimum_size: int | None = None
) -> Box:
    """Return the bounding box of a region that is large enough to describe.

    Parameters
    ----------
    region : ndarray of bool, shape (z, y, x)
    minimum_dimensions : int
        How many axes the box must extend over by more than one voxel.
    minimum_size : int, optional
        The region must have more voxels than this.

    Raises
    ------
    RegionError
        If the region is empty, a single voxel, or breaks one of the two rules.

    Examples
    --------
    >>> line = np.zeros((3, 4, 5), bool)
    >>> line[1, 1] = True
    >>> check_region(line, minimum_dimensions=1)
    (slice(1, 2, None), slice(1, 2, None), slice(0, 5, None))
    >>> check_region(line)
    Traceback (most recent call last):
    gliofuse.errors.RegionError: the region extends over 1 dimension, the least is 2 ...
    """
    if not region.any():
        raise RegionError("the region has no voxel; check the mask and the label or expression")
    box = bounding_box(region)
    dimensions = sum(extent.stop - extent.start > 1 for extent in box)
    if dimensions == 0:
        raise RegionError("the region is a single voxel: no feature can describe it")
    if dimensions < minimum_dimensions:
        raise RegionError(
            f"the region extends over {dimensions} dimension{'s' * (dimensions > 1)}, the least is "
            f"{minimum_dimensions} (minimumROIDimensions)"
        )
    if minimum_size is not None and (size := int(np.count_nonzero(region[box]))) <= minimum_size:
        raise RegionError(
            f"the region has {size} voxels, it needs more than {minimum_size} (minimumROISize)"
        )
    return box


def normalize_image(
    image: Volume, *, scale: float = 1.0, remove_outliers: float | None = None
) -> Volume:
    """Return the z-scores of all voxels, optionally clipped, times ``scale``.

    Parameters
    ----------
    image : Volume
    scale : float
        Factor on the z-scores (``normalizeScale``).
    remove_outliers : float, optional
        Clip the z-scores to plus and minus this before scaling (``removeOutliers``).

    Returns
    -------
    Volume
        Of float64 values; the standard deviation is the sample's (n - 1).

    Raises
    ------
    ImageError
        If all voxels are equal.

    Examples
    --------
    >>> image = Volume(np.array([[[1.0, 2.0, 3.0]]]))
    >>> normalize_image(image, scale=100, remove_outliers=0.5).array
    array([[[-50.,   0.,  50.]]])
    """
    import SimpleITK as sitk

    first = image.array.flat[0]
    if bool((image.array == first).all()):
        raise ImageError(
            f"normalize needs an image whose voxels differ, all are {first!s}; the image is empty"
        )
    # ITK's own sums: the last digits of mean and deviation shift every voxel
    values = sitk.GetArrayFromImage(sitk.Normalize(image.to_sitk()))
    if remove_outliers is not None:
        np.clip(values, -remove_outliers, remove_outliers, out=values)
    return image.with_array(values * scale)


def resegment(
    image_zyx: NDArray[Any],
    region: NDArray[np.bool_],
    limits: Sequence[float],
    *,
    mode: str = "absolute",
) -> NDArray[np.bool_]:
    """Keep the region's voxels whose intensity is in a closed range.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
    region : ndarray of bool, shape (z, y, x)
    limits : one or two floats
        Lower limit, or lower and upper limit in any order (``resegmentRange``).
    mode : str
        ``absolute``: intensities; ``relative``: fractions of the region's maximum; ``sigma``:
        standard deviations from the region's mean (``resegmentMode``).

    Returns
    -------
    ndarray of bool, shape (z, y, x)

    Raises
    ------
    SettingError
        If the mode or the number of limits is not allowed.
    RegionError
        If fewer than two voxels stay.

    Examples
    --------
    >>> image = np.array([[[1, 5, 9]]])
    >>> resegment(image, image > 0, [2]).tolist()
    [[[False, True, True]]]
    """
    modes = ("absolute", "relative", "sigma")
    if mode not in modes:
        raise SettingError(f"resegmentMode {mode!r} is unknown; {did_you_mean(mode, modes)}")
    if not 1 <= len(limits) <= 2:
        raise SettingError(f"resegmentRange needs one or two limits, got {list(limits)!r}")
    inside = image_zyx[region]
    bounds = [float(limit) for limit in sorted(limits)]
    if mode == "relative":
        bounds = [float(inside.max()) * limit for limit in bounds]
    elif mode == "sigma":
        mean, deviation = float(np.mean(inside)), float(np.std(inside))
        bounds = [mean + deviation * limit for limit in bounds]
    # plain floats: a float32 image is compared in float32, as under NumPy 1
    kept = inside >= bounds[0]
    if len(bounds) == 2:
        kept &= inside <= bounds[1]
    if (count := int(np.count_nonzero(kept))) <= 1:
        raise RegionError(
            f"resegmentRange {list(limits)!r} ({mode}) leaves {count} of {inside.size} voxels of "
            "the region; widen the range"
        )
    result = np.zeros(region.shape, bool)
    result[region] = kept
    return result


def _label_volume(mask: Volume, label: int) -> Volume:
    """Return the region of one label as 0 and 1, or say which labels there are."""
    chosen = mask.array if mask.array.dtype == bool else mask.array == label
    if not chosen.any():
        present = sorted({int(value) for value in np.unique(mask.array)} - {0})
        raise RegionError(
            f"label {label} is not in the mask; "
            + (f"it holds {present}" if present else "nothing is segmented in it")
        )
    return mask.with_array(chosen.view(np.uint8))


def _occupies_same_grid(image: Volume, mask: Volume, tolerance: float | None) -> bool:
    if tolerance is None:
        return image.same_geometry(mask)
    near = tolerance * abs(image.spacing_mm[2])  # ITK measures by the first axis' spacing
    return (
        image.shape == mask.shape
        and np.allclose(image.origin_mm, mask.origin_mm, rtol=0, atol=near)
        and np.allclose(image.spacing_mm, mask.spacing_mm, rtol=0, atol=near)
        and np.allclose(image.direction, mask.direction, rtol=0, atol=tolerance)
    )


def _raise_geometry(image: Volume, mask: Volume) -> None:
    check_same_geometry(image, mask, "the image", "the mask")
    raise GeometryError(
        "image and mask differ by more than geometryTolerance: origins "
        f"{image.origin_mm} and {mask.origin_mm} mm; raise it, or set correctMask"
    )
