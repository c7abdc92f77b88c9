"""Local binary patterns in the slices of a volume, as scikit-image has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.filters._window import Box

__all__ = ["METHODS", "local_binary_patterns_2d"]

METHODS = {"default": 0, "ror": 1, "uniform": 2, "nri_uniform": 3, "var": 4}


def local_binary_patterns_2d(
    image_zyx: NDArray[Any],
    box: Box,
    *,
    radius: float = 1.0,
    samples: int = 8,
    method: str = "uniform",
    axis: int = 0,
) -> NDArray[Any]:
    """Return the pattern number of each voxel of ``box`` in its slice.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume.
    box : tuple of three slices
    radius : float
        Of the circle that is sampled, in voxels (bilinear; 0 outside the slice).
    samples : int
        Points on the circle, at most 31.
    method : str
        ``uniform`` (number of ones of a pattern with at most two changes, else
        ``samples + 1``), ``default``, ``ror``, ``nri_uniform`` or ``var``.
    axis : int
        The axis across the slices (PyRadiomics' ``force2Ddimension``).

    Returns
    -------
    ndarray, shape of ``box``
        Of the image's own type, as PyRadiomics writes the patterns into a copy of the image.

    Raises
    ------
    SettingError
        If a setting is not allowed.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää, IEEE Trans. PAMI 24 (2002),
    doi:10.1109/TPAMI.2002.1017623.
    """
    if method not in METHODS:
        raise SettingError(f"lbp2DMethod {method!r} is unknown; {did_you_mean(method, METHODS)}")
    if not 1 <= samples <= 31 or not radius > 0 or axis not in (0, 1, 2):
        raise SettingError(
            "LBP2D needs 1 <= lbp2DSamples <= 31, lbp2DRadius > 0 and force2Ddimension 0, 1 or 2; "
            f"got {samples!r}, {radius!r}, {axis!r}"
        )
    single = float(np.float32(radius))
    angles = 2 * np.pi * np.arange(samples, dtype=np.float64) / samples
    rows = np.round(-single * np.sin(angles), 5)
    columns = np.round(single * np.cos(angles), 5)
    swapped = image_zyx.swapaxes(0, axis)
    limits = list(box)
    limits[0], limits[axis] = limits[axis], limits[0]
    out = np.empty([extent.stop - extent.start for extent in limits])
    for place, index in enumerate(range(limits[0].start, limits[0].stop)):
        _patterns(
            swapped[index],
            (limits[1].start, limits[2].start),
            rows,
            columns,
            METHODS[method],
            out[place],
        )
    return np.ascontiguousarray(out.astype(image_zyx.dtype).swapaxes(0, axis))


@kernel
def _pixel(image, row, column):  # type: ignore[no-untyped-def]
    if row < 0 or column < 0 or row >= image.shape[0] or column >= image.shape[1]:
        return 0.0
    return np.float64(image[row, column])


@kernel
def _bilinear(image, row, column):  # type: ignore[no-untyped-def]
    top, left = math.floor(row), math.floor(column)
    bottom, right = math.ceil(row), math.ceil(column)
    down, across = row - top, column - left
    above = (1 - across) * _pixel(image, top, left) + across * _pixel(image, top, right)
    below = (1 - across) * _pixel(image, bottom, left) + across * _pixel(image, bottom, right)
    return (1 - down) * above + down * below


@kernel
def _patterns(image, start, rows, columns, method, out):  # type: ignore[no-untyped-def]
    count = rows.size
    values = np.empty(count, np.float64)
    bits = np.empty(count, np.int64)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = i + start[0], j + start[1]
            centre = np.float64(image[row, column])
            for k in range(count):
                values[k] = _bilinear(image, row + rows[k], column + columns[k])
                bits[k] = 1 if values[k] - centre >= 0 else 0
            out[i, j] = _number(bits, values, method)


@kernel
def _number(bits, values, method):  # type: ignore[no-untyped-def]
    count = bits.size
    ones = bits.sum()
    if method < 2:
        number = 0
        for k in range(count):
            number += bits[k] << k
        smallest = number
        if method == 1:
            for _ in range(count - 1):
                number = (number >> 1) | ((number & 1) << (count - 1))
                smallest = min(smallest, number)
        return float(smallest)
    changes = 0
    for k in range(count - 1):
        changes += bits[k] != bits[k + 1]
    if method == 3:
        if changes > 2:
            return float(count * (count - 1) + 2)
        if ones == 0:
            return 0.0
        if ones == count:
            return float(count * (count - 1) + 1)
        first_one = np.argmax(bits)
        first_zero = np.argmin(bits)
        turn = ones - first_zero if first_one == 0 else count - first_one
        return float(1 + (ones - 1) * count + turn)
    number = ones if changes <= 2 else count + 1
    if method == 4:
        variance = np.var(values)
        return number / variance if variance != 0 else np.nan
    return float(number)
