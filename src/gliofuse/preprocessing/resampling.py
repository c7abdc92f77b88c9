"""One interpolation an image: from the scan's own voxels to the grid that all share."""

from __future__ import annotations

from typing import Literal

import numpy as np

from gliofuse.imaging import Volume
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Interpolation", "grid_around", "isotropic_grid", "resample"]

Interpolation = Literal["bspline", "linear", "nearest"]


def resample(
    volume: Volume, grid: Volume, transform: Affine, *, how: Interpolation = "bspline"
) -> Volume:
    """Return ``volume`` on the voxels of ``grid``.

    Parameters
    ----------
    volume : Volume
    grid : Volume
        Only its geometry counts.
    transform : Affine
        From points of ``grid`` to points of ``volume``.
    how : {"bspline", "linear", "nearest"}
        Cubic B-splines overshoot at edges; their values are held within those of the image.
        Masks need ``nearest``, which keeps the type of their voxels.

    Returns
    -------
    Volume
        float32, unless ``nearest``; 0 outside the image's field of view.
    """
    import SimpleITK as sitk

    names = {
        "bspline": sitk.sitkBSpline,
        "linear": sitk.sitkLinear,
        "nearest": sitk.sitkNearestNeighbor,
    }
    image = volume.to_sitk()
    if how != "nearest":
        image = sitk.Cast(image, sitk.sitkFloat32)
    sampled = sitk.Resample(
        image,
        grid.shape[::-1],
        transform.to_sitk(),
        names[how],
        grid.origin_mm,
        grid.spacing_mm[::-1],
        grid.direction.ravel().tolist(),
        0.0,
        image.GetPixelID(),
    )
    array = sitk.GetArrayFromImage(sampled)
    if how == "bspline":
        np.clip(array, float(volume.array.min()), float(volume.array.max()), out=array)
    return Volume(array, grid.spacing_mm, grid.origin_mm, grid.direction)


def isotropic_grid(volume: Volume, spacing_mm: float) -> Volume:
    """Return an empty grid of cubic voxels that covers the same field of view."""
    extent = np.array(volume.shape) * np.array(volume.spacing_mm)
    shape = np.maximum(1, np.round(extent / spacing_mm)).astype(int)
    middle = volume.index_to_point((np.array(volume.shape) - 1) / 2)
    return _grid(middle, shape, spacing_mm, volume.direction)


def grid_around(
    points_mm: np.ndarray, direction: np.ndarray, spacing_mm: float, margin_mm: float
) -> Volume:
    """Return an empty grid of cubic voxels around points, with the given axes.

    Parameters
    ----------
    points_mm : ndarray, shape (n, 3)
        LPS (x, y, z).
    direction : ndarray, shape (3, 3)
    spacing_mm, margin_mm : float
    """
    along = points_mm @ direction
    low, high = along.min(axis=0) - margin_mm, along.max(axis=0) + margin_mm
    shape = np.ceil((high - low) / spacing_mm).astype(int)[::-1] + 1
    return _grid(direction @ ((low + high) / 2), shape, spacing_mm, direction)


def _grid(
    middle: np.ndarray, shape: np.ndarray, spacing_mm: float, direction: np.ndarray
) -> Volume:
    origin = middle - direction @ ((shape[::-1] - 1) * spacing_mm / 2)
    return Volume(
        np.zeros(tuple(int(size) for size in shape), dtype=np.uint8),
        (spacing_mm, spacing_mm, spacing_mm),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        direction,
    )
