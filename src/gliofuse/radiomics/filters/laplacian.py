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

from gliofuse.radiomics.families._kernel import kernel
from gliofuse.radiomics.filters._window import Box, padded_box

__all__ = ["PAD_SIGMAS", "laplacian_of_gaussian", "recursive_gaussian"]

PAD_SIGMAS = 16.0
"""Pad in sigmas; 10 gives a relative 1e-6, 16 the same float32 bits but for rare exceptions."""

_LANES = 16  # lines filtered together, so that the recursion runs in vector registers

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

    Returns
    -------
    ndarray of float32, shape of ``box``
    """
    pads = [
        size if math.isinf(pad_sigmas) else max(4, math.ceil(pad_sigmas * sigma_mm / step))
        for step, size in zip(spacing_zyx_mm, image_zyx.shape)
    ]
    outer = _without_empty_margin(image_zyx, padded_box(box, pads, image_zyx.shape), box)
    block = image_zyx[outer]
    kept = [(e.start - o.start, e.stop - o.start) for e, o in zip(box, outer)]
    if block.dtype not in (np.int16, np.float32, np.float64):
        block = block.astype(np.float64 if block.dtype.itemsize > 2 else np.float32)
    smooth = [recursive_gaussian(sigma_mm, step, order=0) for step in spacing_zyx_mm]
    second = [recursive_gaussian(sigma_mm, step, order=2) for step in spacing_zyx_mm]
    total = np.zeros([stop - start for start, stop in kept], np.float32)
    for axis in (2, 1, 0):
        part = _filter_along(block, axis, second[axis], kept[axis])
        for other in (2, 1, 0):
            if other != axis:
                part = _filter_along(part, other, smooth[other], kept[other])
        _add_scaled(total, part, 1.0 / (spacing_zyx_mm[axis] * spacing_zyx_mm[axis]))
    return total


def _without_empty_margin(image: NDArray[Any], outer: Box, inner: Box) -> Box:
    """Shrink ``outer`` to the voxels that are not 0 and one 0 on each side, keeping ``inner``.

    A line that starts with zeros keeps the recursion at exactly 0 until its first other voxel,
    so that a skull-stripped image's background costs nothing and changes nothing.
    """
    filled = _filled_box(image[outer])
    result = []
    for axis in range(3):
        low, high = filled[2 * axis], filled[2 * axis + 1]
        start, stop = outer[axis].start, outer[axis].stop
        first = max(start, min(start + low - 1, inner[axis].start))
        last = min(stop, max(start + high + 2, inner[axis].stop))
        short = max(0, 4 - (last - first))  # the recursion needs four voxels
        first = max(0, first - short)
        last = max(last, min(image.shape[axis], first + 4))
        result.append(slice(first, last))
    return result[0], result[1], result[2]


@kernel
def _filled_box(block):  # type: ignore[no-untyped-def]
    depth, height, width = block.shape
    z0, z1, y0, y1, x0, x1 = depth, -1, height, -1, width, -1
    for z in range(depth):
        for y in range(height):
            first = 0
            while first < width and block[z, y, first] == 0:
                first += 1
            if first == width:
                continue
            last = width - 1
            while block[z, y, last] == 0:
                last -= 1
            z0, z1 = min(z0, z), max(z1, z)
            y0, y1 = min(y0, y), max(y1, y)
            x0, x1 = min(x0, first), max(x1, last)
    return z0, z1, y0, y1, x0, x1


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


def _filter_along(
    block: NDArray[Any],
    axis: int,
    coefficients: NDArray[np.float64],
    keep: tuple[int, int],
) -> NDArray[Any]:
    """Filter every line along ``axis`` and return the range ``keep`` of each."""
    shape = list(block.shape)
    shape[axis] = keep[1] - keep[0]
    out = np.empty(shape, np.float32)
    # lines run along the first axis of what the kernels see, neighbours along the last
    if axis == 2:
        for z in range(block.shape[0]):
            _filter_rows(block[z], out[z], coefficients, keep[0])
    elif axis == 1:
        for z in range(block.shape[0]):
            _filter_columns(block[z], out[z], coefficients, keep[0])
    else:
        for y in range(block.shape[1]):
            _filter_columns(block[:, y], out[:, y], coefficients, keep[0])
    return out


@kernel
def _add_scaled(total, part, factor):  # type: ignore[no-untyped-def]
    flat, other = total.ravel(), part.ravel()
    for i in range(flat.size):
        flat[i] = flat[i] + other[i] * factor


@kernel
def _filter_rows(rows, out, c, first):  # type: ignore[no-untyped-def]
    count, length = rows.shape
    data = np.empty((length, _LANES), np.float64)
    ahead = np.empty((length, _LANES), np.float64)
    past = np.empty((4, _LANES), np.float64)
    for start in range(0, count, _LANES):
        lanes = min(_LANES, count - start)
        for lane in range(lanes):
            for i in range(length):
                data[i, lane] = rows[start + lane, i]
        for lane in range(lanes, _LANES):
            data[:, lane] = 0.0
        _run(data, ahead, past, c, first, out.shape[1])
        for lane in range(lanes):
            for i in range(out.shape[1]):
                out[start + lane, i] = ahead[first + i, lane]


@kernel
def _filter_columns(plane, out, c, first):  # type: ignore[no-untyped-def]
    length, count = plane.shape
    data = np.empty((length, _LANES), np.float64)
    ahead = np.empty((length, _LANES), np.float64)
    past = np.empty((4, _LANES), np.float64)
    for start in range(0, count, _LANES):
        lanes = min(_LANES, count - start)
        for i in range(length):
            for lane in range(lanes):
                data[i, lane] = plane[i, start + lane]
            for lane in range(lanes, _LANES):
                data[i, lane] = 0.0
        _run(data, ahead, past, c, first, out.shape[0])
        for i in range(out.shape[0]):
            for lane in range(lanes):
                out[i, start + lane] = ahead[first + i, lane]


@kernel
def _sum(a, p, b, q, c, r, d, s):  # type: ignore[no-untyped-def]
    return a * p + b * q + c * r + d * s


@kernel
def _sum(a, p, b, q, c, r, d, s):  # type: ignore[no-untyped-def]
    return a * p + b * q + c * r + d * s


@kernel
def _run(data, ahead, past, c, first, kept):  # type: ignore[no-untyped-def]
    """Filter lanes of ``data`` (length, lanes); ``ahead`` holds the result in the kept range.

    Four steps are taken together, so that the recursion's past stays in registers. The loops
    are written out here since a call with array views costs more than the arithmetic.
    """
    n0, n1, n2, n3 = c[0]
    d1, d2, d3, d4 = c[1]
    m0, m1, m2, m3 = c[2]
    last = data.shape[0] - 1
    end = first + kept
    _start(data, 0, 1, 0, ahead, c, 0, 3)
    i = 4
    while i < end and i + 3 <= last:
        for k in range(_LANES):
            x1, x2, x3 = data[i - 2, k], data[i - 1, k], data[i, k]
            x4, x5 = data[i + 1, k], data[i + 2, k]
            y1, y2, y3 = ahead[i - 3, k], ahead[i - 2, k], ahead[i - 1, k]
            y4 = _sum(x3, n0, x2, n1, x1, n2, data[i - 3, k], n3)
            y4 -= _sum(y3, d1, y2, d2, y1, d3, ahead[i - 4, k], d4)
            y5 = _sum(x4, n0, x3, n1, x2, n2, x1, n3) - _sum(y4, d1, y3, d2, y2, d3, y1, d4)
            y6 = _sum(x5, n0, x4, n1, x3, n2, x2, n3) - _sum(y5, d1, y4, d2, y3, d3, y2, d4)
            y7 = _sum(data[i + 3, k], n0, x5, n1, x4, n2, x3, n3)
            y7 -= _sum(y6, d1, y5, d2, y4, d3, y3, d4)
            ahead[i, k], ahead[i + 1, k], ahead[i + 2, k], ahead[i + 3, k] = y4, y5, y6, y7
        i += 4
    while i < end:
        for k in range(_LANES):
            x1, x2, x3 = data[i - 2, k], data[i - 1, k], data[i, k]
            y1, y2, y3 = ahead[i - 3, k], ahead[i - 2, k], ahead[i - 1, k]
            value = _sum(x3, n0, x2, n1, x1, n2, data[i - 3, k], n3)
            value -= _sum(y3, d1, y2, d2, y1, d3, ahead[i - 4, k], d4)
            ahead[i, k] = value
        i += 1
    # past: the four newest backward values, the newest last
    _start(data, last, -1, 1, past, c, 2, 4)
    _add(past, ahead, last, first, end, 4)
    i = last - 4
    while i >= first and i >= 3:
        for k in range(_LANES):
            x1, x2, x3 = data[i - 1, k], data[i, k], data[i + 1, k]
            x4, x5 = data[i + 2, k], data[i + 3, k]
            y1, y2, y3 = past[1, k], past[2, k], past[3, k]
            y4 = _sum(x3, m0, x4, m1, x5, m2, data[i + 4, k], m3)
            y4 -= _sum(y3, d1, y2, d2, y1, d3, past[0, k], d4)
            y5 = _sum(x2, m0, x3, m1, x4, m2, x5, m3) - _sum(y4, d1, y3, d2, y2, d3, y1, d4)
            y6 = _sum(x1, m0, x2, m1, x3, m2, x4, m3) - _sum(y5, d1, y4, d2, y3, d3, y2, d4)
            y7 = _sum(data[i - 2, k], m0, x1, m1, x2, m2, x3, m3)
            y7 -= _sum(y6, d1, y5, d2, y4, d3, y3, d4)
            past[0, k], past[1, k], past[2, k], past[3, k] = y4, y5, y6, y7
        if i - 3 < end:
            _add(past, ahead, i, first, end, 4)
        i -= 4
    while i >= first:
        for k in range(_LANES):
            y1, y2, y3 = past[1, k], past[2, k], past[3, k]
            value = _sum(
                data[i + 1, k], m0, data[i + 2, k], m1, data[i + 3, k], m2, data[i + 4, k], m3
            )
            value -= _sum(y3, d1, y2, d2, y1, d3, past[0, k], d4)
            past[0, k], past[1, k], past[2, k], past[3, k] = y1, y2, y3, value
            if i < end:
                ahead[i, k] += value
        i -= 1


@kernel
def _start(data, edge, step, shift, out, c, taps, before):  # type: ignore[no-untyped-def]
    """Write the first four values, as if the edge voxel went on for ever before them.

    The backward filter's taps begin one voxel later (``shift`` 1) than the forward one's.
    """
    n0, n1, n2, n3 = c[taps, 0], c[taps, 1], c[taps, 2], c[taps, 3]
    b0, b1, b2, b3 = c[before, 0], c[before, 1], c[before, 2], c[before, 3]
    d0, d1, d2 = c[1, 0], c[1, 1], c[1, 2]
    i1, i2, i3 = edge + (1 - shift) * step, edge + (2 - shift) * step, edge + (3 - shift) * step
    for k in range(_LANES):
        v, x1, x2, x3 = data[edge, k], data[i1, k], data[i2, k], data[i3, k]
        w0 = _sum(v, n0, v, n1, v, n2, v, n3) - _sum(v, b0, v, b1, v, b2, v, b3)
        w1 = _sum(x1, n0, v, n1, v, n2, v, n3) - _sum(w0, d0, v, b1, v, b2, v, b3)
        w2 = _sum(x2, n0, x1, n1, v, n2, v, n3) - _sum(w1, d0, w0, d1, v, b2, v, b3)
        w3 = _sum(x3, n0, x2, n1, x1, n2, v, n3) - _sum(w2, d0, w1, d1, w0, d2, v, b3)
        out[0, k], out[1, k], out[2, k], out[3, k] = w0, w1, w2, w3


@kernel
def _add(past, ahead, top, first, end, count):  # type: ignore[no-untyped-def]
    """Add the backward values at ``top``, ``top - 1``, ... where they are kept."""
    for j in range(count):
        if first <= top - j < end:
            for k in range(_LANES):
                ahead[top - j, k] += past[j, k]
