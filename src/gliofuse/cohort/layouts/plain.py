"""Plain folders: one folder a patient, files named ``t1``, ``t1ce``, ``t2``, ``flair``, ``mask``.

The folder's name is the patient's id. Words may follow a prefix (``p1_t1.nii.gz``), blanks and
dashes don't matter, and the usual other spellings are known (``t1c``, ``t1gd``, ``seg`` ...).
"""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import FoundFile, Layout

__all__ = ["Plain"]

_ENDING = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd)$", re.I)
_WORDS = {
    "t1": ("t1", "t1w", "t1n", "t1pre"),
    "t1ce": ("t1ce", "t1c", "t1gd", "t1gad", "t1post", "t1wce", "t1wgd", "t1contrast", "cet1"),
    "t2": ("t2", "t2w"),
    "flair": ("flair", "t2f", "t2flair", "fl"),
    "mask": ("mask", "seg", "segmentation", "label", "labels", "tumor", "tumour", "roi",
             "tumormask", "tumourmask", "tumorseg", "tumorsegmentation"),
}  # fmt: skip
_ROLES = {word: role for role, words in _WORDS.items() for word in words}
# A mask of something else must not be taken for the tumour's.
_NO_TUMOUR = re.compile(r"brain|skull|parenchyma|\b(gm|wm|csf|head|bet)\b", re.I)


class Plain(Layout):
    """One folder a patient."""

    name = "plain"
    title = "plain folders"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        patient = path.parent.name
        ending = _ENDING.search(path.name)
        if ending is None or not patient:
            return None
        stem = path.name[: ending.start()]
        if stem.casefold().startswith(patient.casefold()):
            stem = stem[len(patient) :]
        role = _role(stem)
        if role == "mask" and _NO_TUMOUR.search(stem.replace("_", " ")):
            return None
        return None if role is None else FoundFile(path, patient, patient, role)


def _role(stem: str) -> str | None:
    words = [word for word in re.split(r"[\s_\-.]+", stem.lower()) if word]
    for count in range(len(words), 0, -1):
        role = _ROLES.get("".join(words[-count:]))
        if role is not None:
            return role
    return None
