"""Performance group by group: centres, sexes, ages, or the levels of any clinical column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation.auc import auc_delong

__all__ = ["group_levels", "performance_by_group"]

_FEW_LEVELS = 5  # a number with at most so many values (a grade, 0 and 1) has them for levels
_MANY_LEVELS = 20  # words with more are names or notes, no groups


def performance_by_group(
    patients: pd.DataFrame, groups: pd.Series, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return AUC, sensitivity, specificity and observed by expected events of each group.

    Parameters
    ----------
    patients : DataFrame
        One row a cohort, model and patient, as
        :func:`~gliofuse.evaluation.pool_predictions` gives them.
    groups : Series
        Group of each patient by ``case_id``; who has none is left out.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model, group, n, n_positive and for each figure its estimate, ``_low`` and
        ``_high``; ``auc_variance`` is DeLong's. A figure that the group's patients don't define
        is NaN. The intervals are those of
        :func:`~gliofuse.evaluation.auc_delong` and Wilson's; they are not adjusted for the number
        of groups.
    """
    known = patients.assign(group=patients["case_id"].map(groups)).dropna(subset=["group"])
    rows = []
    for (cohort, model, group), own in known.groupby(
        ["cohort", "model", "group"], sort=False, observed=True
    ):
        rows.append({"cohort": cohort, "model": model, "group": group, **_figures(own, confidence)})
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
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


def _figures(patients: pd.DataFrame, confidence: float) -> dict[str, float | int]:
    positive = patients["y_true"].to_numpy() == 1
    probability = patients["probability"].to_numpy(dtype=float)
    called = probability >= patients["threshold"].to_numpy(dtype=float)
    row: dict[str, float | int] = {"n": positive.size, "n_positive": int(positive.sum())}
    if positive.any() and not positive.all():
        area = auc_delong(positive, probability, confidence=confidence)
        row |= _with_bounds("auc", area.estimate, (area.ci_low, area.ci_high))
        row["auc_variance"] = area.variance
    else:
        row |= _with_bounds("auc", np.nan, (np.nan, np.nan)) | {"auc_variance": np.nan}
    row |= _share("sensitivity", called[positive], confidence)
    row |= _share("specificity", ~called[~positive], confidence)
    observed, expected = float(positive.mean()), float(probability.mean())
    low, high = wilson_interval(observed, float(positive.size), confidence=confidence)
    ratios = np.array([observed, low, high]) / expected if expected > 0 else np.full(3, np.nan)
    return row | _with_bounds("observed_expected", ratios[0], (ratios[1], ratios[2]))


def _share(name: str, right: np.ndarray, confidence: float) -> dict[str, float]:
    if right.size == 0:
        return _with_bounds(name, np.nan, (np.nan, np.nan))
    share = float(right.mean())
    return _with_bounds(
        name, share, wilson_interval(share, float(right.size), confidence=confidence)
    )


def _with_bounds(name: str, estimate: float, bounds: tuple[float, float]) -> dict[str, float]:
    low, high = bounds
    return {name: float(estimate), f"{name}_low": float(low), f"{name}_high": float(high)}
