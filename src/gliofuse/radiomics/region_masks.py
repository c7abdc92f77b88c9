"""The region masks that features are taken from, and their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofuse.errors import RegionError
from gliofuse.imaging.cohort_labels import labels_present
from gliofuse.imaging.labels import LabelConvention, detect_convention
from gliofuse.imaging.regions import parse_region, region_mask
from gliofuse.imaging.volume import Volume

__all__ = ["column_name", "masks_of"]


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
        convention = detect_convention([labels_present(labels)])
    masks = {region: region_mask(labels, region, convention) for region in regions}
    for region, mask in masks.items():
        if not mask.any():
            raise RegionError(
                f"{name}: the region {region!r} has no voxel in this mask; leave the patient out "
                f"or choose another region"
            )
    return masks
