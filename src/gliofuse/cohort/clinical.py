"""Joining a clinical table to the patients of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.layouts import LAYOUTS, Layout
from gliofuse.cohort.scan import NOTE_COLUMNS
from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.cohort.tables import Table, column_values, read_table
from gliofuse.errors import ManifestError, did_you_mean

__all__ = ["join_clinical"]

_RESERVED = ("case_id", *SEQUENCES, "mask")
_SHOWN = 3


def join_clinical(
    cohort: Cohort,
    table_path: str | os.PathLike[str],
    id_column: str,
    *,
    layout: Layout | None = None,
    center_column: str | None = None,
) -> tuple[Cohort, pd.DataFrame]:
    """Add a table's columns to the patients.

    Parameters
    ----------
    cohort : Cohort
    table_path : path
        CSV, Excel or Parquet.
    id_column : str
        The table's column of patient ids.
    layout : Layout, optional
        Its rule says which ids are the same; by default capitals and blanks don't count.
    center_column : str, optional
        The column that becomes the patients' centre; by default ``center``, if there is one.

    Returns
    -------
    Cohort
        Patients in the same order; one that the table lacks keeps what it had.
    DataFrame
        Columns ``case_id``, ``rule``, ``detail``: patients without a row, rows without a
        patient, rows of one patient that contradict each other (none of them is joined).

    Raises
    ------
    ManifestError
        If the table cannot be read, the column is unknown, another column has a name that the
        manifest needs, or no patient is in the table.
    """
    table = read_table(table_path)
    for name, what in ((id_column, "to join by"), (center_column, "of centres")):
        if name is not None and name not in table.columns:
            raise ManifestError(
                f"{table.source}: no column {name!r} {what}: {did_you_mean(name, table.columns)}"
            )
    taken = [name for name in table.columns if name in _RESERVED and name != id_column]
    if taken:
        raise ManifestError(
            f"{table.source}: the manifest needs the column name{'s' if taken[1:] else ''} "
            f"{', '.join(taken)} for itself; rename it in the table"
        )
    rule = layout or LAYOUTS["plain"]
    rows, notes = _rows_by_key(table, id_column, rule)
    columns = [name for name in table.columns if name and name != id_column]
    values = {name: column_values(table.column(name)) for name in columns}
    joined = []
    used = set()
    for case in cohort:
        key = _matching_key(rule, case.case_id, rows)
        if key is None:
            joined.append(case)
            notes.append((case.case_id, "no clinical row", f"no row in {table.source.name}"))
            continue
        used.add(key)
        own = {name: values[name][rows[key]] for name in columns}
        joined.append(_with_values(case, own, center_column or "center"))
    if not used:
        raise ManifestError(
            f"{table.source}: no id of column {id_column!r} is a patient's: the table has "
            f"{_some(table.column(id_column))}, the folder {_some(cohort.case_ids)}; give the "
            f"column that holds the folder's ids"
        )
    notes += [
        (str(table.column(id_column)[row]), "no images", f"line {table.lines[row]} of the table")
        for key, row in rows.items()
        if key not in used
    ]
    return Cohort(tuple(joined), cohort.source), pd.DataFrame(notes, columns=list(NOTE_COLUMNS))


def _rows_by_key(
    table: Table, id_column: str, layout: Layout
) -> tuple[dict[str, int], list[tuple[str, str, str]]]:
    found: dict[str, list[int]] = {}
    notes = []
    for row, identifier in enumerate(table.column(id_column)):
        if identifier is None:
            notes.append(("", "no id", f"line {table.lines[row]} of the table has no {id_column}"))
        else:
            found.setdefault(layout.table_key(identifier), []).append(row)
    place = table.columns.index(id_column)
    rows = {}
    for key, places in found.items():
        first = table.rows[places[0]]
        others = [value for index, value in enumerate(first) if index != place]
        same = all(
            [value for index, value in enumerate(table.rows[row]) if index != place] == others
            for row in places
        )
        if same:
            rows[key] = places[0]
        if len(places) > 1:
            lines = ", ".join(str(table.lines[row]) for row in places)
            end = "are equal" if same else "differ: none is joined, keep one"
            notes.append((str(first[place]), "doubled row", f"lines {lines} of the table {end}"))
    return rows, notes


def _matching_key(layout: Layout, case_id: str, rows: dict[str, int]) -> str | None:
    """The table may name a visit (``BraTS-GLI-00000-000``) or only the patient."""
    candidates = [case_id]
    if layout.name == "brats2023":
        candidates.append(case_id.rsplit("-", 1)[0])
    for candidate in candidates:
        key = layout.table_key(candidate)
        if key in rows:
            return key
    return None


def _with_values(case: Case, values: dict[str, Any], center_column: str) -> Case:
    center = values.pop(center_column, None)
    return replace(
        case,
        center=case.center if center is None else str(center),
        clinical={**case.clinical, **values},
    )


def _some(values: Sequence[str | None]) -> str:
    return ", ".join(repr(value) for value in list(values)[:_SHOWN])
