"""The grid of a phantom's images, and smooth random fields on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FIELD_OF_VIEW_MM", "Grid", "smooth_field"]

FIELD_OF_VIEW_MM = (153.6, 179.2, 153.6)
"""Extent (z, y, x) of a skull-stripped phantom: a brain and a margin, however many voxels."""


@dataclass(frozen=True)
class Grid:
    """Voxel centres in millimetres from the middle of the head.

    Axes are (z, y, x) and point to superior, posterior and left, as LPS does.

    Parameters
    ----------
    shape : tuple of int
        Voxels (z, y, x).
    extent_mm : tuple of float
        What the voxels cover together (z, y, x).
    """

    shape: tuple[int, int, int]
    extent_mm: tuple[float, float, float] = FIELD_OF_VIEW_MM

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size (z, y, x)."""
        z, y, x = (extent / size for extent, size in zip(self.extent_mm, self.shape))
        return z, y, x

    @property
    def origin_mm(self) -> tuple[float, float, float]:
        """Centre of the first voxel, LPS, in the order (x, y, z)."""
        z, y, x = (float(axis.ravel()[0]) for axis in self.axes())
        return x, y, z

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the coordinates z, y and x, each float32 and shaped to broadcast."""
        lines = [
            ((np.arange(size) - (size - 1) / 2) * step).astype(np.float32)
            for size, step in zip(self.shape, self.spacing_mm)
        ]
        return lines[0][:, None, None], lines[1][None, :, None], lines[2][None, None, :]


def smooth_field(
    rng: np.random.Generator,
    grid: Grid,
    scale_mm: float,
    box: tuple[slice, slice, slice] | None = None,
) -> np.ndarray:
    """Return a Gaussian random field of mean 0 and variance 1 everywhere.

    White noise on a lattice of ``scale_mm`` is spread by Gaussians of that width, one axis after
    the other; the lattice spans the head, so that one generator gives one field in the patient's
    millimetres however fine the voxels are.

    Parameters
    ----------
    rng : Generator
    grid : Grid
    scale_mm : float
        Standard deviation of the kernel; structures are two to three times as wide.
    box : tuple of slice, optional
        The part (z, y, x) of the grid to return; it equals that part of the whole field.

    Returns
    -------
    ndarray of float32, shape of the grid or of ``box``
    """
    bases = []
    for number, (axis, extent) in enumerate(zip(grid.axes(), grid.extent_mm)):
        half = int(np.ceil(extent / 2 / scale_mm)) + 3  # knots beyond the edge, for even variance
        knots = np.arange(-half, half + 1) * scale_mm
        places = axis.ravel() if box is None else axis.ravel()[box[number]]
        basis = np.exp(-0.5 * ((places[:, None] - knots) / scale_mm) ** 2)
        basis /= np.linalg.norm(basis, axis=1, keepdims=True)
        bases.append(basis.astype(np.float32))
    along_z, along_y, along_x = bases
    knots_zyx = tuple(basis.shape[1] for basis in bases)
    field = rng.standard_normal(knots_zyx, dtype=np.float32)
    # Products in this order need no transposed copies.
    field = (along_z @ field.reshape(knots_zyx[0], -1)).reshape(-1, *knots_zyx[1:])
    field = np.matmul(along_y, field)
    return np.asarray(field @ along_x.T)
