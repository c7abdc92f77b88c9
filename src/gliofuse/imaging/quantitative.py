"""Sequences that are measured in a unit: whether a map is in it, and its one scale for all."""

from __future__ import annotations

import numpy as np

from gliofuse.cohort.sequences import SEQUENCES, Reference
from gliofuse.errors import ImageError

__all__ = ["check_unit", "median_of_head", "to_reference_range"]


def median_of_head(array: np.ndarray) -> float:
    """Return the median of the voxels that are not zero; NaN if all are."""
    values = array[array != 0]
    return float(np.median(values)) if values.size else float("nan")


def check_unit(array: np.ndarray, sequence: str) -> None:
    """Refuse a map that is plainly in another unit, or was rescaled.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        Finite; 0 outside the head.
    sequence : str
        A structural one has no unit to check.

    Raises
    ------
    ImageError
        If the median over the voxels that are not 0 lies outside the reference's typical range.

    Examples
    --------
    >>> check_unit(np.full((2, 2, 2), 0.8e-3), "adc")
    Traceback (most recent call last):
    gliofuse.errors.ImageError: ADC must be in 1e-6 mm2/s, with a median between 200 and 4000 ...
    """
    reference = SEQUENCES[sequence].reference
    if reference is None:
        return
    low, high = reference.typical
    median = median_of_head(array)
    if not low <= median <= high:
        raise ImageError(
            f"{SEQUENCES[sequence].label} must be in {reference.unit}, with a median between "
            f"{low:g} and {high:g} over the voxels that are not 0, got {median:.3g}; "
            f"{reference.remedy}"
        )


def to_reference_range(array: np.ndarray, reference: Reference) -> np.ndarray:
    """Return the map with ``reference.low`` at 0 and ``reference.high`` at 1, as float64.

    The same linear map for every patient; values outside the range are kept, not clipped.
    """
    scaled = np.asarray(array, dtype=np.float64) - reference.low
    scaled /= reference.high - reference.low
    return scaled
