"""Folders of one's own, by a pattern: ``{case}/{date}/{case}_{sequence}.nii.gz``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from gliofuse.cohort.layouts.base import FoundFile, Layout, first_visits
from gliofuse.cohort.layouts.plain import role_of
from gliofuse.errors import SettingError

__all__ = ["Pattern"]

_PLACE = re.compile(r"\{(\w+)\}|(\*)")
_VISIT = ("visit", "date", "session")


class Pattern(Layout):
    """What a path below the scanned folder looks like.

    Parameters
    ----------
    pattern : str
        ``{case}`` and ``{sequence}`` must be in it; ``{visit}``, ``{date}`` or ``{session}`` is a
        patient's visit. Another name in braces, and ``*``, is anything within a name. A name that
        comes again stands for the same again. What ``{sequence}`` finds is read as a plain
        folder's files are: ``T1 + contrast`` is t1ce, ``seg`` the mask.

    Raises
    ------
    SettingError
        If ``{case}`` or ``{sequence}`` is not in it.

    Examples
    --------
    >>> layout = Pattern("{case}/{date}/{case}_{sequence}.nii.gz")
    >>> found = layout.recognise(PurePath("P1/2021-03-04/P1_T1_MPRAGE.nii.gz"))
    >>> found.case_id, found.visit, found.role
    ('P1', '2021-03-04', 't1')
    """

    name = "pattern"
    takes_folder_name = False

    def __init__(self, pattern: str) -> None:
        names = [match[1] for match in _PLACE.finditer(pattern) if match[1]]
        for needed in ("case", "sequence"):
            if needed not in names:
                raise SettingError(
                    f"pattern {pattern!r}: {{{needed}}} is not in it; write for example "
                    "{case}/{date}/{case}_{sequence}.nii.gz"
                )
        self.title = f"the pattern {pattern}"
        self._visit = next((name for name in names if name in _VISIT), None)
        expression, done, place = "", set(), 0
        for match in _PLACE.finditer(pattern):
            expression += re.escape(pattern[place : match.start()])
            name, place = match[1], match.end()
            if name is None:
                expression += "[^/]*"
            elif name in done:
                expression += f"(?P={name})"
            else:
                expression += f"(?P<{name}>[^/]+?)"
                done.add(name)
        self._path = re.compile(expression + re.escape(pattern[place:]), re.I)

    def recognise(self, path: PurePath) -> FoundFile | None:
        """See :meth:`Layout.recognise`."""
        match = self._path.fullmatch(path.as_posix())
        role = None if match is None else role_of(match["sequence"])
        if match is None or role is None:
            return None
        visit = None if self._visit is None else match[self._visit]
        return FoundFile(path, match["case"], match["case"], role, visit=visit)

    def order_visits(self, visits: Sequence[str]) -> list[str] | None:
        """See :func:`first_visits`."""
        return first_visits(visits)
