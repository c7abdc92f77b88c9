"""BraTS 2023 and later: ``BraTS-GLI-00000-000-t1c.nii.gz``, labels 1, 2, 3."""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout

__all__ = ["Brats2023"]

_FILE = re.compile(
    rf"(?P<id>BraTS-[A-Z]+-\d+)-(?P<visit>\d{{3}})-(?P<role>t1n|t1c|t2w|t2f|seg){NIFTI}", re.I
)
_ROLES = {"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair", "seg": "mask"}


class Brats2023(Layout):
    """BraTS 2023 and later; the last number of an id is the visit, 000 the first."""

    name = "brats2023"
    title = "BraTS 2023 and later"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        case_id = f"{match['id']}-{match['visit']}"
        role = _ROLES[match["role"].lower()]
        return FoundFile(path, match["id"], case_id, role, visit=match["visit"])
