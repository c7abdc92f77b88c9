"""What every data-set layout answers: whose file is this, which sequence, which visit."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

__all__ = ["NIFTI", "FoundFile", "Layout", "first_visits", "natural_key"]

NIFTI = r"\.nii(?:\.gz)?"
"""Regular expression of a NIfTI file's ending."""


@dataclass(frozen=True)
class FoundFile:
    """One recognised file.

    Parameters
    ----------
    path : PurePath
        Relative to the folder that is scanned.
    patient : str
        The same for every visit of a patient.
    case_id : str
        Id of this visit's row in the manifest.
    role : str
        A sequence, or ``"mask"``.
    visit : str or None
        ``None`` where the layout has but one.
    variant : str
        Which of the forms that a layout offers, for example ``"bias-corrected"``.
    preference : int
        Among variants the smallest is taken.
    hint : str or None
        What a parent folder says, such as ``HGG``.
    """

    path: PurePath
    patient: str
    case_id: str
    role: str
    visit: str | None = None
    variant: str = ""
    preference: int = 0
    hint: str | None = None


class Layout(ABC):
    """How a data set names its folders and files."""

    name: ClassVar[str]
    title: str
    #: Whether a file in the scanned folder itself belongs to a patient of that folder's name.
    takes_folder_name: ClassVar[bool] = True

    @abstractmethod
    def recognise(self, path: PurePath) -> FoundFile | None:
        """Return what a file (relative to the scanned folder) is, or ``None``."""

    def ignores(self, path: PurePath) -> bool:
        """Whether the layout knows the file and has no use for it."""
        return False

    def table_key(self, identifier: str) -> str:
        """Return the form in which ids of the table and of the folders are compared."""
        return identifier.strip().casefold()

    def order_visits(self, visits: Sequence[str]) -> list[str] | None:
        """Return the visits from first to last, or ``None`` if their names don't tell."""
        return sorted(visits, key=natural_key)


_FIRST = re.compile(r"pre(?!v)|baseline", re.I)


def first_visits(visits: Sequence[str]) -> list[str] | None:
    """Order by number or date; else the one name that says "pre" or "baseline" comes first.

    Examples
    --------
    >>> first_visits(["day10", "day9"]), first_visits(["post", "pre"]), first_visits(["a", "b"])
    (['day9', 'day10'], ['pre', 'post'], None)
    """
    if len({re.sub(r"\d+$", "", visit) for visit in visits}) == 1 or all(
        re.fullmatch(r"[\d\-_.]+", visit) for visit in visits
    ):
        return sorted(visits, key=natural_key)
    first = [visit for visit in visits if _FIRST.search(visit)]
    if len(first) == 1:
        return first + sorted(set(visits) - set(first), key=natural_key)
    return None


def natural_key(text: str) -> list[tuple[int, int | str]]:
    """Return a sorting key under which ``scan10`` follows ``scan9``.

    Examples
    --------
    >>> sorted(["s10", "s9"], key=natural_key)
    ['s9', 's10']
    """
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]
