"""The compiled part of the 3D local binary patterns: splines, samples, kurtosis, norms."""

from __future__ import annotations

import math

import numpy as np

from gliofuse.radiomics._kernel import kernel

__all__ = ["BATCH", "fill_patterns", "prefilter"]

BATCH = 256
"""Voxels that are described together."""

_POLE = math.sqrt(3.0) - 2.0


@kernel
def prefilter(plane):  # type: ignore[no-untyped-def]
    """Turn each column of ``plane`` into spline coefficients, in place."""
    length, width = plane.shape
    z = _POLE
    gain = (1.0 - z) * (1.0 - 1.0 / z)
    for i in range(length):
        for k in range(width):
            plane[i, k] *= gain
    far = z ** (length - 1)
    power = z
    for k in range(width):
        plane[0, k] += far * plane[length - 1, k]
    for i in range(1, length - 1):
        for k in range(width):
            plane[0, k] += power * (plane[i, k] + far * plane[length - 1 - i, k])
        power *= z
        if abs(power) < 1e-300:
            break
    for k in range(width):
        plane[0, k] /= 1.0 - far * far
    for i in range(1, length):
        for k in range(width):
            plane[i, k] += z * plane[i - 1, k]
    for k in range(width):
        plane[length - 1, k] = (z * plane[length - 2, k] + plane[length - 1, k]) * z / (z * z - 1.0)
    for i in range(length - 2, -1, -1):
        for k in range(width):
            plane[i, k] = z * (plane[i + 1, k] - plane[i, k])


@kernel
def _weights(offset):  # type: ignore[no-untyped-def]
    """Return the first of the four voxels round ``offset`` and their cubic B-spline weights."""
    start = int(np.floor(offset))
    y = offset - start
    z = 1.0 - y
    second = (y * y * (y - 2.0) * 3.0 + 4.0) / 6.0
    third = (z * z * (z - 2.0) * 3.0 + 4.0) / 6.0
    first = z * z * z / 6.0
    return start - 1, first, second, third, 1.0 - first - second - third


@kernel
def fill_patterns(  # type: ignore[no-untyped-def]
    coefficients, reach, centre, mask, start, shape, vertices, first, pairs, pair_of,
    degree_zero, real, imaginary, limits, buffers, resolution, out,
):  # fmt: skip
    """Fill ``out`` (images, z, y, x) slice by slice.

    Runs of voxels are gathered into a batch (the width of ``buffers``) before what follows the
    sampling, since long loops are what the processor is good at.
    """
    depth, height, width = mask.shape
    count, room = vertices.shape[0], buffers.shape[1]
    wide, tall = coefficients.shape[2], coefficients.shape[1]
    planes = np.empty((first.size, tall, wide), np.float64)
    lines = np.empty((pairs.shape[0], wide), np.float64)
    samples = np.empty((count, room), buffers.dtype)
    middle = np.empty(room, centre.dtype)
    values = np.empty((out.shape[0], room), np.float64)
    taps = np.empty((count, 4), np.float64)
    for v in range(count):
        _, w0, w1, w2, w3 = _weights(vertices[v, 2])
        taps[v, 0], taps[v, 1], taps[v, 2], taps[v, 3] = w0, w1, w2, w3
    runs = np.empty((room, 4), np.int64)  # y, first x, end x, place in the batch
    for z in range(depth):
        if not mask[z].any():
            continue
        for p in range(first.size):
            at, w0, w1, w2, w3 = _weights(first[p])
            at += z + reach
            for y in range(tall):
                for x in range(wide):
                    planes[p, y, x] = (
                        coefficients[at, y, x] * w0
                        + coefficients[at + 1, y, x] * w1
                        + coefficients[at + 2, y, x] * w2
                        + coefficients[at + 3, y, x] * w3
                    )
        filled, number = 0, 0
        for y in range(height):
            x0, x1 = 0, width
            while x0 < width and not mask[z, y, x0]:
                x0 += 1
            while x1 > x0 and not mask[z, y, x1 - 1]:
                x1 -= 1
            if x0 == x1:
                continue
            if filled + x1 - x0 > room:
                _describe(
                    samples,
                    middle,
                    filled,
                    degree_zero,
                    real,
                    imaginary,
                    buffers,
                    resolution,
                    values,
                )
                _scatter(values, runs[:number], mask[z], out[:, z])
                filled, number = 0, 0
            for q in range(pairs.shape[0]):
                p = pairs[q, 0]
                at, w0, w1, w2, w3 = _weights(vertices[pairs[q, 1], 1])
                at += y + reach
                for x in range(x0, x1 + 2 * reach):
                    lines[q, x] = (
                        planes[p, at, x] * w0
                        + planes[p, at + 1, x] * w1
                        + planes[p, at + 2, x] * w2
                        + planes[p, at + 3, x] * w3
                    )
            _sample_rows(
                lines, pair_of, vertices, taps, reach, z + start[0], y + start[1], start[2],
                shape, x0, x1, limits, samples, filled,
            )  # fmt: skip
            for x in range(x0, x1):
                middle[filled + x - x0] = centre[z, y, x]
            runs[number, 0], runs[number, 1], runs[number, 2], runs[number, 3] = y, x0, x1, filled
            filled, number = filled + x1 - x0, number + 1
        _describe(
            samples, middle, filled, degree_zero, real, imaginary, buffers, resolution, values
        )
        _scatter(values, runs[:number], mask[z], out[:, z])


@kernel
def _describe(  # type: ignore[no-untyped-def]
    samples, middle, filled, degree_zero, real, imaginary, buffers, resolution, values
):
    _kurtosis(samples, filled, buffers, resolution, values[values.shape[0] - 1])
    _degrees(samples, middle, filled, degree_zero, real, imaginary, values)


@kernel
def _scatter(values, runs, mask, out):  # type: ignore[no-untyped-def]
    for number in range(runs.shape[0]):
        y, x0, x1, place = runs[number]
        for level in range(out.shape[0]):
            for x in range(x0, x1):
                if mask[y, x]:
                    out[level, y, x] = values[level, place + x - x0]


@kernel
def _sample_rows(  # type: ignore[no-untyped-def]
    lines, pair_of, vertices, taps, reach, z, y, x_start, shape, x0, x1, limits, samples, filled
):
    """Interpolate along x at every vertex; 0 where the sample lies outside the volume.

    One call for all vertices and no array views: both would cost more than the interpolation.
    """
    last = shape[2] - 1
    for v in range(vertices.shape[0]):
        inside = 0 <= z + vertices[v, 0] <= shape[0] - 1 and 0 <= y + vertices[v, 1] <= shape[1] - 1
        if not inside:
            for x in range(x1 - x0):
                samples[v, filled + x] = 0
            continue
        q, offset = pair_of[v], vertices[v, 2]
        at = x0 + reach + int(np.floor(offset)) - 1
        w0, w1, w2, w3 = taps[v, 0], taps[v, 1], taps[v, 2], taps[v, 3]
        if limits[1] < np.inf:  # an integer image: SciPy rounds what it interpolates
            for x in range(x1 - x0):
                value = lines[q, at + x] * w0 + lines[q, at + x + 1] * w1
                value = value + lines[q, at + x + 2] * w2 + lines[q, at + x + 3] * w3
                value = np.floor(value + 0.5) if value > 0 else np.ceil(value - 0.5)
                samples[v, filled + x] = min(max(value, limits[0]), limits[1])
        else:
            for x in range(x1 - x0):
                value = lines[q, at + x] * w0 + lines[q, at + x + 1] * w1
                value = value + lines[q, at + x + 2] * w2 + lines[q, at + x + 3] * w3
                samples[v, filled + x] = value
        if x_start + x0 + offset < 0 or x_start + x1 - 1 + offset > last:
            for x in range(x0, x1):
                if not 0 <= x_start + x + offset <= last:
                    samples[v, filled + x - x0] = 0


@kernel
def _pairwise_mean(samples, power, filled, buffers, out):  # type: ignore[no-untyped-def]
    """Write the mean over the vertices of the deviation from ``buffers[8]`` to a power (1, 2, 4).

    Eight running sums, added in pairs, then the rest: NumPy's order for up to 128 terms, and
    with single-precision samples the order shows. Power 1 takes no deviation.
    """
    count = samples.shape[0]
    eights = count - count % 8
    for v in range(count):
        slot = v % 8
        if v == eights and eights:
            _add_slots(buffers, filled)
        for x in range(filled):
            value = samples[v, x]
            if power > 1:
                value = value - buffers[8, x]
                value = value * value
                if power > 2:
                    value = value * value
            if v < eights and v < 8:
                buffers[slot, x] = value
            elif v < eights:
                buffers[slot, x] = buffers[slot, x] + value
            elif v == 0:
                buffers[0, x] = value
            else:
                buffers[0, x] = buffers[0, x] + value
    if eights == count:
        _add_slots(buffers, filled)
    for x in range(filled):
        out[x] = buffers[0, x] / count


@kernel
def _add_slots(b, filled):  # type: ignore[no-untyped-def]
    for x in range(filled):
        left = (b[0, x] + b[1, x]) + (b[2, x] + b[3, x])
        b[0, x] = left + ((b[4, x] + b[5, x]) + (b[6, x] + b[7, x]))


@kernel
def _kurtosis(samples, filled, buffers, resolution, out):  # type: ignore[no-untyped-def]
    second = np.empty(samples.shape[1], samples.dtype)
    fourth = np.empty(samples.shape[1], samples.dtype)
    _pairwise_mean(samples, 1, filled, buffers, buffers[8])
    _pairwise_mean(samples, 2, filled, buffers, second)
    _pairwise_mean(samples, 4, filled, buffers, fourth)
    for x in range(filled):
        smallest = resolution * buffers[8, x]
        if second[x] <= smallest * smallest:
            out[x] = np.nan
        else:
            second[x] = second[x] * second[x]
            fourth[x] = fourth[x] / second[x]
            fourth[x] = fourth[x] - 3
            out[x] = fourth[x]


@kernel
def _degrees(samples, middle, width, degree_zero, real, imaginary, out):  # type: ignore[no-untyped-def]
    """Write the norm of the pattern's part of each degree."""
    count, terms = real.shape
    ones = np.zeros((count, width), np.float64)
    total = np.zeros(width, np.int64)
    for v in range(count):
        for x in range(width):
            bit = samples[v, x] >= middle[x]
            ones[v, x] = 1.0 if bit else 0.0
            total[x] += bit
    for x in range(width):
        out[0, x] = degree_zero[total[x]]
    re = np.zeros((terms, width), np.float64)
    im = np.zeros((terms, width), np.float64)
    for m in range(terms):
        for v in range(count):
            a, b = real[v, m], imaginary[v, m]
            for x in range(width):
                re[m, x] += ones[v, x] * a
                im[m, x] += ones[v, x] * b
    sum_re = np.empty(width, np.float64)
    sum_im = np.empty(width, np.float64)
    part_re = np.empty(width, np.float64)
    part_im = np.empty(width, np.float64)
    begin = 0
    for degree in range(1, out.shape[0] - 1):
        end = begin + 2 * degree + 1
        sum_re[:] = 0.0
        sum_im[:] = 0.0
        for v in range(count):
            part_re[:] = 0.0
            part_im[:] = 0.0
            for m in range(begin, end):
                a, b = real[v, m], imaginary[v, m]
                for x in range(width):
                    part_re[x] += re[m, x] * a - im[m, x] * b
                    part_im[x] += re[m, x] * b + im[m, x] * a
            for x in range(width):
                sum_re[x] += part_re[x] * part_re[x] - part_im[x] * part_im[x]
                sum_im[x] += part_re[x] * part_im[x] + part_im[x] * part_re[x]
        for x in range(width):
            size = np.sqrt(sum_re[x] * sum_re[x] + sum_im[x] * sum_im[x])
            if sum_re[x] >= 0:
                out[degree, x] = np.sqrt((sum_re[x] + size) * 0.5)
            else:  # the square root's real part, without cancellation
                root = np.sqrt((size - sum_re[x]) * 0.5)
                out[degree, x] = abs(sum_im[x]) / (2.0 * root)
        begin = end
