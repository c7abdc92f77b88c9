"""Bringing the grey values of different scanners onto one scale."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from gliofuse.errors import ImageError, SettingError, did_you_mean

__all__ = ["PERCENTILES", "Normalisation", "brain_mask", "normalise"]

Normalisation = Literal["minmax", "zscore", "percentile", "none"]

PERCENTILES = (1.0, 99.0)
"""Percentiles that ``percentile`` maps to 0 and 1."""


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
    methods = get_args(Normalisation)
    if method not in methods:
        raise SettingError(f"normalisation {method!r} is unknown: {did_you_mean(method, methods)}")
    array = np.asarray(volume_array, dtype=np.float64)
    if np.asarray(volume_array).dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
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


def brain_mask(volume_array: np.ndarray) -> np.ndarray:
    """Return the voxels that are not zero: the brain of a skull-stripped image, as bool (z, y, x).

    Skull-stripping tools write zero outside the brain. In an image with skull this is the
    head and whatever noise the background holds.
    """
    return np.asarray(volume_array) != 0


def _checked_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    chosen = np.asarray(mask).astype(bool)
    if chosen.shape != shape:
        raise ImageError(f"the mask must have the image's shape {shape}, got {chosen.shape}")
    if not chosen.any():
        raise ImageError("the mask that statistics are taken from is empty")
    return chosen
