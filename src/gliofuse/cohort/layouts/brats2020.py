"""BraTS 2017-2020: ``BraTS20_Training_001/BraTS20_Training_001_t1ce.nii.gz``, labels 1, 2, 4."""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout

__all__ = ["Brats2020"]

_FILE = re.compile(rf"(?P<id>Brats(?:17|18|19|20)_.+)_(?P<role>t1|t1ce|t2|flair|seg){NIFTI}", re.I)
# BraTS 2020 ships one mask under its name from before the release (BraTS20_Training_355).
_STRAY_MASK = re.compile(rf".+_Segm{NIFTI}", re.I)
_FOLDER = re.compile(r"Brats(?:17|18|19|20)_.+", re.I)
_GRADES = {"hgg": "HGG", "lgg": "LGG"}


class Brats2020(Layout):
    """BraTS 2017 to 2020; the folders ``HGG`` and ``LGG`` become the column ``grade_group``."""

    name = "brats2020"
    title = "BraTS 2017-2020"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _FILE.fullmatch(path.name)
        grade = next((_GRADES[p.lower()] for p in path.parts if p.lower() in _GRADES), None)
        folder = path.parent.name
        if match is None and _STRAY_MASK.fullmatch(path.name) and _FOLDER.fullmatch(folder):
            return FoundFile(path, folder, folder, "mask", variant="other name", preference=1)
        if match is None:
            return None
        role = match["role"].lower()
        return FoundFile(
            path, match["id"], match["id"], "mask" if role == "seg" else role, hint=grade
        )
