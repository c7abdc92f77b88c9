"""Clinical columns as a numeric table, and the logistic model that takes them in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from gliofuse.errors import InputError

__all__ = ["ClinicalTable", "clinical_model"]


class ClinicalTable:
    """Code clinical columns for a regression; what is learned, is learned on training patients.

    Numbers stay as they are and their missing values become the training median. A column of
    words becomes one 0 / 1 column for each level but the first in the alphabet, which is the
    reference in every fold; a missing or unseen word counts as the training patients' most frequent
    level.

    Parameters
    ----------
    columns : iterable of str

    Attributes
    ----------
    medians_ : dict of str to float
    levels_ : dict of str to list of str
        Levels of each column of words, the reference first.
    modes_ : dict of str to str
        Most frequent level of each column of words.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self.columns = tuple(columns)

    def fit(self, table: pd.DataFrame) -> ClinicalTable:
        """Learn medians and levels.

        Raises
        ------
        InputError
            If a column is empty.
        """
        self.medians_: dict[str, float] = {}
        self.levels_: dict[str, list[str]] = {}
        self.modes_: dict[str, str] = {}
        for name in self.columns:
            column = table[name]
            if column.notna().sum() == 0:
                raise InputError(f"clinical column {name!r} is empty; leave it out of covariates")
            if pd.api.types.is_numeric_dtype(column):
                self.medians_[name] = float(column.median())
            else:
                words = column.dropna().astype(str)
                self.levels_[name] = sorted(words.unique())
                self.modes_[name] = str(words.mode().iloc[0])
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the coded table, one row a patient, all numbers."""
        coded = pd.DataFrame(index=table.index)
        for name in self.columns:
            if name in self.medians_:
                numbers = pd.to_numeric(table[name], errors="coerce")
                coded[name] = numbers.astype(float).fillna(self.medians_[name])
                continue
            words = table[name].astype("string")
            words = words.where(words.isin(self.levels_[name]), self.modes_[name])
            for level in self.levels_[name][1:]:
                coded[f"{name}={level}"] = (words == level).astype(float)
        return coded


def clinical_model() -> Any:
    """Return the logistic regression of clinical and fusion models.

    Columns are z-scored and weakly penalised (L2, C = 1), the project's choice: a perfectly
    separating score would otherwise have no finite coefficient.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler().set_output(transform="pandas"), LogisticRegression(C=1.0, max_iter=1000)
    )
