"""All patients' files side by side in one folder: ``P01_t1.nii.gz``, ``P01_seg.nii.gz``."""

from __future__ import annotations

from pathlib import PurePath

from gliofuse.cohort.layouts.base import FoundFile, Layout
from gliofuse.cohort.layouts.plain import image_stem, role_of, split_role

__all__ = ["Flat"]


class Flat(Layout):
    """One folder for all; what precedes the sequence in a file's name is the patient's id."""

    name = "flat"
    title = "one folder for all patients"
    takes_folder_name = False

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        stem = image_stem(path)
        if len(path.parts) > 1 or stem is None or role_of(stem) is None:
            return None
        patient, role = split_role(stem)
        return FoundFile(path, patient, patient, role) if patient else None
