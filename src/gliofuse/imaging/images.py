"""The images of one patient, checked to lie on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from gliofuse.cohort.case import Case
from gliofuse.cohort.sequences import check_sequences
from gliofuse.errors import ImageError, ManifestError
from gliofuse.imaging.finite import check_finite
from gliofuse.imaging.volume import Volume, check_same_geometry

__all__ = ["CaseImages", "load_case", "read_mask"]


@dataclass(frozen=True, eq=False)
class CaseImages:
    """Images of one patient on one grid.

    Parameters
    ----------
    volumes : dict of str to Volume
        Sequence name to image, in the order asked for.
    mask : Volume
        Integer labels; 0 is background.
    """

    volumes: dict[str, Volume]
    mask: Volume

    def stack(self) -> np.ndarray:
        """Return the images as float32, shape (sequence, z, y, x)."""
        return np.stack([volume.array.astype(np.float32) for volume in self.volumes.values()])


def load_case(case: Case, sequences: Sequence[str]) -> CaseImages:
    """Read a patient's images and mask.

    Parameters
    ----------
    case : Case
    sequences : sequence of str
        Those to read, in this order.

    Returns
    -------
    CaseImages

    Raises
    ------
    ManifestError
        If the patient lacks a sequence or the mask.
    ImageError
        If a file cannot be read, an image has a voxel that is not finite, or the mask holds
        something other than whole numbers from 0 up.
    GeometryError
        If an image and the mask differ in shape, spacing, origin or axes.
    """
    check_sequences(sequences)
    missing = case.lacks(sequences)
    if missing or case.mask is None:
        raise ManifestError(
            f"patient {case.case_id}: no {', '.join(missing)} in the manifest; add the file or "
            f"leave the patient out"
        )
    mask = read_mask(case.mask)
    volumes = {}
    for sequence in sequences:
        path = case.images[sequence]
        volume = Volume.read(path)
        check_same_geometry(volume, mask, str(path), str(case.mask))
        check_finite(volume, path)
        volumes[sequence] = volume
    return CaseImages(volumes, mask)


def read_mask(path: str | PathLike[str]) -> Volume:
    """Read a mask as integer labels; a file of floats is taken if they are whole numbers.

    Raises
    ------
    ImageError
        If the file cannot be read or holds anything but whole numbers from 0 up.
    """
    volume = Volume.read(path)
    check_finite(volume, path)
    array = volume.array
    if array.dtype == np.uint8:
        return volume
    rounded = np.rint(array)
    if array.min() < 0 or not np.array_equal(rounded, array):
        odd = array[(array < 0) | (rounded != array)].flat[0]
        raise ImageError(
            f"{path}: a mask must hold whole numbers from 0 up, got {odd!s}; resample masks with "
            f"nearest neighbour"
        )
    return volume.with_array(rounded.astype(np.uint8 if array.max() < 256 else np.int32))
