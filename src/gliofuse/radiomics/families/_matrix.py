"""Statistics that GLRLM, GLSZM and GLDM share: matrices of grey level by size."""

from __future__ import annotations

import numpy as np

from gliofuse.radiomics.families._kernel import kernel

__all__ = ["STATISTICS", "matrix_statistics", "mean_without_nan"]

STATISTICS = (
    "small", "large", "gray_nonuniformity", "gray_nonuniformity_normalised", "size_nonuniformity",
    "size_nonuniformity_normalised", "percentage", "gray_variance", "size_variance", "entropy",
    "low_gray", "high_gray", "small_low", "small_high", "large_low", "large_high",
)  # fmt: skip


@kernel
def matrix_statistics(matrix: np.ndarray, gray: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the statistics, in the order of :data:`STATISTICS`, of one matrix of counts.

    ``matrix`` (k, s) counts runs, zones or dependences by grey level and column; ``gray`` (k,) and
    ``sizes`` (s,) say what rows and columns stand for. All are NaN for an empty matrix.
    """
    eps = 2.0**-52
    k, s = matrix.shape
    out = np.zeros(16)
    columns = np.zeros(s)
    total, voxels, gray_sum, size_sum = 0.0, 0.0, 0.0, 0.0
    for j in range(s):
        for i in range(k):
            columns[j] += matrix[i, j]
        total += columns[j]
    if total == 0:
        out[:] = np.nan
        return out
    for i in range(k):
        g2 = gray[i] * gray[i]
        row, row_small, row_large = 0.0, 0.0, 0.0
        for j in range(s):
            c = matrix[i, j]
            if c > 0:
                j2 = sizes[j] * sizes[j]
                row += c
                row_small += c / j2
                row_large += c * j2
                p = c / total
                out[9] -= p * np.log2(p + eps)
        out[2] += row * row
        gray_sum += row * gray[i]
        out[10] += row / g2
        out[11] += row * g2
        out[12] += row_small / g2
        out[13] += row_small * g2
        out[14] += row_large / g2
        out[15] += row_large * g2
        out[0] += row_small
        out[1] += row_large
    for j in range(s):
        out[4] += columns[j] * columns[j]
        size_sum += columns[j] * sizes[j]
    voxels = size_sum
    gray_mean, size_mean = gray_sum / total, size_sum / total
    for i in range(k):
        row = 0.0
        for j in range(s):
            row += matrix[i, j]
        out[7] += row * (gray[i] - gray_mean) ** 2
    for j in range(s):
        out[8] += columns[j] * (sizes[j] - size_mean) ** 2
    out[3] = out[2] / (total * total)
    out[5] = out[4] / (total * total)
    out[6] = total / voxels
    for index in (0, 1, 2, 4, 7, 8, 10, 11, 12, 13, 14, 15):
        out[index] /= total
    return out


@kernel
def mean_without_nan(table: np.ndarray) -> np.ndarray:
    """Return the mean of each column over the rows where it is a number; NaN where none is."""
    rows, columns = table.shape
    out = np.empty(columns)
    for j in range(columns):
        total, found = 0.0, 0
        for i in range(rows):
            if not np.isnan(table[i, j]):
                total += table[i, j]
                found += 1
        out[j] = total / found if found else np.nan
    return out
