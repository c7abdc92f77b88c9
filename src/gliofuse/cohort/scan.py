"""Finding the patients in a folder of MRI.

Nothing is picked in silence: a follow-up scan that is left out, one of two forms of a file that
is taken, two files that claim one place (neither is taken) and files that nobody understands are
each a row of the notes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import pandas as pd

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.layouts import LAYOUTS, FoundFile, Layout, Pattern
from gliofuse.cohort.layouts.base import natural_key
from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.errors import ManifestError, SettingError, did_you_mean

__all__ = ["NOTE_COLUMNS", "Scan", "scan_folder"]

NOTE_COLUMNS = ("case_id", "rule", "detail")

_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz")
_DICOM = (".dcm", ".ima")
_CONVERT = "convert it first, with  gliofuse dicom scan"
_SHOWN = 4
_GENERAL = ("flat", "visits", "plain")  # layouts of no data set's own


@dataclass(frozen=True)
class Scan:
    """What a folder holds.

    Parameters
    ----------
    cohort : Cohort
    layout : Layout
        The one given or found.
    notes : DataFrame
        Columns ``case_id`` (blank where it is about no single patient), ``rule`` and ``detail``.
    """

    cohort: Cohort
    layout: Layout
    notes: pd.DataFrame


@dataclass(frozen=True)
class _Note:
    case_id: str
    rule: str
    detail: str


def scan_folder(
    root: str | os.PathLike[str],
    *,
    layout: str | None = None,
    pattern: str | None = None,
    visit: str | None = None,
) -> Scan:
    """Find the patients of a folder.

    Parameters
    ----------
    root : path
    layout : str, optional
        A name in :data:`~gliofuse.cohort.layouts.LAYOUTS`; by default the one that recognises
        the most patients.
    pattern : str, optional
        Instead of a layout, see :class:`~gliofuse.cohort.layouts.Pattern`.
    visit : str, optional
        Take this visit (its name, as in the folder) instead of the first.

    Returns
    -------
    Scan

    Raises
    ------
    SettingError
        If the layout's name is unknown, or a visit is named where there are none.
    ManifestError
        If the folder does not exist, holds no image of the layout, or two layouts fit.
    """
    folder = Path(os.path.abspath(root))
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise ManifestError(f"{root}: {what}; give the folder that holds the patients' folders")
    if layout is not None and pattern is not None:
        raise SettingError(f"layout {layout!r} and a pattern are given; one of them says it")
    files, series, closed = _walk(folder)
    if not files:
        hint = f"it holds DICOM files: {_CONVERT}" if series else "check the path"
        raise ManifestError(
            f"{root}: no NIfTI or NRRD file in it or below ({', '.join(_SUFFIXES)}); {hint}"
        )
    if pattern is not None:
        chosen: Layout = Pattern(pattern)
        found = _fitting(chosen, folder, files)
    else:
        chosen, found = _choose(layout, folder, files)
    patients: dict[str, list[FoundFile]] = {}
    for file in found:
        patients.setdefault(file.patient, []).append(file)
    if visit is not None and all(file.visit is None for file in found):
        raise SettingError(f"visit {visit!r}: the layout {chosen.name!r} finds no visits here")
    notes = _unused(chosen, files, {file.path for file in found})
    notes += [_Note("", "cannot be opened", one) for one in closed]
    notes += [_Note("", "DICOM", f"{place} is left out: {_CONVERT}") for place in series]
    notes += _nested(chosen, found)
    cases = []
    for patient in sorted(patients, key=natural_key):
        case, remarks = _assemble(chosen, folder, patients[patient], visit)
        notes += remarks
        if case is not None:
            cases.append(case)
    if not cases:
        raise ManifestError(
            f"{root}: layout {chosen.name!r} finds files but no patient with an image"
            + (f" of visit {visit!r}" if visit else "")
        )
    table = pd.DataFrame([vars(note) for note in notes], columns=list(NOTE_COLUMNS))
    return Scan(Cohort(tuple(cases)), chosen, table)


def _walk(folder: Path) -> tuple[list[PurePath], list[PurePath], list[str]]:
    """Return image files, folders of DICOM files, relative, and what cannot be opened and why.

    Links are followed, hidden files left.
    """
    seen: set[str] = set()
    images: list[PurePath] = []
    series: list[PurePath] = []
    closed: list[str] = []

    def note(error: OSError) -> None:
        closed.append(f"{os.path.relpath(error.filename, folder)}: {error.strerror}")

    for where, folders, names in os.walk(folder, onerror=note, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = PurePath(os.path.relpath(where, folder))
        shown = sorted(name for name in names if not name.startswith("."))
        images += [here / name for name in shown if name.lower().endswith(_SUFFIXES)]
        if any(name.lower().endswith(_DICOM) or name == "DICOMDIR" for name in shown):
            series.append(here)
    return images, series, closed


def _choose(
    name: str | None, folder: Path, files: Sequence[PurePath]
) -> tuple[Layout, list[FoundFile]]:
    if name is not None:
        if name not in LAYOUTS:
            raise SettingError(f"layout {name!r} is unknown: {did_you_mean(name, LAYOUTS)}")
        return LAYOUTS[name], _fitting(LAYOUTS[name], folder, files)
    fits = {kind.name: _recognised(kind, folder, files) for kind in LAYOUTS.values()}
    counts = {
        kind: len({file.patient for file in found if file.role != "mask"})
        for kind, found in fits.items()
    }
    special = [kind for kind, count in counts.items() if count and kind not in _GENERAL]
    if len(special) > 1:
        listed = ", ".join(f"{kind} ({counts[kind]} patients)" for kind in special)
        raise ManifestError(f"{folder}: more than one layout fits: {listed}; name one (--layout)")
    best = "plain"
    if special and counts[special[0]] >= counts["plain"] // 2:
        best = special[0]
    elif counts["flat"] > counts["plain"]:
        best = "flat"
    elif counts["visits"] and _shared_names(fits["plain"]):
        best = "visits"
    if not counts[best]:
        raise ManifestError(
            f"{folder}: none of the layouts {', '.join(LAYOUTS)} fits the {len(files)} images, "
            f"with names such as {_some(files)}; say where the names stand, --pattern "
            f"'{{case}}/{{case}}_{{sequence}}.nii.gz', put each patient's files into a folder of "
            f"its own as {', '.join(SEQUENCES)}, mask (what there is), or write the manifest "
            "by hand"
        )
    return LAYOUTS[best], fits[best]


def _fitting(layout: Layout, folder: Path, files: Sequence[PurePath]) -> list[FoundFile]:
    found = _recognised(layout, folder, files)
    if not found:
        raise ManifestError(
            f"{folder}: no file fits the layout {layout.name!r} ({layout.title}); the "
            f"{len(files)} images have names such as {_some(files)}"
        )
    return found


def _shared_names(found: Sequence[FoundFile]) -> bool:
    """Whether folders of one name lie in several others: they are then no patients."""
    places: dict[str, set[PurePath]] = {}
    for file in found:
        places.setdefault(file.patient, set()).add(file.path.parent)
    return any(len(where) > 1 for where in places.values())


def _recognised(kind: Layout, folder: Path, files: Sequence[PurePath]) -> list[FoundFile]:
    found = []
    for path in files:
        # A patient's own folder may be given: its files then take the folder's name.
        alone = len(path.parts) == 1 and kind.takes_folder_name
        given = PurePath(folder.name, path) if alone else path
        file = kind.recognise(given)
        if file is not None:
            found.append(replace(file, path=path))
    return found


def _assemble(
    layout: Layout, folder: Path, files: list[FoundFile], wanted: str | None
) -> tuple[Case | None, list[_Note]]:
    patient = files[0].patient
    visits = {file.visit for file in files if file.role != "mask" and file.visit is not None}
    notes = []
    chosen: str | None = None
    if wanted is not None and visits:
        if wanted not in visits:
            listed = ", ".join(sorted(visits))
            return None, [_Note(patient, "visit", f"has no visit {wanted!r}, only {listed}")]
        chosen = wanted
    elif visits:
        ordered = layout.order_visits(sorted(visits))
        if ordered is None:
            detail = f"scans {', '.join(sorted(visits))}: their names don't tell which is first"
            return None, [_Note(patient, "visit", f"{detail}; left out, name one with --visit")]
        chosen = ordered[0]
        if len(ordered) > 1:
            rest = ", ".join(ordered[1:])
            notes.append(_Note(patient, "follow-up", f"{chosen} is taken, {rest} left out"))
    used = [
        file for file in files
        if file.visit == chosen or (file.role == "mask" and file.visit is None and len(visits) < 2)
    ]  # fmt: skip
    if not any(file.role != "mask" for file in used):
        return None, [_Note(patient, "no image", "has a mask but no image; left out")]
    case_id = next(file.case_id for file in used if file.role != "mask")
    paths: dict[str, Path] = {}
    for role in (*SEQUENCES, "mask"):
        taken, remarks = _pick([file for file in used if file.role == role], folder, case_id, role)
        notes += remarks
        if taken is not None:
            paths[role] = folder / taken.path
    mask = paths.pop("mask", None)
    hint = next((file.hint for file in used if file.hint), None)
    clinical = {"grade_group": hint} if hint else {}
    return Case(case_id, paths, mask, None, clinical), notes


def _pick(
    files: list[FoundFile], folder: Path, case_id: str, role: str
) -> tuple[FoundFile | None, list[_Note]]:
    broken = [file for file in files if not (folder / file.path).exists()]
    notes = [_Note(case_id, "broken link", f"{role}: {file.path}") for file in broken]
    files = [file for file in files if file not in broken]
    if not files:
        return None, notes
    best = min(file.preference for file in files)
    top = [file for file in files if file.preference == best]
    if len(top) > 1:
        names = ", ".join(str(file.path) for file in top)
        detail = f"{role}: {len(top)} files ({names}); none is taken, name one in the manifest"
        return None, [*notes, _Note(case_id, "doubled file", detail)]
    rest = sorted({file.variant for file in files if file.preference != best})
    if rest:
        detail = f"{role}: {top[0].variant} is taken, {', '.join(rest)} left out"
        notes.append(_Note(case_id, "variant", detail))
    return top[0], notes


def _unused(layout: Layout, files: Sequence[PurePath], used: set[PurePath]) -> list[_Note]:
    return [
        _Note("", "not understood", str(path))
        for path in files
        if path not in used and not layout.ignores(path)
    ]


def _nested(layout: Layout, found: Sequence[FoundFile]) -> list[_Note]:
    """Say so where plain folders lie in folders: the outer one could be the patient."""
    if layout.name != "plain":
        return []
    places: dict[str, set[PurePath]] = {}
    for file in found:
        places.setdefault(file.patient, set()).add(file.path.parent)
    twice = {name: where for name, where in places.items() if len(where) > 1}
    if twice:
        name, where = next(iter(twice.items()))
        listed = ", ".join(sorted(map(str, where))[:_SHOWN])
        raise ManifestError(
            f"one folder a patient is needed, but the name {name!r} stands for {listed}; if these "
            f"are visits of different patients, keep one visit each and name its folder after "
            f"the patient"
        )
    deep = sorted(str(file.path.parent) for file in found if len(file.path.parts) > 2)
    if not deep:
        return []
    inner = PurePath(deep[0]).name
    detail = f"{deep[0]} is read as patient {inner!r}; if the outer folder is the patient, "
    return [_Note("", "nested folders", detail + "keep one visit each and take a level out")]


def _some(files: Sequence[PurePath]) -> str:
    return ", ".join(repr(str(path)) for path in files[:_SHOWN])
