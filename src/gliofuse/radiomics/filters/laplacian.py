"""Laplacian of Gaussian by recursive filters, equal to ITK's on the whole volume.

The Laplacian is the sum over the axes of the second derivative of a Gaussian along that axis,
smoothed along the two others, divided by the squared spacing and multiplied by sigma squared.
Each one-dimensional filter is Deriche's fourth-order recursion, run forwards and backwards in
double precision; between two of them the volume is kept in single precision, as ITK keeps it.
Doing the same operations in the same order matters: a value that differs in its last bit can
fall on the other side of a bin edge.

The recursion's memory fades as ``exp(-1.37 n / sigma)``: after 16 sigma what lies beyond is
3e-10 of what it was. Only the region widened by that much is read, and each pass keeps only
what the next one needs.

References
----------
R. Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA report 1893
(1993). G. Farnebäck and C.-F. Westin, "Improving Deriche-style recursive Gaussian filters",
J. Math. Imaging Vis. 26 (2006).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.radiomics.filters._recursion import (
    add_scaled,
    filter_along,
    first_and_last_filled,
)
from gliofuse.radiomics.filters._window import Box, padded_box

__all__ = ["PAD_SIGMAS", "filled_box", "laplacian_of_gaussian", "recursive_gaussian"]

PAD_SIGMAS = 16.0
"""Pad in sigmas; 10 gives a relative 1e-6, 16 the same float32 bits but for rare exceptions."""

# Deriche's two damped oscillations: (a, b) per derivative order, frequency and decay
_FIRST = {0: (1.3530, 1.8151), 2: (-1.3563, 5.2318)}
_SECOND = {0: (-0.3531, 0.0902), 2: (0.3446, -2.2355)}
_W1, _L1, _W2, _L2 = 0.6681, -1.3932, 2.0787, -1.3732


def laplacian_of_gaussian(
    image_zyx: NDArray[Any],
    spacing_zyx_mm: tuple[float, float, float],
    box: Box,
    *,
    sigma_mm: float,
    pad_sigmas: float = PAD_SIGMAS,
    filled: Box | None = None,
) -> NDArray[np.float32]:
    """Return the scale-normalised Laplacian of Gaussian inside ``box``.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume, at least four voxels along each axis.
    spacing_zyx_mm : tuple of float
    box : tuple of three slices
    sigma_mm : float
        Width of the Gaussian.
    pad_sigmas : float
        How far beyond the box the volume is read; ``inf`` reads all of it.
    filled : tuple of three slices, optional
        :func:`filled_box` of the volume, if it is known.

    Returns
    -------
    ndarray of float32, shape of ``box``
    """
    pads = [
        size if math.isinf(pad_sigmas) else max(4, math.ceil(pad_sigmas * sigma_mm / step))
        for step, size in zip(spacing_zyx_mm, image_zyx.shape)
    ]
    if filled is None:
        filled = filled_box(image_zyx)
    outer = _without_empty_margin(padded_box(box, pads, image_zyx.shape), filled, box, image_zyx)
    block = image_zyx[outer]
    kept = [(e.start - o.start, e.stop - o.start) for e, o in zip(box, outer)]
    if block.dtype not in (np.int16, np.float32, np.float64):
        block = block.astype(np.float64 if block.dtype.itemsize > 2 else np.float32)
    smooth = [recursive_gaussian(sigma_mm, step, order=0) for step in spacing_zyx_mm]
    second = [recursive_gaussian(sigma_mm, step, order=2) for step in spacing_zyx_mm]
    total = np.zeros([stop - start for start, stop in kept], np.float32)
    for axis in (2, 1, 0):
        part = filter_along(block, axis, second[axis], kept[axis])
        for other in (2, 1, 0):
            if other != axis:
                part = filter_along(part, other, smooth[other], kept[other])
        add_scaled(total, part, 1.0 / (spacing_zyx_mm[axis] * spacing_zyx_mm[axis]))
    return total


def filled_box(image_zyx: NDArray[Any]) -> Box:
    """Return the bounding box of the voxels that are not 0; empty at the origin if all are.

    Examples
    --------
    >>> image = np.zeros((4, 5, 6))
    >>> image[1:3, 2, 4] = 7
    >>> filled_box(image)
    (slice(1, 3, None), slice(2, 3, None), slice(4, 5, None))
    """
    z0, z1, y0, y1, x0, x1 = first_and_last_filled(image_zyx)
    if z1 < 0:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    return slice(z0, z1 + 1), slice(y0, y1 + 1), slice(x0, x1 + 1)


def _without_empty_margin(outer: Box, filled: Box, inner: Box, image: NDArray[Any]) -> Box:
    """Shrink ``outer`` to the voxels that are not 0 and one 0 on each side, keeping ``inner``.

    A line that starts with zeros keeps the recursion at exactly 0 until its first other voxel,
    so that a skull-stripped image's background costs nothing and changes nothing.
    """
    result = []
    for wide, full, kept, size in zip(outer, filled, inner, image.shape):
        first = max(wide.start, min(full.start - 1, kept.start))
        last = min(wide.stop, max(full.stop + 1, kept.stop))
        first = max(0, min(first, last - 4))  # the recursion needs four voxels
        result.append(slice(first, max(last, min(size, first + 4))))
    return result[0], result[1], result[2]


def recursive_gaussian(sigma_mm: float, spacing_mm: float, *, order: int) -> NDArray[np.float64]:
    """Return the 20 coefficients of the recursion for a Gaussian (0) or its second derivative (2).

    Returns
    -------
    ndarray, shape (5, 4)
        Rows: forward taps, recursion, backward taps, and what stands for the recursion's past
        at the start and at the end of a line, where the border voxel is taken to go on.
    """
    width = sigma_mm / spacing_mm
    cos1, cos2 = math.cos(_W1 / width), math.cos(_W2 / width)
    exp1, exp2 = math.exp(_L1 / width), math.exp(_L2 / width)
    d4 = exp1 * exp1 * exp2 * exp2
    d3 = -2 * cos1 * exp1 * exp2 * exp2
    d3 += -2 * cos2 * exp2 * exp1 * exp1
    d2 = 4 * cos2 * cos1 * exp1 * exp2
    d2 += exp1 * exp1 + exp2 * exp2
    d1 = -2 * (exp2 * cos2 + exp1 * cos1)
    sd = 1.0 + d1 + d2 + d3 + d4
    dd = d1 + 2 * d2 + 3 * d3 + 4 * d4
    ed = d1 + 4 * d2 + 9 * d3 + 16 * d4

    n = _numerator(width, 0)
    if order == 0:
        gain = 1.0 / (2 * sum(n[1:], n[0]) / sd - n[0])
    else:
        plain, n = n, _numerator(width, 2)
        sn0, sn2 = sum(plain[1:], plain[0]), sum(n[1:], n[0])
        beta = -(2 * sn2 - sd * n[0]) / (2 * sn0 - sd * plain[0])
        sn = sn2 + beta * sn0
        dn = _moment(n, 1) + beta * _moment(plain, 1)
        en = _moment(n, 2) + beta * _moment(plain, 2)
        n = [a + beta * b for a, b in zip(n, plain)]
        alpha = en * sd * sd - ed * sn * sd - 2 * dn * dd * sd + 2 * dd * dd * sn
        alpha /= sd * sd * sd
        gain = sigma_mm * sigma_mm / alpha
    n = [value * gain for value in n]
    d = [d1, d2, d3, d4]
    m = [n[1] - d1 * n[0], n[2] - d2 * n[0], n[3] - d3 * n[0], -d4 * n[0]]
    sum_n, sum_m = sum(n[1:], n[0]), sum(m[1:], m[0])
    return np.array([n, d, m, [v * sum_n / sd for v in d], [v * sum_m / sd for v in d]])


def _numerator(width: float, order: int) -> list[float]:
    (a1, b1), (a2, b2) = _FIRST[order], _SECOND[order]
    sin1, sin2 = math.sin(_W1 / width), math.sin(_W2 / width)
    cos1, cos2 = math.cos(_W1 / width), math.cos(_W2 / width)
    exp1, exp2 = math.exp(_L1 / width), math.exp(_L2 / width)
    n1 = exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2)
    n1 += exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1)
    n2 = (a1 + a2) * cos2 * cos1
    n2 -= b1 * cos2 * sin1 + b2 * cos1 * sin2
    n2 *= 2 * exp1 * exp2
    n2 += a2 * exp1 * exp1 + a1 * exp2 * exp2
    n3 = exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2)
    n3 += exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1)
    return [a1 + a2, n1, n2, n3]


def _moment(n: list[float], power: int) -> float:
    return n[1] + 2**power * n[2] + 3**power * n[3]
