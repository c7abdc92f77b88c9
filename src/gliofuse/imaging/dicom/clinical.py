"""The pseudonyms of a scan in a clinical table, so that the two can be joined."""

from __future__ import annotations

import os

import pandas as pd

from gliofuse.cohort.tables import read_table
from gliofuse.errors import ManifestError, did_you_mean
from gliofuse.imaging.dicom.pseudonyms import Key

__all__ = ["pseudonymise_table"]


def pseudonymise_table(
    path: str | os.PathLike[str], id_column: str, key: Key
) -> tuple[pd.DataFrame, list[int]]:
    """Put pseudonyms in the place of a table's PatientIDs.

    Parameters
    ----------
    path : path
        CSV with a row a patient.
    id_column : str
        Its column of PatientIDs, as they stand in the DICOM headers.
    key : Key

    Returns
    -------
    DataFrame
        The table as text, ``patient_id`` in the place of ``id_column``.
    list of int
        Lines of the file whose patient was not scanned with this key.

    Raises
    ------
    ManifestError
        If the table cannot be read, the column is not there, or an id is blank.
    """
    table = read_table(path)
    if id_column not in table.columns:
        raise ManifestError(
            f"{path}: no column {id_column!r}: {did_you_mean(id_column, table.columns)}"
        )
    if id_column != "patient_id" and "patient_id" in table.columns:
        raise ManifestError(
            f"{path}: the pseudonyms go into a column 'patient_id', which is there already: "
            f"rename it"
        )
    pseudonyms, unknown = [], []
    for patient, line in zip(table.column(id_column), table.lines, strict=True):
        if patient is None:
            raise ManifestError(f"{path}: line {line} has no {id_column}; every row needs one")
        pseudonyms.append(key.patient(patient))
        if pseudonyms[-1] not in key.patients:
            unknown.append(line)
    columns = {
        "patient_id" if name == id_column else name: (
            pseudonyms if name == id_column else table.column(name)
        )
        for name in table.columns
    }
    return pd.DataFrame(columns, dtype=object), unknown
