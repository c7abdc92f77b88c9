"""The person behind each row: all rows of one stand on one side."""

from __future__ import annotations

import pandas as pd

from gliofuse.cohort.case import as_words, is_missing
from gliofuse.cohort.splits.settings import SplitSettings
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["check_groups", "clinical_values", "column_of_rows", "groups_of", "of_people"]


def groups_of(split: SplitSettings, case_ids: pd.Index, clinical: pd.DataFrame) -> pd.Series | None:
    """Return the person behind each row, as words; ``None`` where the split names no column.

    Raises
    ------
    SettingError
        If the column is unknown, or missing for a row.
    """
    return None if split.group is None else clinical_values(clinical, split.group, case_ids)


def of_people(classes: pd.Series, people: pd.Series) -> pd.Series:
    """Return the class of most of a person's rows, by person; the first in order of equal ones."""
    return classes.groupby(people.to_numpy()).agg(lambda own: own.mode().iloc[0])


def check_groups(
    name: str, sides: dict[str, list[str]], groups: pd.Series | None, split: SplitSettings
) -> None:
    """Raise an error if the rows of a person stand on two sides."""
    if groups is None:
        return
    side_of = {case_id: side for side, ids in sides.items() for case_id in ids}
    own = groups[list(side_of)]
    for person, rows in own.groupby(own, sort=True):
        stands = list(dict.fromkeys(side_of[case_id] for case_id in rows.index))
        if len(stands) > 1:
            raise SettingError(
                f"fold {name!r}: {split.group} {person!r} ({', '.join(map(str, rows.index))}) "
                f"would stand in {' and '.join(stands)}; all rows of a person must be on one side: "
                "give them one center or side, or take some out"
            )


def column_of_rows(
    clinical: pd.DataFrame, column: str, case_ids: pd.Index, *, setting: str
) -> pd.Series:
    """Return a clinical column of these rows; ``setting`` is what named it, for the message."""
    if column not in clinical.columns:
        raise SettingError(
            f"{setting}: the clinical table has no column {column!r}: "
            f"{did_you_mean(column, clinical.columns)}"
        )
    return clinical[column].set_axis(clinical.index.astype(str)).reindex(case_ids)


def clinical_values(clinical: pd.DataFrame, column: str, case_ids: pd.Index) -> pd.Series:
    """Return a clinical column of these rows as words; missing values are refused."""
    values = column_of_rows(clinical, column, case_ids, setting="split")
    blank = [str(case_id) for case_id, value in values.items() if is_missing(value)]
    if blank:
        shown = ", ".join(blank[:5]) + (f" and {len(blank) - 5} more" if len(blank) > 5 else "")
        raise SettingError(
            f"split: {column!r} is missing for {shown}; fill it in or take the patients out"
        )
    return values.map(as_words)
