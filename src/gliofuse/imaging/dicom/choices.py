"""What the user asks for in the table of series."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.cohort.tables import read_table
from gliofuse.errors import ManifestError, did_you_mean
from gliofuse.imaging.dicom.proposal import ASK, OTHER

__all__ = ["Choice", "Choices", "read_choices"]

_NEEDED = ("patient_id", "study", "series_id", "part", "sequence")


@dataclass(frozen=True)
class Choice:
    """One row of the table that the user has given a sequence.

    Parameters
    ----------
    case_id, sequence, series_id, part : str
    name : str
        How a message calls the row.
    """

    case_id: str
    sequence: str
    series_id: str
    part: str
    name: str


@dataclass(frozen=True)
class Choices:
    """What a table of series asks for.

    Parameters
    ----------
    rows : tuple of Choice
    cases : dict of str to dict
        Every case that has a row, with its clinical columns (``patient_id``, ``study``, ``day``).
    undecided : tuple of str
        Names of the rows that say ``ask``.
    """

    rows: tuple[Choice, ...]
    cases: dict[str, dict[str, Any]]
    undecided: tuple[str, ...]


def read_choices(path: str | os.PathLike[str]) -> Choices:
    """Read a table of series as the user has corrected it.

    Raises
    ------
    ManifestError
        If a column is missing, a sequence is unknown, two rows of a study claim one sequence, or
        no row has a sequence.
    """
    table = read_table(path)
    for name in _NEEDED:
        if name not in table.columns:
            raise ManifestError(
                f"{path}: the column {name!r} is missing; this must be a table that  gliofuse "
                f"dicom scan  wrote"
            )
    rows: list[dict[str, Any]] = [
        {**dict(zip(table.columns, values, strict=True)), "line": line}
        for values, line in zip(table.rows, table.lines, strict=True)
    ]
    several = _with_several_studies(rows)
    chosen: dict[tuple[str, str], tuple[Choice, dict[str, Any]]] = {}
    cases: dict[str, dict[str, Any]] = {}
    undecided = []
    for row in rows:
        case_id = _case_id(row, several)
        cases.setdefault(case_id, _clinical(row))
        sequence = (row["sequence"] or "").lower()
        name = _row_name(row)
        if sequence == ASK:
            undecided.append(name)
        if sequence in ("", "-", ASK, OTHER):
            continue
        choice = Choice(case_id, sequence, row["series_id"] or "", row["part"] or "", name)
        _check_choice(path, choice, row, chosen)
        chosen[case_id, sequence] = (choice, row)
    if not chosen:
        ask = f"; {len(undecided)} rows say ask: decide them first" if undecided else ""
        raise ManifestError(
            f"{path}: no row has a sequence in its column 'sequence' (one of "
            f"{', '.join(SEQUENCES)}){ask}"
        )
    return Choices(tuple(choice for choice, _ in chosen.values()), cases, tuple(undecided))


def _with_several_studies(rows: list[dict[str, Any]]) -> set[str]:
    studies: dict[str, set[str]] = {}
    for row in rows:
        studies.setdefault(row["patient_id"], set()).add(row["study"])
    return {patient for patient, found in studies.items() if len(found) > 1}


def _case_id(row: dict[str, Any], several: set[str]) -> str:
    suffix = f"_s{row['study']}" if row["patient_id"] in several else ""
    return f"{row['patient_id']}{suffix}"


def _clinical(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("patient_id", "study", "day") if row.get(name)}


def _row_name(row: dict[str, Any]) -> str:
    part = f" part {row['part']}" if row["part"] else ""
    return f"{row['patient_id']} study {row['study']} series {row.get('series') or '?'}{part}"


def _check_choice(
    path: str | os.PathLike[str],
    choice: Choice,
    row: dict[str, Any],
    chosen: dict[tuple[str, str], tuple[Choice, dict[str, Any]]],
) -> None:
    if choice.sequence not in SEQUENCES:
        raise ManifestError(
            f"{path}: line {row['line']}: unknown sequence {row['sequence']!r}: "
            f"{did_you_mean(choice.sequence, [*SEQUENCES, ASK])}, or blank to leave it out"
        )
    modality = row.get("modality")
    if modality and modality != "MR":
        raise ManifestError(
            f"{path}: line {row['line']}: {choice.name} has modality {modality}, not MR: it cannot "
            f"be {choice.sequence}; empty its column 'sequence'"
        )
    twin = chosen.get((choice.case_id, choice.sequence))
    if twin is not None:
        raise ManifestError(
            f"{path}: {choice.sequence} is claimed twice, by {twin[0].name} ({_size(twin[1])}) and "
            f"{choice.name} ({_size(row)}): keep one, empty the other's column 'sequence'"
        )


def _size(row: dict[str, Any]) -> str:
    return " x ".join(str(row.get(name) or "?") for name in ("columns", "rows", "slices"))
