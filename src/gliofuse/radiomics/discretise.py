"""Grey levels: the bins of an image inside a region, as PyRadiomics lays them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofuse.errors import SettingError
from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.region import Region

__all__ = ["Levels", "bin_edges", "discretise"]

_MAX_BINS = 60_000  # levels are 16-bit numbers


@dataclass(frozen=True, eq=False)
class Levels:
    """The grey level of each voxel of a region.

    Attributes
    ----------
    level : ndarray of uint16, shape (n,)
        Grey level of each voxel, from 1.
    rank : ndarray of uint16, shape (n,)
        Position of the voxel's level among the levels present, from 1; equal to ``level`` when no
        level is missing.
    gray : ndarray of float64, shape (k,)
        The levels present, ascending.
    count : ndarray of int64, shape (k,)
        Voxels at each of them.
    """

    level: np.ndarray
    rank: np.ndarray
    gray: np.ndarray
    count: np.ndarray

    def padded(self, region: Region, pad: int) -> tuple[np.ndarray, np.ndarray]:
        """Return levels and ranks laid into the padded box of their region, 0 outside it.

        They are kept, since most families ask for the same.
        """
        known: dict[int, tuple[np.ndarray, np.ndarray]] = self.__dict__.setdefault("_padded", {})
        if pad not in known:
            level = region.pad_values(self.level, pad)
            same = self.rank is self.level
            known[pad] = (level, level if same else region.pad_values(self.rank, pad))
        return known[pad]

    @property
    def highest(self) -> int:
        """The highest level present, which PyRadiomics calls Ng."""
        return int(self.gray[-1])


def bin_edges(
    lowest: float,
    highest: float,
    *,
    bin_width: float = 25.0,
    bin_count: int | None = None,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Return the edges of the half-open bins between which voxels share a grey level.

    Parameters
    ----------
    lowest, highest : float
        Range of the image inside the region.
    bin_width : float
        Width of a bin; the edges are multiples of it. Used when ``bin_count`` is ``None``.
    bin_count : int, optional
        Number of bins between ``lowest`` and ``highest``.
    dtype : dtype
        Type of the image. With a bin count the edges of a floating image are rounded to its type,
        which decides where a voxel at an edge goes; with a bin width they are always float64.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    SettingError
        If the bin width gives more than 60,000 bins.

    Notes
    -----
    These are the edges of PyRadiomics 3.0.1 under NumPy 1, which computes a range in float64 even
    between float32 numbers. NumPy 2 computes it in float32, so that PyRadiomics' own grey levels
    of a float32 image change with NumPy.

    Examples
    --------
    >>> bin_edges(54, 166).tolist()
    [50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 200.0]
    >>> bin_edges(0, 8, bin_count=4).tolist()
    [0.0, 2.0, 4.0, 6.0, 9.0]
    """
    if bin_count is not None:
        if lowest == highest:
            lowest, highest = lowest - 0.5, highest + 0.5
        kind = np.dtype(dtype) if np.dtype(dtype).kind == "f" else np.dtype(np.float64)
        edges = np.linspace(float(lowest), float(highest), bin_count + 1).astype(kind)
        edges[-1] += 1  # the maximum belongs to the last bin
        return edges.astype(np.float64)
    width = float(bin_width)
    if (highest - lowest) / width > _MAX_BINS:
        raise SettingError(
            f"binWidth: {width:g} cuts the region's range {lowest:g} to {highest:g} into more than "
            f"{_MAX_BINS} bins; choose a larger binWidth, or a binCount"
        )
    start = lowest - (lowest % width)
    return np.arange(start, highest + 2 * width, width)


def discretise(
    values: np.ndarray,
    *,
    bin_width: float = 25.0,
    bin_count: int | None = None,
    dtype: Any = np.float64,
    bounds: tuple[float, float] | None = None,
) -> Levels:
    """Give each voxel of a region its grey level.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Intensities inside the region; NaN takes a level above all others.
    bin_width, bin_count, dtype
        See :func:`bin_edges`.
    bounds : tuple of float, optional
        Smallest and largest value, if known.

    Returns
    -------
    Levels

    Examples
    --------
    >>> levels = discretise(np.array([54.0, 60.0, 120.0, 166.0]))
    >>> levels.level.tolist(), levels.rank.tolist(), levels.gray.tolist()
    ([1, 1, 3, 5], [1, 1, 2, 3], [1.0, 3.0, 5.0])
    """
    if bounds is None:
        bounds = (0.0, 0.0) if np.isnan(values).all() else (np.nanmin(values), np.nanmax(values))
    edges = bin_edges(
        float(bounds[0]), float(bounds[1]), bin_width=bin_width, bin_count=bin_count, dtype=dtype
    )
    level, histogram = _digitise(np.ascontiguousarray(values, dtype=np.float64), edges)
    present = np.flatnonzero(histogram)
    if present[-1] - present[0] + 1 == len(present) and present[0] == 1:
        rank = level
    else:
        table = np.zeros(len(histogram), dtype=np.uint16)
        table[present] = np.arange(1, len(present) + 1)
        rank = table[level]
    return Levels(level, rank, present.astype(np.float64), histogram[present])


@kernel
def _digitise(values: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bin by arithmetic, then let the edges decide, since they are not exact multiples."""
    n = len(edges)
    low = edges[0]
    step = (edges[n - 2] - low) / (n - 2) if n > 2 else edges[n - 1] - low
    level = np.empty(len(values), np.uint16)
    histogram = np.zeros(n + 1, np.int64)
    for v in range(len(values)):
        value = values[v]
        if np.isnan(value):
            level[v] = n
            histogram[n] += 1
            continue
        k = int((value - low) / step)
        k = min(max(k, 0), n - 1)
        while k > 0 and value < edges[k]:
            k -= 1
        while k < n - 1 and value >= edges[k + 1]:
            k += 1
        level[v] = k + 1
        histogram[k + 1] += 1
    return level, histogram
