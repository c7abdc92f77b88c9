"""DeLong's paired test between the AUCs of two models, and of every pair of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import check_binary, normal_quantile
from gliofuse.evaluation.auc import (
    AUC,
    NO_VARIANCE,
    from_placements,
    mid_ranks,
    placements,
    variance_of_mean,
)
from gliofuse.evaluation.predictions import pool_predictions

__all__ = ["DeLongTest", "delong_matrix", "delong_test", "holm"]


@dataclass(frozen=True)
class DeLongTest:
    """DeLong's paired comparison: AUC of a minus AUC of b, its interval, z and two-sided p."""

    auc_a: float
    auc_b: float
    difference: float
    ci_low: float
    ci_high: float
    z: float
    p: float


def delong_test(
    y: ArrayLike, p_a: ArrayLike, p_b: ArrayLike, *, confidence: float = 0.95
) -> DeLongTest:
    """Compare the AUCs of two models on the same patients.

    Two models that rank the patients alike have difference 0, p 1 and an interval of no width,
    which is exact. If the variance of the difference vanishes although the rankings differ (both
    separate perfectly), the interval is put together from the two single ones as if they were
    independent, which is too wide rather than too narrow; p is 1 for equal AUCs, else NaN.

    Parameters
    ----------
    y : array-like of shape (n,)
    p_a, p_b : array-like of shape (n,)
    confidence : float

    Raises
    ------
    InputError
        As :func:`auc_delong`.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988; 44: 837-845.

    Examples
    --------
    >>> delong_test([0, 0, 1, 1], [1, 2, 3, 4], [10, 20, 30, 40]).p
    1.0
    """
    positive, a, b = check_binary(y, p_a, p_b)
    positives_a, negatives_a = placements(positive, a)
    positives_b, negatives_b = placements(positive, b)
    return paired_test(
        from_placements(positives_a, negatives_a, confidence),
        from_placements(positives_b, negatives_b, confidence),
        variance_of_mean(positives_a - positives_b) + variance_of_mean(negatives_a - negatives_b),
        same_ranks=np.array_equal(mid_ranks(a), mid_ranks(b)),
        confidence=confidence,
    )


def paired_test(
    a: AUC, b: AUC, variance: float, *, same_ranks: bool, confidence: float = 0.95
) -> DeLongTest:
    """Return the comparison of two areas whose difference has the given variance.

    ``same_ranks`` says whether both models rank all patients alike, which makes a difference of
    0 exact where there is no variance.
    """
    difference = a.estimate - b.estimate
    if variance > NO_VARIANCE:
        error = float(np.sqrt(variance))
        z = difference / error
        half = normal_quantile(confidence) * error
        return DeLongTest(
            a.estimate,
            b.estimate,
            difference,
            max(-1.0, difference - half),
            min(1.0, difference + half),
            z,
            2 * NormalDist().cdf(-abs(z)),
        )
    if same_ranks:
        return DeLongTest(a.estimate, b.estimate, 0.0, 0.0, 0.0, 0.0, 1.0)
    low, high = difference_interval(a, b)
    equal = abs(difference) < 1e-12
    return DeLongTest(
        a.estimate,
        b.estimate,
        difference,
        low,
        high,
        0.0 if equal else np.nan,
        1.0 if equal else np.nan,
    )


def delong_matrix(
    predictions: pd.DataFrame, cohort: str, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Test every pair of models on the patients of one cohort that both have predicted.

    Parameters
    ----------
    predictions : DataFrame
        The prediction table; pooled to one row per patient by
        :func:`~gliofuse.evaluation.pool_predictions`.
    cohort : str
        ``"test"``, ``"external"`` or ``"validation"``; ``"training"`` compares apparent figures.
    confidence : float

    Returns
    -------
    DataFrame
        One row a pair: model_a, model_b, auc_a, auc_b, difference, ci_low, ci_high, p, p_holm,
        n. ``p_holm`` is adjusted for all pairs of this table.

    Raises
    ------
    InputError
        If the cohort is absent, a pair shares no patients, or they are of one class.
    """
    pooled = pool_predictions(predictions, include_training=cohort == "training")
    pooled = pooled[pooled["cohort"] == cohort]
    if pooled.empty:
        held = sorted(predictions["cohort"].astype(str).unique())
        raise InputError(f"predictions holds no patient of cohort {cohort!r}; it holds {held}")
    return compare_pairs(
        pooled,
        ("probability",),
        lambda y, p_a, p_b: delong_test(y, p_a[:, 0], p_b[:, 0], confidence=confidence),
    )


def compare_pairs(
    patients: pd.DataFrame,
    columns: Sequence[str],
    test: Callable[[np.ndarray, np.ndarray, np.ndarray], DeLongTest],
) -> pd.DataFrame:
    """Return :func:`delong_matrix` by any paired test.

    Parameters
    ----------
    patients : DataFrame
        One row a patient and model of one cohort: case_id, cohort, model, y_true, ``columns``.
    columns : sequence of str
        What a model predicts.
    test : callable
        Takes y_true (n,) and the predictions of both models (n, columns).

    Raises
    ------
    InputError
        If a pair shares no patients.
    """
    by_model = {
        model: group.set_index("case_id")
        for model, group in patients.groupby("model", sort=False, observed=True)
    }
    rows = []
    for model_a, model_b in combinations(pd.unique(patients["model"]), 2):
        a, b = by_model[model_a], by_model[model_b]
        both = a.index[a.index.isin(b.index)]
        if both.empty:
            cohort = str(patients["cohort"].iloc[0])
            raise InputError(f"{model_a!r} and {model_b!r} share no patient of cohort {cohort!r}")
        found = test(
            a.loc[both, "y_true"].to_numpy(),
            a.loc[both, list(columns)].to_numpy(dtype=float),
            b.loc[both, list(columns)].to_numpy(dtype=float),
        )
        rows.append(
            {
                "model_a": model_a,
                "model_b": model_b,
                "auc_a": found.auc_a,
                "auc_b": found.auc_b,
                "difference": found.difference,
                "ci_low": found.ci_low,
                "ci_high": found.ci_high,
                "p": found.p,
                "n": len(both),
            }
        )
    names = ["model_a", "model_b", "auc_a", "auc_b", "difference", "ci_low", "ci_high", "p", "n"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(len(names) - 1, "p_holm", holm(table["p"].to_numpy(dtype=float)))
    return table


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return Holm's step-down adjusted p values; NaN stays NaN and is not counted.

    References
    ----------
    Holm S. Scand J Stat 1979; 6: 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return adjusted


def difference_interval(a: AUC, b: AUC) -> tuple[float, float]:
    """Return the interval of a difference from two single ones (MOVER, without correlation)."""
    difference = a.estimate - b.estimate
    below = np.hypot(a.estimate - a.ci_low, b.ci_high - b.estimate)
    above = np.hypot(a.ci_high - a.estimate, b.estimate - b.ci_low)
    return float(max(-1.0, difference - below)), float(min(1.0, difference + above))
