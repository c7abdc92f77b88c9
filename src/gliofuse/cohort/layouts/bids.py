"""BIDS: ``sub-01/ses-01/anat/sub-01_ses-01_ce-gadolinium_T1w.nii.gz``, mask in derivatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout, first_visits
from gliofuse.cohort.sequences import SEQUENCES

__all__ = ["Bids"]

_IMAGE = re.compile(
    rf"(?P<sub>sub-[a-z0-9]+)(?:_(?P<ses>ses-[a-z0-9]+))?(?P<entities>(?:_[a-z0-9]+-[a-z0-9+]+)*)"
    rf"_(?P<suffix>[a-z0-9]+){NIFTI}",
    re.I,
)
_ROLES = {"t1w": "t1", "t2w": "t2", "flair": "flair"}
# Maps such as ADC are computed, so that they may as well lie in derivatives.
_MAPS = {
    word: one.name
    for one in SEQUENCES.values()
    if one.quantitative
    for word in (one.name, *one.synonyms)
}
_MASKS = {"dseg", "mask", "seg", "roi", "tumorseg", "segmentation"}
_NO_TUMOUR = re.compile(r"brain|[_-](gm|wm|csf|head|skull|aparc|aseg)(?![a-z])", re.I)
_TUMOUR = re.compile(r"tumou?r|lesion|glioma", re.I)


class Bids(Layout):
    """The Brain Imaging Data Structure.

    Images come from the raw data set, masks (``_dseg``, ``_mask``, ``_seg``) from ``derivatives``,
    maps such as ``_adc`` from either, the raw data set first.
    A mask whose name speaks of a tumour or lesion goes before one that does not; one that speaks
    of the brain is none. Sessions are ordered by number, or by a name that says "pre" or
    "baseline"; if neither tells, the patient's session must be named.
    """

    name = "bids"
    title = "BIDS"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _IMAGE.fullmatch(path.name)
        if match is None:
            return None
        suffix = match["suffix"].lower()
        derived = "derivatives" in path.parts
        variant, preference = "", 0
        if suffix in _MASKS and not _NO_TUMOUR.search(path.name):
            role = "mask"
            named = bool(_TUMOUR.search(path.name))
            variant, preference = ("tumour mask", 0) if named else ("other mask", 1)
        elif suffix in _ROLES and not derived:
            role = _ROLES[suffix]
            if role == "t1" and re.search(r"_ce-", match["entities"], re.I):
                role = "t1ce"
        elif suffix in _MAPS:
            role = _MAPS[suffix]
            variant, preference = ("from derivatives", 1) if derived else ("raw", 0)
        else:
            return None
        patient, visit = match["sub"], match["ses"]
        return FoundFile(path, patient, patient, role, visit, variant, preference)

    def ignores(self, path: PurePath) -> bool:
        """Derived images and other modalities have no use here."""
        return _IMAGE.fullmatch(path.name) is not None

    def table_key(self, identifier: str) -> str:
        """Compare without ``sub-``.

        Examples
        --------
        >>> Bids().table_key("sub-01")
        '01'
        """
        return super().table_key(identifier).removeprefix("sub-")

    def order_visits(self, visits: Sequence[str]) -> list[str] | None:
        """See :func:`first_visits`."""
        return first_visits(visits)
