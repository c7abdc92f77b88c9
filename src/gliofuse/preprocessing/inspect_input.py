"""What state a scan is in before anything is done: raw, stripped, normalised, or unusable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume, count_not_finite

__all__ = ["ScanState", "inspect_scan"]

_AIR_HU = -900.0
_STRIPPED_ML = (600.0, 2100.0)
_LEAST_SLICES = 8
_LEAST_EXTENT_MM = 60.0
_LARGEST_EXTENT_MM = 600.0


@dataclass(frozen=True)
class ScanState:
    """What a scan's grey values tell.

    Attributes
    ----------
    stripped : bool
        The skull is gone: what is not zero has a brain's volume.
    normalised : bool
        Grey values were brought onto a scale: some are negative, or all lie within 0 to 1.
    notes : tuple of str
        What a reader should know, a phrase each.
    """

    stripped: bool
    normalised: bool
    notes: tuple[str, ...]


def inspect_scan(volume: Volume, name: str) -> ScanState:
    """Look at a scan; refuse what cannot be a head's MRI.

    Parameters
    ----------
    volume : Volume
    name : str
        What the messages call it.

    Raises
    ------
    PreprocessingError
        If values are not finite or all equal, the image is a CT, or it covers too little.
    """
    array = volume.array
    if bad := count_not_finite(array):
        raise PreprocessingError(f"{name}: {bad} voxels are NaN or infinite; write the image anew")
    low, high = float(array.min()), float(array.max())
    if low == high:
        raise PreprocessingError(f"{name}: every voxel is {low:g}; the image shows nothing")
    _check_extent(volume, name)
    background = _background(array)
    if low <= _AIR_HU and high > 500 and background <= _AIR_HU:
        raise PreprocessingError(
            f"{name}: the background is {background:g}, as in Hounsfield units: this is a CT, "
            f"not an MRI; give the MRI, or leave the sequence's cell empty"
        )
    notes = []
    normalised = low < 0 and background != low
    if normalised:
        notes.append("some values are negative: normalised before, no bias correction")
    elif array.dtype.kind == "f" and high <= 1.0:
        normalised = True
        notes.append("values lie within 0 and 1: normalised before, no bias correction")
    if array.dtype == np.uint8:
        notes.append("8-bit values: the scanner's own were rescaled")
    stripped = _is_stripped(volume, background)
    if stripped:
        notes.append("no skull: stripped before, its brain is taken as it is")
    if _looks_nominal(volume):
        notes.append(
            f"voxel size {_by(volume.spacing_mm)} mm (z, y, x) looks nominal: millimetres may "
            f"not be true"
        )
    return ScanState(stripped, normalised, tuple(notes))


def _check_extent(volume: Volume, name: str) -> None:
    extent = [size * step for size, step in zip(volume.shape, volume.spacing_mm, strict=True)]
    if min(volume.shape) < _LEAST_SLICES or min(extent) < _LEAST_EXTENT_MM:
        raise PreprocessingError(
            f"{name}: a head needs at least {_LEAST_SLICES} slices and {_LEAST_EXTENT_MM:g} mm "
            f"each way, got {_by(volume.shape)} voxels of {_by(volume.spacing_mm)} mm (z, y, x); "
            f"is this a localizer, or one slab of a scan?"
        )
    if max(extent) > _LARGEST_EXTENT_MM:
        raise PreprocessingError(
            f"{name}: {_by(extent)} mm (z, y, x) is larger than any head coil; correct the voxel "
            f"size in the header"
        )


def _background(array: np.ndarray) -> float:
    """Return the commonest value on the array's faces."""
    faces = [np.take(array, place, axis=axis) for axis in range(3) for place in (0, -1)]
    values, counts = np.unique(np.concatenate([face.ravel() for face in faces]), return_counts=True)
    return float(values[counts.argmax()])


def _is_stripped(volume: Volume, background: float) -> bool:
    """A stripping tool leaves one exact value around a body of a brain's volume."""
    inside = volume.array != background
    share = 1 - float(inside.mean())
    volume_ml = float(inside.sum()) * volume.voxel_volume_mm3 / 1000
    return share > 0.3 and _STRIPPED_ML[0] <= volume_ml <= _STRIPPED_ML[1]


def _looks_nominal(volume: Volume) -> bool:
    """In-plane voxels of exactly 1 mm on a matrix of 256 with thick slices: a header made up."""
    z, y, x = volume.spacing_mm
    return y == x == 1.0 and z > 2.0 and volume.shape[1:] == (256, 256)


def _by(values: object) -> str:
    return " x ".join(f"{value:g}" for value in values)  # type: ignore[attr-defined]
