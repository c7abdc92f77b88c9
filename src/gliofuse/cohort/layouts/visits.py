"""A folder a visit in each patient's: ``P01/pre/t1.nii.gz``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from gliofuse.cohort.layouts.base import FoundFile, Layout, first_visits
from gliofuse.cohort.layouts.plain import Plain

__all__ = ["Visits"]


class Visits(Layout):
    """Folders of visits, named by number, date, or as "pre" or "baseline", in plain ones."""

    name = "visits"
    title = "a folder a visit in each patient's"

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        if len(path.parts) < 3:
            return None
        *_, patient, visit, _ = path.parts
        found = Plain().recognise(path)
        return found and replace(found, patient=patient, case_id=patient, visit=visit)

    def order_visits(self, visits: Sequence[str]) -> list[str] | None:
        """See :func:`first_visits`."""
        return first_visits(visits)
