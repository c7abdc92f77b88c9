"""Regions that a patient lacks: a fact about the patient, not a failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from gliofuse.cohort import Case

__all__ = ["absent_notes", "present_regions"]


def present_regions(case: Case, regions: tuple[str, ...], convention: str) -> tuple[str, ...]:
    """Return those of several regions of which the patient's mask has a voxel.

    All are returned where it has none of any, and a single one is, so that what needs them says
    what is wrong.
    """
    if len(regions) == 1 or case.mask is None:
        return regions
    from gliofuse.imaging import region_mask
    from gliofuse.imaging.images import read_mask

    labels = read_mask(case.mask)
    found = tuple(one for one in regions if region_mask(labels, one, convention).any())
    return found or regions


def absent_notes(cases: Mapping[str, Iterable[Any]], regions: tuple[str, ...]) -> pd.DataFrame:
    """Return the remark on each patient who lacks a region; ``cases`` holds those each has."""
    rows = [
        (
            case_id,
            f"the mask has no {region}: its features are missing, and imputed from the training "
            "patients beside an indicator that the region is absent",
        )
        for case_id, present in cases.items()
        for region in regions
        if region not in present
    ]
    return pd.DataFrame(rows, columns=["case_id", "note"])
