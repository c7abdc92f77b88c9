"""The gradient's magnitude, by central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.filters._window import Box

__all__ = ["gradient"]


def gradient(
    image_zyx: NDArray[Any],
    spacing_zyx_mm: tuple[float, float, float],
    box: Box,
    *,
    use_spacing: bool = True,
) -> NDArray[np.float32]:
    """Return the gradient magnitude inside ``box``, equal to ITK's on the whole volume.

    Central differences, one-sided at the volume's border (the border voxel is repeated). The
    pad is one voxel, so that cropping changes nothing.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume, of any real type.
    spacing_zyx_mm : tuple of float
    box : tuple of three slices
    use_spacing : bool
        Intensity per millimetre; ``False`` gives intensity per voxel (PyRadiomics'
        ``gradientUseSpacing``).

    Returns
    -------
    ndarray of float32, shape of ``box``
    """
    spacing = spacing_zyx_mm if use_spacing else (1.0, 1.0, 1.0)
    z, y, x = box
    factors = (0.5 * (1.0 / spacing[0]), 0.5 * (1.0 / spacing[1]), 0.5 * (1.0 / spacing[2]))
    limits = (z.start, z.stop, y.start, y.stop, x.start, x.stop)
    return np.asarray(_gradient(image_zyx, factors, limits))


@kernel
def _gradient(image, factors, limits):  # type: ignore[no-untyped-def]
    factor_z, factor_y, factor_x = factors
    z0, z1, y0, y1, x0, x1 = limits
    last_z, last_y, last_x = image.shape[0] - 1, image.shape[1] - 1, image.shape[2] - 1
    out = np.empty((z1 - z0, y1 - y0, x1 - x0), np.float32)
    for z in range(z0, z1):
        before_z, after_z = max(z - 1, 0), min(z + 1, last_z)
        for y in range(y0, y1):
            before_y, after_y = max(y - 1, 0), min(y + 1, last_y)
            for x in range(x0, x1):
                before_x, after_x = max(x - 1, 0), min(x + 1, last_x)
                # the sum runs x, y, z, and each difference is of two products, as in ITK
                step = factor_x * np.float64(image[z, y, after_x]) - factor_x * np.float64(
                    image[z, y, before_x]
                )
                total = step * step
                step = factor_y * np.float64(image[z, after_y, x]) - factor_y * np.float64(
                    image[z, before_y, x]
                )
                total += step * step
                step = factor_z * np.float64(image[after_z, y, x]) - factor_z * np.float64(
                    image[before_z, y, x]
                )
                total += step * step
                out[z - z0, y - y0, x - x0] = np.float32(np.sqrt(total))
    return out
