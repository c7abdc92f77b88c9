"""Bringing the grey values of different scanners onto one scale."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from gliofuse.cohort.sequences import SEQUENCES, check_sequences
from gliofuse.errors import ImageError, SettingError, did_you_mean
from gliofuse.imaging.finite import count_not_finite
from gliofuse.imaging.quantitative import check_unit, to_reference_range
from gliofuse.imaging.volume import Volume

__all__ = ["PERCENTILES", "Normalisation", "brain_mask", "normalise", "normalise_volume"]

Normalisation = Literal["minmax", "zscore", "percentile", "none"]

PERCENTILES = (1.0, 99.0)
"""Percentiles that ``percentile`` maps to 0 and 1."""

# How much air is in the picture must not move these two; the extremes are the same with and
# without it, as air is zero.
_OVER_BRAIN = ("zscore", "percentile")


def normalise(
    volume_array: np.ndarray, method: str = "zscore", mask: np.ndarray | None = None
) -> np.ndarray:
    """Return the image on a common scale.

    Parameters
    ----------
    volume_array : ndarray, shape (z, y, x)
        Real numbers; all must be finite.
    method : {"minmax", "zscore", "percentile", "none"}
        ``minmax`` maps the smallest and largest value to 0 and 1. ``zscore`` takes off the mean
        and divides by the (population) standard deviation. ``percentile`` maps the
        1st and 99th percentile to 0 and 1 and clips what lies outside. ``none`` changes nothing.
    mask : ndarray of bool, shape (z, y, x), optional
        The voxels that the statistics are taken from, for example :func:`brain_mask`; by
        default the whole image. The map is applied to every voxel either way.

    Returns
    -------
    ndarray of float64, shape (z, y, x)

    Raises
    ------
    SettingError
        If the method is unknown.
    ImageError
        If a voxel is not finite, the mask is empty or of another shape, or the values that the
        statistics are taken from are all equal.

    Examples
    --------
    >>> normalise(np.array([[[0, 5, 10]]]), "minmax").tolist()
    [[[0.0, 0.5, 1.0]]]
    """
    _check_method(method)
    array = np.asarray(volume_array, dtype=np.float64)
    if count := count_not_finite(array):
        raise ImageError(f"every voxel must be finite to normalise, got {count} that are not")
    if method == "none":
        return array if array is not volume_array else array.copy()
    values = array if mask is None else array[_checked_mask(mask, array.shape)]
    smallest, largest = float(values.min()), float(values.max())
    if smallest == largest:
        raise ImageError(f"{method} needs grey values that differ, got the constant {smallest:g}")
    if method == "zscore":
        low, width = float(values.mean()), float(values.std())
    elif method == "minmax":
        low, width = smallest, largest - smallest
    else:
        low, high = (float(value) for value in np.percentile(values, PERCENTILES))
        width = high - low
    if not width > 0:
        raise ImageError(
            f"{method}: at least 98 % of the voxels have the value {low:g}; give the brain mask, "
            f"or use minmax or zscore"
        )
    scaled = array - low
    scaled /= width
    return np.clip(scaled, 0.0, 1.0, out=scaled) if method == "percentile" else scaled


def normalise_volume(volume: Volume, method: str, sequence: str | None = None) -> Volume:
    """Return an image on a common scale, as every design and command means it.

    Parameters
    ----------
    volume : Volume
        All voxels finite.
    method : {"minmax", "zscore", "percentile", "none"}
        ``zscore`` and ``percentile`` take their statistics over the brain (:func:`brain_mask`),
        ``minmax`` over the whole image. ``none`` returns the image as it is, in its own type.
    sequence : str, optional
        What the image is. A quantitative sequence is measured in a unit, so any method but
        ``none`` maps its reference range to 0 and 1, the same for every patient, and never by
        the image's own values.

    Returns
    -------
    Volume
        Of float64, except with ``none``.

    Raises
    ------
    SettingError, ManifestError
        If the method or the sequence is unknown.
    ImageError
        See :func:`normalise`; or if a quantitative image is plainly in another unit.

    Examples
    --------
    >>> adc = Volume(np.array([[[0.0, 750.0, 1500.0, 3000.0]]]))
    >>> normalise_volume(adc, "zscore", "adc").array.tolist()
    [[[0.0, 0.25, 0.5, 1.0]]]
    """
    _check_method(method)
    if sequence is not None:
        check_sequences([sequence])
        check_unit(volume.array, sequence)
    if method == "none":
        return volume
    reference = None if sequence is None else SEQUENCES[sequence].reference
    if reference is not None:
        return volume.with_array(to_reference_range(volume.array, reference))
    mask = brain_mask(volume.array) if method in _OVER_BRAIN else None
    return volume.with_array(normalise(volume.array, method, mask))


def brain_mask(volume_array: np.ndarray) -> np.ndarray:
    """Return the voxels that are not background: the brain of a skull-stripped image.

    Skull-stripping tools write zero outside the brain, and a z-score makes of it the least value,
    below zero: what most voxels of the image's faces share is the background, if nothing is less.
    Else it is zero. In an image with skull this is the head and whatever noise the background
    holds.

    Returns
    -------
    ndarray of bool, shape (z, y, x)

    Examples
    --------
    >>> scan = np.zeros((5, 5, 5))
    >>> scan[2, 2, 1:4] = (3, 4, 5)
    >>> [int(brain_mask(image).sum()) for image in (scan, (scan - scan.mean()) / scan.std())]
    [3, 3]
    """
    array = np.asarray(volume_array)
    if array.ndim != 3 or not array.size or not (least := array.min()) < 0:
        return np.asarray(array != 0)
    faces = [array.take(end, axis) for axis in range(3) for end in (0, -1)]
    shared = sum(int((face == least).sum()) for face in faces) / sum(face.size for face in faces)
    return np.asarray(array != (least if shared > 0.5 else 0))


def _check_method(method: str) -> None:
    methods = get_args(Normalisation)
    if method not in methods:
        raise SettingError(f"normalisation {method!r} is unknown: {did_you_mean(method, methods)}")


def _checked_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    chosen = np.asarray(mask).astype(bool)
    if chosen.shape != shape:
        raise ImageError(f"the mask must have the image's shape {shape}, got {chosen.shape}")
    if not chosen.any():
        raise ImageError("the mask that statistics are taken from is empty")
    return chosen
