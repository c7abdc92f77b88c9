"""What GLDM and NGTDM ask of a voxel's neighbours, found in one pass and kept for the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.region import Region, angles

__all__ = ["dependences", "differences"]


def dependences(
    region: Region,
    levels: Levels,
    alpha: float,
    distances: tuple[int, ...],
    force2d: bool,
    plane_axis: int,
) -> np.ndarray:
    """Return the counts (k, neighbours + 1) of voxels by level and number of alike neighbours."""
    return _both(region, levels, alpha, distances, force2d, plane_axis)[0]


def differences(
    region: Region,
    levels: Levels,
    distances: tuple[int, ...],
    force2d: bool,
    plane_axis: int,
) -> np.ndarray:
    """Return, by level, the sum (k,) of differences from the mean level of the neighbours."""
    known = levels.__dict__.get("_neighbourhood", {})
    for (_, *where), found in known.items():
        if where == [distances, force2d, plane_axis]:
            return found[1]
    return _both(region, levels, 0.0, distances, force2d, plane_axis)[1]


def _both(
    region: Region, levels: Levels, alpha: float, *where: Any
) -> tuple[np.ndarray, np.ndarray]:
    distances, force2d, plane_axis = where
    known = levels.__dict__.setdefault("_neighbourhood", {})
    key = (alpha, *where)
    if key not in known:
        pad = max(distances)
        offsets = angles(distances, force2d=force2d, plane_axis=plane_axis)
        steps = region.flat_offsets(offsets, pad)
        known[key] = _count(
            levels.padded(region, pad)[0],
            levels.rank,
            region.rows(pad),
            region.positions(pad),
            _neighbours(region, pad, steps),
            np.concatenate([steps, -steps]),
            # levels are whole numbers: so is the largest difference that counts
            min(int(alpha), 65535),
            len(levels.gray),
        )
    return known[key]


def _neighbours(region: Region, pad: int, steps: np.ndarray) -> np.ndarray:
    """Return how many neighbours each voxel has in the region, whatever the image."""
    known: dict[Any, np.ndarray] = region.__dict__.setdefault("_neighbours", {})
    key = (pad, steps.tobytes())
    if key not in known:
        inside = region.pad_values(np.ones(region.size, dtype=np.uint16), pad)
        place = region.positions(pad)
        count = np.zeros(region.size, dtype=np.int32)
        for step in steps:
            count += inside[place + step]
            count += inside[place - step]
        known[key] = count
    return known[key]


@kernel
def _count(
    level: np.ndarray,
    rank: np.ndarray,
    rows: np.ndarray,
    positions: np.ndarray,
    neighbours: np.ndarray,
    steps: np.ndarray,
    alpha: int,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Go row by row, so that the compiler compares many voxels at a time."""
    longest = 0
    for row in rows:
        longest = max(longest, row[1])
    alike = np.empty(longest, np.uint16)
    total = np.empty(longest, np.int32)
    matrix = np.zeros((k, len(steps) + 1))
    difference = np.zeros(k)
    for row in range(len(rows)):
        start, n = rows[row, 0], rows[row, 1]
        mine = level[start : start + n]
        alike[:n] = 0
        total[:n] = 0
        for step in steps:
            other = level[start + step : start + step + n]
            if alpha == 0:
                for x in range(n):
                    alike[x] += other[x] == mine[x]
                    total[x] += other[x]
            else:
                for x in range(n):
                    a, b = np.int32(other[x]), np.int32(mine[x])
                    alike[x] += (a > 0) & (abs(a - b) <= alpha)
                    total[x] += a
        for v in range(rows[row, 2], rows[row, 3]):
            x = positions[v] - start
            r = rank[v] - 1
            matrix[r, alike[x]] += 1
            if neighbours[v]:
                difference[r] += abs(np.int64(mine[x]) - total[x] / neighbours[v])
    return matrix, difference
