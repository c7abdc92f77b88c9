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

__all__ = ["Plain", "image_stem", "role_of", "split_role"]

_ENDING = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd|mgz)$", re.I)
# Words between blanks, dashes, dots and underscores.
_WORD = re.compile(r"[^\s_\-.]+")
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
        patient, stem = path.parent.name, image_stem(path)
        if stem is None or not patient:
            return None
        if stem.casefold().startswith(patient.casefold()):
            stem = stem[len(patient) :]
        role = role_of(stem)
        return None if role is None else FoundFile(path, patient, patient, role)


def image_stem(path: PurePath) -> str | None:
    """Return an image's name without its ending, ``None`` of another file."""
    ending = _ENDING.search(path.name)
    return None if ending is None else path.name[: ending.start()]


def role_of(stem: str) -> str | None:
    """Return the sequence, or ``"mask"``, that a name's last words say; ``None`` if none.

    Examples
    --------
    >>> [role_of(stem) for stem in ("P01_T1 + contrast", "sag_MPRAGE", "T2-FLAIR", "brain_mask")]
    ['t1ce', 't1', 'flair', None]
    """
    found = split_role(stem)[1]
    return found or None


def split_role(stem: str) -> tuple[str, str]:
    """Return what precedes the words that say a sequence or mask, and what they say.

    Examples
    --------
    >>> split_role("P01_t1_post"), split_role("case-7-seg"), split_role("notes")
    (('P01', 't1ce'), ('case-7', 'mask'), ('notes', ''))
    """
    words = [match for match in _WORD.finditer(stem) if match[0]]
    for first in range(len(words)):
        said = "".join(match[0] for match in words[first:]).lower()
        # "T1+" and "T1 + C" are contrast-enhanced; any other plus is a blank.
        said = re.sub(r"\+$", "ce", said).replace("+", "")
        role = _ROLES.get(said)
        if role == "mask" and _NO_TUMOUR.search(stem.replace("_", " ")):
            return stem, ""
        if role is not None:
            return stem[: words[first].start()].rstrip(" _-."), role
    return stem, ""
