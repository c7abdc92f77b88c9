"""Restricting a feature table to features that proved stable against the mask's uncertainty."""

from __future__ import annotations

import pandas as pd

from gliofuse.errors import InputError

__all__ = ["stable_only"]

_THRESHOLD = 0.75  # Xu et al. 2022 call features of an ICC of 0.75 and more consistent


def stable_only(table: pd.DataFrame, path: str | None) -> pd.DataFrame:
    """Return the columns that an ICC table admits; all of them if no table is given.

    Parameters
    ----------
    table : pandas.DataFrame
        Patients x features.
    path : str or None
        CSV with columns ``feature`` and ``icc``, as ``gliofuse stability`` writes it. It is made
        without labels, so that using it inside every fold leaks none.

    Raises
    ------
    InputError
        If the file cannot be used, or admits no column.
    """
    if path is None:
        return table
    from gliofuse.signature import read_icc_table

    icc = read_icc_table(path)
    admitted = set(icc.index[icc >= _THRESHOLD])
    kept = table.loc[:, [name in admitted for name in table.columns]]
    if kept.shape[1] == 0:
        raise InputError(
            f"{path} admits none of the {table.shape[1]} features, such as {table.columns[0]!r}; "
            "run `gliofuse stability` with the same regions, sequences and parameters"
        )
    return kept
