"""Affine maps between points in millimetres: composed first, so that an image is sampled once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Affine"]


@dataclass(frozen=True, eq=False)
class Affine:
    """A map of LPS points (x, y, z) in mm.

    Registration gives the map from the fixed image's points to the moving image's, which is what
    resampling the moving image onto the fixed grid needs.

    Parameters
    ----------
    matrix : ndarray, shape (4, 4)

    Examples
    --------
    >>> shift = Affine.shift((1.0, 0.0, 0.0))
    >>> (shift @ shift).apply(np.zeros(3)).tolist()
    [2.0, 0.0, 0.0]
    """

    matrix: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", np.asarray(self.matrix, dtype=float).reshape(4, 4))

    @classmethod
    def identity(cls) -> Affine:
        """Return the map that moves nothing."""
        return cls(np.eye(4))

    @classmethod
    def shift(cls, by_mm: Any) -> Affine:
        """Return a shift (x, y, z)."""
        matrix = np.eye(4)
        matrix[:3, 3] = by_mm
        return cls(matrix)

    @classmethod
    def from_sitk(cls, transform: Any) -> Affine:
        """Take a linear ``SimpleITK`` transform of three dimensions."""
        matrix = np.eye(4)
        origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
        for axis in range(3):
            unit = [0.0, 0.0, 0.0]
            unit[axis] = 1.0
            matrix[:3, axis] = np.array(transform.TransformPoint(unit)) - origin
        matrix[:3, 3] = origin
        return cls(matrix)

    def to_sitk(self) -> Any:
        """Return the map as ``SimpleITK.AffineTransform``."""
        import SimpleITK as sitk

        transform = sitk.AffineTransform(3)
        transform.SetMatrix(self.matrix[:3, :3].ravel().tolist())
        transform.SetTranslation(self.matrix[:3, 3].tolist())
        return transform

    def __matmul__(self, first: Affine) -> Affine:
        """Return the map that applies ``first``, then this one."""
        return Affine(self.matrix @ first.matrix)

    @property
    def inverse(self) -> Affine:
        """The map back."""
        return Affine(np.linalg.inv(self.matrix))

    def apply(self, points: Any) -> np.ndarray:
        """Return where points (..., 3) go."""
        return np.asarray(points, dtype=float) @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    @property
    def rotation_degrees(self) -> float:
        """Angle of the rotation that is nearest to the linear part."""
        left, _, right = np.linalg.svd(self.matrix[:3, :3])
        turn = left @ right
        return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))

    @property
    def scales(self) -> tuple[float, float, float]:
        """Stretch along the three principal axes, smallest first; 1, 1, 1 of a rigid map."""
        smallest, middle, largest = sorted(np.linalg.svd(self.matrix[:3, :3])[1])
        return float(smallest), float(middle), float(largest)

    @property
    def mirrors(self) -> bool:
        """Whether left and right are exchanged."""
        return float(np.linalg.det(self.matrix[:3, :3])) < 0

    def shift_at(self, point: Any) -> float:
        """Return how far one point moves, in mm."""
        there = np.asarray(point, dtype=float)
        return float(np.linalg.norm(self.apply(there) - there))

    def as_list(self) -> list[list[float]]:
        """Return the matrix as JSON holds it."""
        return [[float(value) for value in row] for row in self.matrix]
