"""A region of interest on its bounding box: the geometry that every image and family shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Region", "angles"]


def angles(
    distances: tuple[int, ...] = (1,), *, force2d: bool = False, plane_axis: int = 0
) -> np.ndarray:
    """Return one of each pair of opposite neighbour offsets.

    Parameters
    ----------
    distances : tuple of int
        Distances in voxels by the infinity norm.
    force2d : bool
        Keep only offsets inside the plane that ``plane_axis`` is perpendicular to.
    plane_axis : int
        Array axis (z, y, x) that 2D offsets do not move along.

    Returns
    -------
    ndarray of int64, shape (n, 3)
        Offsets (z, y, x); the first non-zero component is positive.

    Examples
    --------
    >>> angles().shape, angles((1, 2)).shape, angles(force2d=True).shape
    ((13, 3), (62, 3), (4, 3))
    """
    reach = max(distances)
    steps = range(-reach, reach + 1)
    found = [
        (z, y, x)
        for z in steps
        for y in steps
        for x in steps
        if (z, y, x) > (0, 0, 0)
        and max(abs(z), abs(y), abs(x)) in distances
        and not (force2d and (z, y, x)[plane_axis])
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


@dataclass(frozen=True, eq=False)
class Region:
    """The voxels of a region, cut to their bounding box.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Touches every face of the array.
    spacing_mm : tuple of float
        Voxel size (z, y, x).
    """

    mask: np.ndarray
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", np.ascontiguousarray(self.mask, dtype=bool))

    @cached_property
    def inside(self) -> np.ndarray:
        """Flat positions of the region's voxels in the bounding box, in raster order."""
        return np.flatnonzero(self.mask)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return len(self.inside)

    def padded_shape(self, pad: int) -> tuple[int, int, int]:
        """Return the shape of the bounding box with ``pad`` voxels around it."""
        z, y, x = self.mask.shape
        return z + 2 * pad, y + 2 * pad, x + 2 * pad

    def positions(self, pad: int) -> np.ndarray:
        """Return the region's flat positions in an array padded by ``pad`` on each side."""
        known: dict[int, np.ndarray] = self.__dict__.setdefault("_positions", {})
        if pad not in known:
            z, y, x = np.unravel_index(self.inside, self.mask.shape)
            known[pad] = np.ravel_multi_index(
                (z + pad, y + pad, x + pad), self.padded_shape(pad)
            ).astype(np.int64)
        return known[pad]

    def rows(self, pad: int) -> np.ndarray:
        """Return the rows along x that hold the region: (n, 4) of int64.

        Columns are the padded flat position of the row's first voxel inside, the length from it to
        the last one inside, the number of the first voxel inside, and that of the first after.
        """
        known: dict[int, np.ndarray] = self.__dict__.setdefault("_rows", {})
        if pad not in known:
            place = self.positions(pad)
            line = place // self.padded_shape(pad)[2]
            first = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
            after = np.r_[first[1:], len(place)]
            length = place[after - 1] - place[first] + 1
            known[pad] = np.column_stack([place[first], length, first, after]).astype(np.int64)
        return known[pad]

    def ordinals(self, pad: int) -> np.ndarray:
        """Return the number of each voxel inside in a padded flat array; 0 outside too."""
        known: dict[int, np.ndarray] = self.__dict__.setdefault("_ordinals", {})
        if pad not in known:
            known[pad] = self.pad_values(np.arange(self.size, dtype=np.int32), pad)
        return known[pad]

    def one_matrix(self, offsets: np.ndarray, weighting: str | None) -> bool:
        """Whether PyRadiomics gets one matrix: merged, or of the one offset (n, 3) that fits.

        It deletes empty matrices only from several, so that a region without pairs or runs keeps
        one that is empty, and the features that divide by nothing are then 0 and not NaN.
        """
        fits = (np.abs(offsets) < self.mask.shape).all(axis=1)
        return weighting is not None or int(np.count_nonzero(fits)) == 1

    def flat_offsets(self, offsets: np.ndarray, pad: int) -> np.ndarray:
        """Return ``offsets`` (n, 3) as steps in an array padded by ``pad`` on each side."""
        _, rows, columns = self.padded_shape(pad)
        return offsets @ np.array([rows * columns, columns, 1], dtype=np.int64)

    def pad_values(self, values: np.ndarray, pad: int) -> np.ndarray:
        """Lay one value a voxel into a padded, flat array that is 0 outside the region."""
        out = np.zeros(int(np.prod(self.padded_shape(pad))), dtype=values.dtype)
        out[self.positions(pad)] = values
        return out
