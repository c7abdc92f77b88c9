"""Plain folders: one folder a patient, files named after the sequences, and ``mask``.

The folder's name is the patient's id. Words may follow a prefix (``p1_t1.nii.gz``), blanks and
dashes don't matter, and the usual other spellings are known (``t1gd``, ``t2-flair``, ``seg`` ...):
those of the sequences stand in their registry.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import FoundFile, Layout
from gliofuse.cohort.sequences import SEQUENCES

__all__ = ["Plain"]

_ENDING = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd)$", re.I)
_MASKS = (
    "mask", "seg", "segmentation", "label", "labels", "tumor", "tumour", "roi",
    "tumormask", "tumourmask", "tumorseg", "tumorsegmentation",
)  # fmt: skip
_ROLES = {
    **{word: one.name for one in SEQUENCES.values() for word in (one.name, *one.synonyms)},
    **dict.fromkeys(_MASKS, "mask"),
}
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
