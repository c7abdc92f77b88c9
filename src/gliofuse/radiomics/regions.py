"""Region masks and grey-value normalisation of the images that features are taken from."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from gliofuse.errors import RegionError, did_you_mean
from gliofuse.imaging.intensity import brain_mask, normalise
from gliofuse.imaging.labels import CONVENTIONS, LabelConvention, detect_convention
from gliofuse.imaging.regions import parse_region, region_mask
from gliofuse.imaging.volume import Volume

__all__ = ["column_name", "convention_of", "masks_of", "normalised"]


def column_name(region: str) -> str:
    """Return a region expression as feature names carry it, without blanks.

    Examples
    --------
    >>> column_name("ring(whole, 5)")
    'ring(whole,5)'
    """
    parse_region(region)
    return "".join(region.split())


def masks_of(
    labels: Volume, regions: Sequence[str], convention: str | LabelConvention, name: str
) -> dict[str, np.ndarray]:
    """Return the mask of each region, none of them empty.

    Parameters
    ----------
    labels : Volume
    regions : sequence of str
        Region expressions.
    convention : str or LabelConvention
        ``"auto"`` takes the one that fits the labels present.
    name : str
        What messages call the mask.

    Raises
    ------
    RegionError
        If an expression is wrong or a region has no voxel.
    """
    if convention == "auto":
        convention = detect_convention([_present(labels)])
    masks = {region: region_mask(labels, region, convention) for region in regions}
    for region, mask in masks.items():
        if not mask.any():
            raise RegionError(
                f"{name}: the region {region!r} has no voxel in this mask; leave the patient out "
                f"or choose another region"
            )
    return masks


def convention_of(
    masks: Sequence[str | os.PathLike[str]], name: str, workers: int | None = 1
) -> str:
    """Return the label convention called ``name``, or for ``"auto"`` the one that fits all masks.

    Raises
    ------
    RegionError
        If there is no such convention, or none fits.
    """
    if name != "auto":
        if name not in CONVENTIONS:
            raise RegionError(
                f"labels: no convention {name!r}; {did_you_mean(name, [*CONVENTIONS, 'auto'])}"
            )
        return name
    from gliofuse.compute import parallel_map

    found = [outcome.result for outcome in parallel_map(_labels_of, masks, workers=workers)]
    # a mask that cannot be read fails again, with its message, when its patient's turn comes
    return detect_convention([present for present in found if present is not None])


def normalised(image: Volume, method: str) -> Volume:
    """Return the image on a common scale.

    ``minmax`` is taken over the whole image, ``zscore`` and ``percentile`` over the voxels that are
    not 0; ``none`` returns the image as it is, in its own type.
    """
    if method == "none":
        return image
    mask = brain_mask(image.array) if method in ("zscore", "percentile") else None
    return image.with_array(normalise(image.array, method, mask))


def _labels_of(path: str | os.PathLike[str]) -> set[int]:
    return _present(Volume.read(path))


def _present(labels: Volume) -> set[int]:
    array = labels.array
    if array.dtype == np.uint8:
        return set(np.flatnonzero(np.bincount(array.ravel(), minlength=1)).tolist()) - {0}
    return {int(value) for value in np.unique(array)} - {0}
