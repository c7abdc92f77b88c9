"""BraTS 2021: ``BraTS2021_00000/BraTS2021_00000_t1ce.nii.gz``, labels 1, 2, 4."""

from __future__ import annotations

import re
from pathlib import PurePath

from gliofuse.cohort.layouts.base import NIFTI, FoundFile, Layout

__all__ = ["Brats2021"]

_FILE = re.compile(rf"(?P<id>BraTS2021_\d+)_(?P<role>t1|t1ce|t2|flair|seg){NIFTI}", re.I)


class Brats2021(Layout):
    """BraTS 2021; tables may give the number alone, with or without leading zeros."""

    name = "brats2021"
    title = "BraTS 2021"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = _FILE.fullmatch(path.name)
        if match is None:
            return None
        role = match["role"].lower()
        return FoundFile(path, match["id"], match["id"], "mask" if role == "seg" else role)

    def table_key(self, identifier: str) -> str:
        """Compare the number only.

        Examples
        --------
        >>> layout = Brats2021()
        >>> layout.table_key("BraTS2021_00097") == layout.table_key("97")
        True
        """
        match = re.fullmatch(r"(?:BraTS2021_)?(\d+)", identifier.strip(), re.I)
        return str(int(match[1])) if match else super().table_key(identifier)
