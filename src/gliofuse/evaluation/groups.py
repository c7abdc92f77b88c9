"""Performance group by group: centres, sexes, ages, or the levels of any clinical column."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation.auc import auc_within
from gliofuse.evaluation.rates import rates

__all__ = ["group_levels", "performance_by_group"]

_FEW_LEVELS = 5  # a number with at most so many values (a grade, 0 and 1) has them for levels
_MANY_LEVELS = 20  # words with more are names or notes, no groups


def performance_by_group(
    rows: pd.DataFrame,
    groups: pd.Series,
    *,
    sharing: Collection[str] = (),
    apparent: Mapping[object, float] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return AUC, sensitivity, specificity and observed by expected events of each group.

    Parameters
    ----------
    rows : DataFrame
        Predictions of held-out patients with what they say, as
        :func:`~gliofuse.evaluation.predictions.called_rows` gives them.
    groups : Series
        Group of each patient by ``case_id``; who has none is left out.
    sharing : collection of str
        Cohorts whose patients have trained each other's models, as
        :func:`~gliofuse.evaluation.shares_training` tells.
    apparent : mapping, optional
        By model, as :func:`~gliofuse.evaluation.auc_within` takes it.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model, group, n, n_positive and for each figure its estimate, ``_low`` and
        ``_high``; ``auc_variance`` is that of :class:`~gliofuse.evaluation.AUC`. A figure that the
        group's patients don't define is NaN. The intervals are those of
        :func:`~gliofuse.evaluation.metrics_table`; they are not adjusted for the number of groups.
    """
    known = rows.assign(group=rows["case_id"].map(groups)).dropna(subset=["group"])
    found = []
    for (cohort, model, group), own in known.groupby(
        ["cohort", "model", "group"], sort=False, observed=True
    ):
        figures = _figures(
            own, str(cohort) in sharing, (apparent or {}).get(model, 1.0), confidence
        )
        found.append({"cohort": cohort, "model": model, "group": group, **figures})
    if not found:
        return pd.DataFrame()
    table = pd.DataFrame(found)
    order = {level: place for place, level in enumerate(dict.fromkeys(groups.dropna()))}
    return table.sort_values(
        ["cohort", "model", "group"],
        kind="stable",
        key=lambda column: column.map(
            order if column.name == "group" else {v: i for i, v in enumerate(column.unique())}
        ),
    ).reset_index(drop=True)


def group_levels(column: pd.Series) -> pd.Series:
    """Return the group of each patient by a clinical column, in the order of the groups.

    Words and numbers with at most five values are taken as they are. Other numbers are cut at
    their median over these patients, which uses no outcome; dates and the like are refused.

    Parameters
    ----------
    column : Series
        By ``case_id``.

    Returns
    -------
    Series
        Words, missing where the column is; patients in the order of their groups.

    Raises
    ------
    InputError
        If the column has a single value, or words of more than 20.

    Examples
    --------
    >>> group_levels(pd.Series([30, 50, 61, 70, 44, 65, 71])).unique().tolist()
    ['up to 61', 'above 61']
    """
    values = column.dropna()
    count = values.nunique()
    if count < 2:
        held = values.iloc[0] if count else "nothing"
        raise InputError(
            f"subgroups: column {column.name!r} holds {held!r} alone; name one with two levels"
        )
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        if count > _MANY_LEVELS:
            raise InputError(
                f"subgroups: column {column.name!r} has {count} different words, more than "
                f"{_MANY_LEVELS}; name a column of groups"
            )
        return column.where(column.isna(), column.astype(str)).sort_values(kind="stable")
    ordered = column.sort_values(kind="stable")
    if count <= _FEW_LEVELS:
        return ordered.map(lambda value: f"{value:g}", na_action="ignore")
    middle = float(values.median())
    if (values > middle).sum() == 0:  # more than half have the largest value
        middle = float(values[values < middle].max())
    return ordered.map(
        lambda value: f"{'up to' if value <= middle else 'above'} {middle:g}", na_action="ignore"
    )


def _figures(
    rows: pd.DataFrame, refits: bool, apparent: float, confidence: float
) -> dict[str, float | int]:
    patients = rows.groupby("case_id", observed=True)[["y_true", "called", "probability"]].mean()
    positive = patients["y_true"].to_numpy() == 1
    row: dict[str, float | int] = {"n": positive.size, "n_positive": int(positive.sum())}
    area = auc_within(rows, refits=refits, apparent=apparent, confidence=confidence)
    if area is None:
        row |= _with_bounds("auc", np.nan, (np.nan, np.nan)) | {"auc_variance": np.nan}
    else:
        row |= _with_bounds("auc", area.estimate, (area.ci_low, area.ci_high))
        row["auc_variance"] = area.variance
    called = patients["called"].to_numpy()
    found = rates(positive, called, refits=refits, confidence=confidence)
    for name in ("sensitivity", "specificity"):
        estimate, low, high, _ = found[name]
        row |= _with_bounds(name, estimate, (low, high))
    observed, expected = float(positive.mean()), float(patients["probability"].mean())
    low, high = wilson_interval(observed, float(positive.size), confidence=confidence)
    ratios = np.array([observed, low, high]) / expected if expected > 0 else np.full(3, np.nan)
    return row | _with_bounds("observed_expected", ratios[0], (ratios[1], ratios[2]))


def _with_bounds(name: str, estimate: float, bounds: tuple[float, float]) -> dict[str, float]:
    low, high = bounds
    return {name: float(estimate), f"{name}_low": float(low), f"{name}_high": float(high)}
