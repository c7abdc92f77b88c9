"""A three-dimensional image with its place in the patient, and whether two share that place."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gliofuse.errors import GeometryError, ImageError

__all__ = [
    "DIRECTION_TOLERANCE",
    "ORIGIN_TOLERANCE_MM",
    "SPACING_TOLERANCE_MM",
    "Volume",
    "check_same_geometry",
    "geometry_difference",
]

# Headers store these as float32 and tools round them; below these bounds a voxel of a head-sized
# image moves by well under its own size, so that the two images can be read voxel by voxel.
SPACING_TOLERANCE_MM = 1e-3
ORIGIN_TOLERANCE_MM = 1e-2
DIRECTION_TOLERANCE = 1e-3

_ORTHONORMAL_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels and geometry of one image.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        Voxel values, in the type of the file.
    spacing_mm : tuple of three floats
        Voxel size in the order of the array: (z, y, x).
    origin_mm : tuple of three floats
        Centre of the first voxel in the patient, LPS, in the order (x, y, z).
    direction : ndarray, shape (3, 3)
        Columns are the directions of the x, y and z axes in LPS, as ITK has them.

    Raises
    ------
    ImageError
        If the array is not three-dimensional or empty, a spacing is not positive, or the
        direction is not orthonormal.

    Examples
    --------
    >>> volume = Volume(np.zeros((4, 3, 2)), spacing_mm=(5.0, 1.0, 1.0))
    >>> volume.index_to_point((1, 0, 0)).tolist()
    [0.0, 0.0, 5.0]
    """

    array: np.ndarray
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: np.ndarray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim != 3 or array.size == 0:
            raise ImageError(f"a volume must be an array (z, y, x) of voxels, got {array.shape}")
        direction = np.asarray(self.direction, dtype=float).reshape(3, 3)
        if not np.allclose(direction.T @ direction, np.eye(3), atol=_ORTHONORMAL_TOLERANCE):
            raise ImageError(f"the axes must be orthonormal, got direction {direction.tolist()}")
        spacing = _triple(self.spacing_mm, "spacing_mm")
        if min(spacing) <= 0:
            raise ImageError(f"spacing_mm must be positive and finite, got {self.spacing_mm!r}")
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "spacing_mm", spacing)
        object.__setattr__(self, "origin_mm", _triple(self.origin_mm, "origin_mm"))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels (z, y, x)."""
        depth, height, width = self.array.shape
        return depth, height, width

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in cubic millimetres."""
        return float(np.prod(self.spacing_mm))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Volume:
        """Read a NIfTI or NRRD file, compressed or not.

        A fourth dimension of length one is dropped.

        Raises
        ------
        ImageError
            If the file is missing, cut short, damaged, a folder, not an image, has several
            frames or channels, or has axes that are not orthonormal.
        """
        from gliofuse.imaging._reading import read_shared

        return read_shared(path)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the volume whole or not at all; the suffix chooses the format."""
        from gliofuse.imaging._files import write_volume

        write_volume(self, path)

    @classmethod
    def from_sitk(cls, image: Any) -> Volume:
        """Take a three-dimensional ``SimpleITK.Image`` of one channel; the voxels are copied."""
        import SimpleITK as sitk

        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise ImageError(
                f"a volume needs three dimensions and one channel, got {image.GetDimension()} "
                f"dimensions and {image.GetNumberOfComponentsPerPixel()} channels"
            )
        return cls(
            sitk.GetArrayFromImage(image),
            spacing_mm=image.GetSpacing()[::-1],
            origin_mm=image.GetOrigin(),
            direction=np.array(image.GetDirection()).reshape(3, 3),
        )

    def to_sitk(self) -> Any:
        """Return the volume as a ``SimpleITK.Image``; the voxels are copied."""
        import SimpleITK as sitk

        array = self.array.astype(np.uint8) if self.array.dtype == bool else self.array
        image = sitk.GetImageFromArray(np.ascontiguousarray(array))
        image.SetSpacing(self.spacing_mm[::-1])
        image.SetOrigin(self.origin_mm)
        image.SetDirection(self.direction.ravel().tolist())
        return image

    def with_array(self, array: np.ndarray) -> Volume:
        """Return other voxels (z, y, x) in the same place; the shape must be the same."""
        if np.shape(array) != self.shape:
            raise ImageError(f"the array must have shape {self.shape}, got {np.shape(array)}")
        return replace(self, array=array)

    def crop(self, box: tuple[slice, slice, slice]) -> Volume:
        """Return the part inside ``box`` (slices z, y, x), its origin moved accordingly."""
        starts = [part.indices(size)[0] for part, size in zip(box, self.shape, strict=True)]
        origin = self.index_to_point(starts)
        return replace(
            self,
            array=self.array[box],
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        )

    def index_to_point(self, index_zyx: Any) -> np.ndarray:
        """Return the LPS points (x, y, z) in mm, shape (..., 3), of voxel indices (z, y, x)."""
        steps = np.asarray(index_zyx, dtype=float) * np.asarray(self.spacing_mm)
        return np.asarray(self.origin_mm) + steps[..., ::-1] @ self.direction.T

    def same_geometry(self, other: Volume) -> bool:
        """Whether both have the same shape, spacing, origin and axes, within the tolerances."""
        return geometry_difference(self, other) is None


def check_same_geometry(a: Volume, b: Volume, name_a: str, name_b: str) -> None:
    """Raise unless two volumes can be read voxel by voxel.

    Shapes must be equal; spacing, origin and axes may differ by less than
    :data:`SPACING_TOLERANCE_MM`, :data:`ORIGIN_TOLERANCE_MM` and :data:`DIRECTION_TOLERANCE`.

    Parameters
    ----------
    a, b : Volume
    name_a, name_b : str
        What the message calls them, for example their files.

    Raises
    ------
    GeometryError
        Naming the first property that differs, both volumes and both values.
    """
    found = geometry_difference(a, b)
    if found is not None:
        what, value_a, value_b = found
        raise GeometryError(
            f"{name_a} and {name_b} must share one geometry but differ in {what}: {value_a} "
            f"against {value_b}; resample one onto the other's grid (a mask with nearest neighbour)"
        )


def geometry_difference(a: Volume, b: Volume) -> tuple[str, Any, Any] | None:
    """Return the first property that differs and both values; ``None`` if the grids agree."""
    if a.shape != b.shape:
        return "shape (z, y, x)", a.shape, b.shape
    if not np.allclose(a.spacing_mm, b.spacing_mm, rtol=0, atol=SPACING_TOLERANCE_MM):
        return "spacing (z, y, x) in mm", _rounded(a.spacing_mm), _rounded(b.spacing_mm)
    if not np.allclose(a.direction, b.direction, rtol=0, atol=DIRECTION_TOLERANCE):
        return "direction", _rounded(a.direction.ravel()), _rounded(b.direction.ravel())
    if not np.allclose(a.origin_mm, b.origin_mm, rtol=0, atol=ORIGIN_TOLERANCE_MM):
        return "origin (x, y, z) in mm", _rounded(a.origin_mm), _rounded(b.origin_mm)
    return None


def _rounded(values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), 4) + 0.0 for value in values)


def _triple(values: Any, name: str) -> tuple[float, float, float]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != 3 or not np.all(np.isfinite(numbers)):
        raise ImageError(f"{name} must be three finite numbers, got {values!r}")
    return numbers[0], numbers[1], numbers[2]
