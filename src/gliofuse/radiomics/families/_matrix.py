"""Statistics that GLRLM, GLSZM and GLDM share: matrices of grey level by size."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.families._family import positions

__all__ = ["STATISTICS", "columns_of", "matrix_statistics", "mean_without_nan"]

_STATISTICS = (
    "small", "large", "gray_nonuniformity", "gray_nonuniformity_normalised", "size_nonuniformity",
    "size_nonuniformity_normalised", "percentage", "gray_variance", "size_variance", "entropy",
    "low_gray", "high_gray", "small_low", "small_high", "large_low", "large_high",
)  # fmt: skip
_AT = positions(_STATISTICS)
STATISTICS = len(_STATISTICS)
"""How many statistics a matrix has."""

# divided by the number of runs, zones or voxels at the end
_PER_PART = tuple(
    getattr(_AT, name)
    for name in _STATISTICS
    if name not in ("entropy", "percentage") and not name.endswith("_normalised")
)


def columns_of(statistics: Iterable[str]) -> np.ndarray:
    """Return where :func:`matrix_statistics` puts each of ``statistics``."""
    return np.array([_STATISTICS.index(name) for name in statistics])


@kernel
def matrix_statistics(matrix: np.ndarray, gray: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the statistics of one matrix of counts; :func:`columns_of` says which stands where.

    ``matrix`` (k, s) counts runs, zones or dependences by grey level and column; ``gray`` (k,) and
    ``sizes`` (s,) say what rows and columns stand for. All are NaN for an empty matrix.
    """
    eps = 2.0**-52
    k, s = matrix.shape
    out = np.zeros(len(_AT))
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
                out[_AT.entropy] -= p * np.log2(p + eps)
        out[_AT.gray_nonuniformity] += row * row
        gray_sum += row * gray[i]
        out[_AT.low_gray] += row / g2
        out[_AT.high_gray] += row * g2
        out[_AT.small_low] += row_small / g2
        out[_AT.small_high] += row_small * g2
        out[_AT.large_low] += row_large / g2
        out[_AT.large_high] += row_large * g2
        out[_AT.small] += row_small
        out[_AT.large] += row_large
    for j in range(s):
        out[_AT.size_nonuniformity] += columns[j] * columns[j]
        size_sum += columns[j] * sizes[j]
    voxels = size_sum
    gray_mean, size_mean = gray_sum / total, size_sum / total
    for i in range(k):
        row = 0.0
        for j in range(s):
            row += matrix[i, j]
        out[_AT.gray_variance] += row * (gray[i] - gray_mean) ** 2
    for j in range(s):
        out[_AT.size_variance] += columns[j] * (sizes[j] - size_mean) ** 2
    out[_AT.gray_nonuniformity_normalised] = out[_AT.gray_nonuniformity] / (total * total)
    out[_AT.size_nonuniformity_normalised] = out[_AT.size_nonuniformity] / (total * total)
    out[_AT.percentage] = total / voxels
    for index in _PER_PART:
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
