"""The compiled passes of the recursive Gaussian filters, sixteen lines at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.radiomics._kernel import kernel

__all__ = ["add_scaled", "filter_along", "first_and_last_filled"]

_LANES = 16  # lines filtered together, so that the recursion runs in vector registers


def filter_along(
    block: NDArray[Any],
    axis: int,
    coefficients: NDArray[np.float64],
    keep: tuple[int, int],
) -> NDArray[Any]:
    """Filter every line along ``axis`` and return the range ``keep`` of each.

    Parameters
    ----------
    block : ndarray, shape (z, y, x)
    axis : int
    coefficients : ndarray, shape (5, 4)
        Rows: forward taps, recursion, backward taps, past at the start, past at the end.
    keep : tuple of int
        First and last + 1 position along the axis.

    Returns
    -------
    ndarray of float32
    """
    shape = list(block.shape)
    shape[axis] = keep[1] - keep[0]
    out = np.empty(shape, np.float32)
    (_filter_z, _filter_y, _filter_x)[axis](block, out, coefficients, keep[0])
    return out


@kernel
def add_scaled(total, part, factor):  # type: ignore[no-untyped-def]
    flat, other = total.ravel(), part.ravel()
    for i in range(flat.size):
        flat[i] = flat[i] + other[i] * factor


@kernel
def first_and_last_filled(image):  # type: ignore[no-untyped-def]
    depth, height, width = image.shape
    z0, z1, y0, y1, x0, x1 = depth, -1, height, -1, width, -1
    for z in range(depth):
        for y in range(height):
            # only what could widen the box is looked at
            if not (z0 <= z <= z1 and y0 <= y <= y1):
                hits = 0
                for x in range(width):  # without a way out, so that it runs in vectors
                    hits += image[z, y, x] != 0
                if hits == 0:
                    continue
                z0, z1 = min(z0, z), max(z1, z)
                y0, y1 = min(y0, y), max(y1, y)
            first, last = 0, width - 1
            while first < x0 and image[z, y, first] == 0:
                first += 1
            while last > x1 and image[z, y, last] == 0:
                last -= 1
            x0, x1 = min(x0, first), max(x1, last)
    return z0, z1, y0, y1, x0, x1


@kernel
def _filter_x(block, out, c, first):  # type: ignore[no-untyped-def]
    depth, height, length = block.shape
    kept = out.shape[2]
    data = np.zeros((length, _LANES), np.float64)
    ahead = np.empty((length, _LANES), np.float64)
    past = np.empty((4, _LANES), np.float64)
    for z in range(depth):
        for start in range(0, height, _LANES):
            lanes = min(_LANES, height - start)
            low, high = length, -1
            for lane in range(lanes):
                for i in range(length):
                    data[i, lane] = block[z, start + lane, i]
                i = 0
                while i < low and data[i, lane] == 0:
                    i += 1
                low = min(low, i)
                i = length - 1
                while i > high and data[i, lane] == 0:
                    i -= 1
                high = max(high, i)
            if high < 0:
                for i in range(kept):
                    for lane in range(lanes):
                        out[z, start + lane, i] = 0.0
                continue
            begin, stop = _extent(low, high, first, kept, length)
            _run(data, ahead, past, c, first, kept, begin, stop)
            for lane in range(lanes):
                for i in range(kept):
                    out[z, start + lane, i] = ahead[first + i, lane]


@kernel
def _filter_y(block, out, c, first):  # type: ignore[no-untyped-def]
    depth, length, width = block.shape
    kept = out.shape[1]
    data = np.zeros((length, _LANES), np.float64)
    ahead = np.empty((length, _LANES), np.float64)
    past = np.empty((4, _LANES), np.float64)
    for z in range(depth):
        for start in range(0, width, _LANES):
            lanes = min(_LANES, width - start)
            low, high = length, -1
            for i in range(length):
                hits = 0
                for lane in range(lanes):
                    data[i, lane] = block[z, i, start + lane]
                    hits += block[z, i, start + lane] != 0
                if hits:
                    low, high = min(low, i), i
            if high < 0:
                for i in range(kept):
                    for lane in range(lanes):
                        out[z, i, start + lane] = 0.0
                continue
            begin, stop = _extent(low, high, first, kept, length)
            _run(data, ahead, past, c, first, kept, begin, stop)
            for i in range(kept):
                for lane in range(lanes):
                    out[z, i, start + lane] = ahead[first + i, lane]


@kernel
def _filter_z(block, out, c, first):  # type: ignore[no-untyped-def]
    length, height, width = block.shape
    kept = out.shape[0]
    data = np.zeros((length, _LANES), np.float64)
    ahead = np.empty((length, _LANES), np.float64)
    past = np.empty((4, _LANES), np.float64)
    for y in range(height):
        for start in range(0, width, _LANES):
            lanes = min(_LANES, width - start)
            low, high = length, -1
            for i in range(length):
                hits = 0
                for lane in range(lanes):
                    data[i, lane] = block[i, y, start + lane]
                    hits += block[i, y, start + lane] != 0
                if hits:
                    low, high = min(low, i), i
            if high < 0:
                for i in range(kept):
                    for lane in range(lanes):
                        out[i, y, start + lane] = 0.0
                continue
            begin, stop = _extent(low, high, first, kept, length)
            _run(data, ahead, past, c, first, kept, begin, stop)
            for i in range(kept):
                for lane in range(lanes):
                    out[i, y, start + lane] = ahead[first + i, lane]


@kernel
def _extent(low, high, first, kept, length):  # type: ignore[no-untyped-def]
    """Return the part of a line to filter: what is not 0, one 0 on each side, what is kept.

    Before its first voxel that is not 0 a line's recursion is exactly 0, so that leaving the
    zeros out changes nothing, and a skull-stripped image has many.
    """
    begin = max(0, min(low - 1, first))
    stop = min(length, max(high + 2, first + kept))
    begin = max(0, min(begin, stop - 4))  # the recursion needs four voxels
    return begin, max(stop, min(length, begin + 4))


@kernel
def _sum(a, p, b, q, c, r, d, s):  # type: ignore[no-untyped-def]
    return a * p + b * q + c * r + d * s


@kernel
def _run(data, ahead, past, c, first, kept, begin, stop):  # type: ignore[no-untyped-def]
    """Filter lanes of ``data`` from ``begin`` to ``stop``; ``ahead`` holds the kept range.

    Four steps are taken together, so that the recursion's past stays in registers. The loops
    are written out here since a call with array views costs more than the arithmetic.
    """
    n0, n1, n2, n3 = c[0]
    d1, d2, d3, d4 = c[1]
    m0, m1, m2, m3 = c[2]
    last = stop - 1
    end = first + kept
    _start(data, begin, 1, 0, ahead, begin, c, 0, 3)
    i = begin + 4
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
    _start(data, last, -1, 1, past, 0, c, 2, 4)
    _add(past, ahead, last, first, end, 4)
    i = last - 4
    while i >= first and i - 2 >= begin:
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
def _start(data, edge, step, shift, out, at, c, taps, before):  # type: ignore[no-untyped-def]
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
        out[at, k], out[at + 1, k], out[at + 2, k], out[at + 3, k] = w0, w1, w2, w3


@kernel
def _add(past, ahead, top, first, end, count):  # type: ignore[no-untyped-def]
    """Add the backward values at ``top``, ``top - 1``, ... where they are kept."""
    for j in range(count):
        if first <= top - j < end:
            for k in range(_LANES):
                ahead[top - j, k] += past[j, k]
