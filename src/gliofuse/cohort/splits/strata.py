"""Strata of a split: the classes, and beside them the columns that each part is to hold alike."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gliofuse.cohort.case import as_words, is_missing
from gliofuse.cohort.splits.groups import column_of_rows
from gliofuse.errors import SettingError

__all__ = ["combined_strata"]

_MOST_LEVELS = 10
_UNKNOWN = "unknown"


def combined_strata(
    classes: pd.Series,
    clinical: pd.DataFrame,
    columns: Sequence[str],
    *,
    least: int,
    people: pd.Series | None = None,
) -> tuple[pd.Series, tuple[str, ...]]:
    """Combine the classes with clinical columns, and merge the combinations that are rare.

    A combination of fewer than ``least`` patients loses its last column, then the one before: the
    columns that are named first are kept the longest, and the class always. What is still rare then
    joins the smallest stratum of its class.

    Parameters
    ----------
    classes : Series
        By ``case_id``.
    clinical : DataFrame
        Index ``case_id``. A missing value counts as a level of its own.
    columns : sequence of str
    least : int
        Patients that a stratum needs.
    people : Series, optional
        The person behind each row: people are counted, each in the stratum of most of the rows.

    Returns
    -------
    Series, tuple of str
        The stratum of each patient, and the combinations that were merged.

    Raises
    ------
    SettingError
        If a column is unknown or has more than ten values.

    Examples
    --------
    >>> index = [f"p{number}" for number in range(8)]
    >>> clinical = pd.DataFrame({"sex": list("FFFMMMMX")}, index=index)
    >>> strata, merged = combined_strata(pd.Series(0, index=index), clinical, ["sex"], least=3)
    >>> strata.tolist()[-2:], merged
    (['0, sex=M', '0, sex=F'], ('0, sex=X',))
    """
    levels = pd.DataFrame({"class": classes.map(str)}, index=classes.index)
    for name in columns:
        levels[name] = _levels(clinical, name, classes.index)
    if people is not None:
        who = people[classes.index].to_numpy()
        levels = levels.groupby(who).agg(lambda own: own.mode().iloc[0])
    names = pd.Series("", index=levels.index)
    left, merged = levels, []
    for depth in range(levels.shape[1], 0, -1):
        labels = left.iloc[:, :depth].agg(", ".join, axis=1)
        if depth < levels.shape[1]:
            labels += ", others"
        common = labels.map(labels.value_counts()) >= least
        names[left.index[common]] = labels[common]
        left = left[~common]
        if depth == levels.shape[1]:
            merged = sorted(labels[~common].unique())
        if left.empty:
            break
    for name, own in left.groupby("class"):
        alike = names[(levels["class"] == name) & (names != "")].value_counts()
        smallest = min(alike.index, key=lambda one: (alike[one], one), default=f"{name}, others")
        names[own.index] = smallest
    if people is not None:
        names = pd.Series(who, index=classes.index).map(names)
    return names, tuple(merged)


def _levels(clinical: pd.DataFrame, column: str, case_ids: pd.Index) -> pd.Series:
    values = column_of_rows(clinical, column, case_ids, setting="stratify")
    words = values.map(lambda value: _UNKNOWN if is_missing(value) else as_words(value))
    if words.nunique() > _MOST_LEVELS:
        raise SettingError(
            f"stratify: column {column!r} has {words.nunique()} different values, and strata of "
            f"more than {_MOST_LEVELS} would be too small; name a column of few values, for "
            "example one of age groups"
        )
    return f"{column}=" + words
