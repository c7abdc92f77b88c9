"""Points of the ROC curve, Youden's threshold and confusion counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation._checks import check_binary, wilson_interval
from gliofuse.evaluation._frame import grouped
from gliofuse.evaluation.inference import REFIT_RATES
from gliofuse.evaluation.predictions import pool_predictions

__all__ = ["confusion", "confusion_table", "roc_points", "youden_threshold"]


def roc_points(
    y: ArrayLike, p: ArrayLike, *, refits: bool = False, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the empirical ROC curve, from nobody to everybody called positive.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 0 or 1; both present, none missing.
    p : array-like of shape (n,)
        Scores; a patient is called positive where the score is at or above the threshold.
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float
        Of the pointwise Wilson intervals; they are no simultaneous band.

    Returns
    -------
    DataFrame
        threshold (first ``inf``), sensitivity, specificity, sensitivity_low, sensitivity_high,
        specificity_low, specificity_high.

    Examples
    --------
    >>> roc_points([0, 1], [0.2, 0.7])["threshold"].tolist()
    [inf, 0.7, 0.2]
    """
    positive, score = check_binary(y, p)
    cuts = np.unique(score)[::-1]
    # Counts at or above each cut, by position in the sorted scores of each class.
    hits = _at_or_above(score[positive], cuts)
    alarms = _at_or_above(score[~positive], cuts)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    sensitivity = np.r_[0.0, hits / n_positive]
    specificity = np.r_[1.0, 1 - alarms / n_negative]
    table = pd.DataFrame(
        {
            "threshold": np.r_[np.inf, cuts],
            "sensitivity": sensitivity,
            "specificity": specificity,
        }
    )
    for name, values, size in (
        ("sensitivity", sensitivity, n_positive),
        ("specificity", specificity, n_negative),
    ):
        patients = size / (REFIT_RATES if refits else 1.0)
        limits = [wilson_interval(value, patients, confidence=confidence) for value in values]
        table[f"{name}_low"] = [low for low, _ in limits]
        table[f"{name}_high"] = [high for _, high in limits]
    return table


def youden_threshold(y: ArrayLike, p: ArrayLike) -> float:
    """Return the threshold with the largest sensitivity + specificity - 1.

    Cuts lie midway between neighbouring scores. Of several equally good ones the lowest is
    taken, the one that misses fewest positives. A score that is the same for everyone gives that
    score: everyone is called positive. Give it training patients only; a threshold chosen on the
    patients that it is judged on flatters every figure.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 0 or 1; both present, none missing.
    p : array-like of shape (n,)
        Scores; positive means at or above the threshold.

    References
    ----------
    Youden WJ. Cancer 1950; 3: 32-35.

    Examples
    --------
    >>> youden_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9])
    0.4
    """
    positive, score = check_binary(y, p)
    levels = np.unique(score)
    if levels.size == 1:
        return float(levels[0])
    lower, upper = levels[:-1], levels[1:]
    middle = lower + (upper - lower) / 2
    cuts = np.where(middle > lower, middle, upper)  # neighbours in floating point have no middle
    sensitivity = _at_or_above(score[positive], cuts) / positive.sum()
    specificity = 1 - _at_or_above(score[~positive], cuts) / (~positive).sum()
    index = sensitivity + specificity
    return float(cuts[np.flatnonzero(index >= index.max() - 1e-12)[0]])


def confusion(y: ArrayLike, p: ArrayLike, *, threshold: float | ArrayLike = 0.5) -> dict[str, int]:
    """Return the four counts at a threshold; positive means at or above it.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n,)
    threshold : float or array-like of shape (n,)
        One for all, or each patient's own (that of the fold that predicted the patient).

    Examples
    --------
    >>> confusion([0, 1, 1], [0.2, 0.5, 0.1])
    {'true_positive': 1, 'false_positive': 0, 'true_negative': 1, 'false_negative': 1}
    """
    positive, score = check_binary(y, p, both_classes=False)
    called = score >= np.asarray(threshold, dtype=float)
    return {
        "true_positive": int((called & positive).sum()),
        "false_positive": int((called & ~positive).sum()),
        "true_negative": int((~called & ~positive).sum()),
        "false_negative": int((~called & positive).sum()),
    }


def confusion_table(
    predictions: pd.DataFrame,
    thresholds: float | pd.DataFrame | None = None,
    *,
    include_training: bool = False,
) -> pd.DataFrame:
    """Return the four counts of every cohort and model, patients pooled as in the metrics.

    Returns
    -------
    DataFrame
        cohort, model, true_positive, false_positive, true_negative, false_negative, apparent.
    """
    pooled = pool_predictions(predictions, thresholds=thresholds, include_training=include_training)
    rows = []
    for cohort, model, group in grouped(pooled):
        counts = confusion(group["y_true"], group["probability"], threshold=group["threshold"])
        rows.append({"cohort": cohort, "model": model, **counts, "apparent": cohort == "training"})
    return pd.DataFrame(rows)


def _at_or_above(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    return np.asarray(values.size - np.searchsorted(np.sort(values), cuts, side="left"))
