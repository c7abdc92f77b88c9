"""Images that rescale each voxel by itself: original, square, square root, logarithm, exponential.

All four scale by the largest absolute intensity of the *whole* image, so they take it as an
argument: the crop alone does not know it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import ImageError

__all__ = ["exponential", "largest_magnitude", "logarithm", "square", "squareroot"]


def largest_magnitude(image_zyx: NDArray[np.generic]) -> float:
    """Return the largest absolute intensity of the whole image.

    Raises
    ------
    ImageError
        If the image is zero everywhere, since no scale follows from it.
    """
    largest = max(abs(float(image_zyx.max())), abs(float(image_zyx.min())))
    if not np.isfinite(largest) or largest == 0.0:
        raise ImageError(
            "square, square root, logarithm and exponential images are scaled by the image's "
            f"largest absolute intensity, which must be finite and above 0; got {largest!r}. "
            "Look at the image: it is empty or damaged"
        )
    return largest


def square(crop: NDArray[np.generic], *, largest: float) -> NDArray[np.float64]:
    """Return ``x² / max|x|``, of the range of the original; float64, shape of ``crop``.

    Examples
    --------
    >>> square(np.array([0.0, -2.0, 4.0]), largest=4.0)
    array([0., 1., 4.])
    """
    scale = 1 / np.sqrt(largest)
    return np.square(scale * crop.astype(np.float64))


def squareroot(crop: NDArray[np.generic], *, largest: float) -> NDArray[np.float64]:
    """Return ``sign(x) sqrt(|x| max|x|)``; float64, shape of ``crop``.

    Examples
    --------
    >>> squareroot(np.array([0.0, -1.0, 4.0]), largest=4.0)
    array([ 0., -2.,  4.])
    """
    values = crop.astype(np.float64)
    return np.copysign(np.sqrt(np.abs(values) * largest), values) + 0.0


def logarithm(crop: NDArray[np.generic], *, largest: float) -> NDArray[np.float64]:
    """Return ``sign(x) log(|x| + 1) max|x| / log(max|x| + 1)``; float64, shape of ``crop``.

    Examples
    --------
    >>> logarithm(np.array([0.0, -3.0, 3.0]), largest=3.0)
    array([ 0., -3.,  3.])
    """
    values = crop.astype(np.float64)
    logs = np.copysign(np.log(np.abs(values) + 1), values) + 0.0
    return logs * (largest / np.log(np.float64(largest) + 1))


def exponential(crop: NDArray[np.generic], *, largest: float) -> NDArray[np.float64]:
    """Return ``exp(x log(max|x|) / max|x|)``; float64, shape of ``crop``.

    Examples
    --------
    >>> exponential(np.array([0.0, 2.0, 4.0]), largest=4.0).round(12)
    array([1., 2., 4.])
    """
    scale = np.log(largest) / largest
    return np.exp(scale * crop.astype(np.float64))
