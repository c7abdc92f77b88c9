"""TCIA BraTS-TCGA: ``TCGA-02-0006/TCGA-02-0006_1996.08.23_t1Gd.nii.gz``, labels 1, 2, 4."""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout

__all__ = ["TciaBrats"]

_FILE = re.compile(
    rf"(?P<id>TCGA-\w{{2}}-\w{{4}})_(?P<visit>\d{{4}}\.\d{{2}}\.\d{{2}})_"
    rf"(?P<role>t1|t1Gd|t2|flair|GlistrBoost(?P<corrected>_ManuallyCorrected)?){NIFTI}",
    re.I,
)
_ROLES = {"t1": "t1", "t1gd": "t1ce", "t2": "t2", "flair": "flair"}
_BARCODE = re.compile(r"TCGA-\w{2}-\w{4}", re.I)


class TciaBrats(Layout):
    """BraTS-TCGA-GBM and -LGG of TCIA; the manually corrected mask is taken where there is one."""

    name = "tcia-brats"
    title = "TCIA BraTS-TCGA"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        role = _ROLES.get(match["role"].lower(), "mask")
        corrected = bool(match["corrected"])
        variant = ("manually corrected" if corrected else "automatic") if role == "mask" else ""
        patient = match["id"].upper()
        return FoundFile(
            path,
            patient,
            patient,
            role,
            visit=match["visit"],
            variant=variant,
            preference=int(role == "mask" and not corrected),
        )

    def table_key(self, identifier: str) -> str:
        """Compare the patient's part of a TCGA barcode.

        Examples
        --------
        >>> TciaBrats().table_key("TCGA-02-0006-01A")
        'tcga-02-0006'
        """
        match = _BARCODE.match(identifier.strip())
        return match[0].casefold() if match else super().table_key(identifier)
