"""Levels of clinical columns that are one but for how they were typed."""

from __future__ import annotations

from collections import Counter

import pandas as pd

__all__ = ["joined_levels"]

_MOST_LEVELS = 30  # a column of more is names or remarks, not levels


def joined_levels(clinical: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Join the levels of each column of words that differ in capitals or blanks alone.

    Parameters
    ----------
    clinical : DataFrame

    Returns
    -------
    DataFrame
        The same, each such level in its most frequent spelling.
    tuple of str
        What was joined, a sentence a column.

    Examples
    --------
    >>> table, notes = joined_levels(pd.DataFrame({"sex": ["F", "f ", "F", "M", None]}))
    >>> table["sex"].tolist(), notes
    (['F', 'F', 'F', 'M', None], ("sex: 'f ' is taken for 'F'",))
    """
    notes, changed = [], {}
    for name in clinical.columns:
        column = clinical[name]
        if pd.api.types.is_numeric_dtype(column):
            continue
        counts = Counter(value for value in column if isinstance(value, str))
        spelled: dict[str, list[str]] = {}
        for value, _ in counts.most_common():
            spelled.setdefault(" ".join(value.split()).casefold(), []).append(value)
        renamed = {other: ways[0].strip() for ways in spelled.values() for other in ways}
        renamed = {value: first for value, first in renamed.items() if value != first}
        if not renamed or len(spelled) > _MOST_LEVELS:
            continue
        changed[name] = column.map(lambda value, names=renamed: names.get(value, value))
        shown = [value for value, first in renamed.items() if value.strip() != first]
        if len(spelled) < len(counts):
            told = ", ".join(
                f"{value!r} is taken for {renamed[value]!r}" for value in shown or renamed
            )
            notes.append(f"{name}: {told}")
    return clinical.assign(**changed), tuple(notes)
