"""Where the head is in a scan, and small copies of it to work on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume
from gliofuse.preprocessing.resampling import Interpolation, isotropic_grid, resample
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Head", "find_head", "shrunken"]

_HEAD_SPACING_MM = 4.0
_LEAST_HEAD_ML = 500.0
_STRIPPED_ML = 2100.0  # a head with its skull has more


@dataclass(frozen=True, eq=False)
class Head:
    """The head's voxels on a coarse grid of cubic voxels, axes as in the scan.

    Parameters
    ----------
    mask : Volume
        uint8, without holes; one piece.
    """

    mask: Volume

    @property
    def volume_ml(self) -> float:
        """Volume in ml."""
        return float((self.mask.array > 0).sum()) * self.mask.voxel_volume_mm3 / 1000

    @cached_property
    def points_mm(self) -> np.ndarray:
        """LPS points of its voxels, shape (n, 3)."""
        return self.mask.index_to_point(np.argwhere(self.mask.array > 0))

    @property
    def centre_mm(self) -> np.ndarray:
        """Centre of mass, LPS (x, y, z)."""
        return np.asarray(self.points_mm.mean(axis=0))

    @property
    def top_mm(self) -> float:
        """Height of the head's top, without a few stray voxels."""
        return float(np.percentile(self.points_mm[:, 2], 99.8))

    def upper_part(self, depth_mm: float = 150.0) -> np.ndarray:
        """Return the points (n, 3) that lie within ``depth_mm`` of the top: no neck."""
        return self.points_mm[self.points_mm[:, 2] > self.top_mm - depth_mm]

    @cached_property
    def surround(self) -> Volume:
        """Mask of the head with 16 mm of air around it: its outline tells where it is."""
        wide = ndimage.binary_dilation(self.mask.array > 0, iterations=4)
        return self.mask.with_array(wide.astype(np.uint8))

    @cached_property
    def interior(self) -> Volume:
        """Mask without scalp and skull, or without the rim of a brain that was stripped."""
        layers = 4 if self.volume_ml > _STRIPPED_ML else 1
        deep = ndimage.binary_erosion(self.mask.array > 0, iterations=layers, border_value=1)
        return self.mask.with_array(deep.astype(np.uint8))

    def on(self, grid: Volume) -> np.ndarray:
        """Return the mask as bool on another grid."""
        return resample(self.mask, grid, Affine.identity(), how="nearest").array > 0


def find_head(volume: Volume, name: str = "the image") -> Head:
    """Tell the head from the air around it.

    The threshold is Otsu's on the smoothed square root of the grey values; the largest piece is
    taken and its holes are filled in each plane.

    Raises
    ------
    PreprocessingError
        If nothing of a head's size stands out, as in an image without contrast.
    """
    small = shrunken(volume, _HEAD_SPACING_MM)
    array = np.sqrt(np.maximum(small.array - _air_level(small.array), 0))
    if not array.max() > 0:
        raise PreprocessingError(
            f"{name}: every voxel is {small.array.flat[0]:g}; an image of a head is needed"
        )
    bright = ndimage.binary_opening(array > 0.7 * _otsu(array))
    pieces, count = ndimage.label(bright)
    if not count:
        raise PreprocessingError(f"{name}: no head stands out from the background")
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    mask = ndimage.binary_closing(np.pad(pieces == sizes.argmax(), 4), iterations=3)[
        4:-4, 4:-4, 4:-4
    ]
    for axis in range(3):
        mask = _filled(mask, axis)
    head = Head(small.with_array(mask.astype(np.uint8)))
    if head.volume_ml < _LEAST_HEAD_ML:
        raise PreprocessingError(
            f"{name}: what stands out from the background has {head.volume_ml:.0f} ml, a head at "
            f"least {_LEAST_HEAD_ML:.0f}; is this an image of a head, with its right voxel size?"
        )
    return head


def shrunken(volume: Volume, spacing_mm: float, *, how: Interpolation = "linear") -> Volume:
    """Return a float32 copy on cubic voxels of about ``spacing_mm``, smoothed accordingly.

    To measure and to register on; what is handed on is sampled from the scan itself. ``bspline``
    keeps surfaces that run between thick slices in their place.
    """
    sigmas = [0.5 * np.sqrt(max(spacing_mm**2 - step**2, 0)) / step for step in volume.spacing_mm]
    smooth = ndimage.gaussian_filter(volume.array.astype(np.float32), sigmas, truncate=2.5)
    grid = isotropic_grid(volume, spacing_mm)
    return resample(volume.with_array(smooth), grid, Affine.identity(), how=how)


def _air_level(array: np.ndarray) -> float:
    """A tenth percentile is air in any head scan; it is 0 unless something was subtracted."""
    return float(np.percentile(array, 10))


def _otsu(values: np.ndarray) -> float:
    low, high = np.percentile(values, (1, 99.5))
    if not high > low:
        return float(low)
    counts, edges = np.histogram(values, bins=128, range=(float(low), float(high)))
    centres = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(centres[np.nanargmax(between)])


def _filled(mask: np.ndarray, axis: int) -> np.ndarray:
    planes = np.moveaxis(mask, axis, 0)
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in planes])
    return np.moveaxis(filled, 0, axis)
