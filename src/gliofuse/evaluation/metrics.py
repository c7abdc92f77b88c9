"""Figures of merit of every model and cohort, each with its interval."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation._frame import (
    Group,
    check_bootstrap,
    chunks,
    each_group,
    percentile_limits,
)
from gliofuse.evaluation.auc import auc_delong, auc_within, auc_within_folds
from gliofuse.evaluation.predictions import pool_predictions

__all__ = ["METRICS", "metrics_table"]

METRICS = (
    "auc", "accuracy", "sensitivity", "specificity", "precision", "apca", "brier",
    "auc_within_folds", "auc_within_centers",
)  # fmt: skip


def metrics_table(
    predictions: pd.DataFrame,
    thresholds: float | pd.DataFrame | None = None,
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    workers: int | None = 1,
    confidence: float = 0.95,
    include_training: bool = False,
    centers: pd.Series | None = None,
) -> pd.DataFrame:
    """Return AUC, accuracy, sensitivity, specificity, precision, APCA, Brier score, each with CI.

    Patients are pooled by :func:`~gliofuse.evaluation.pool_predictions`. The AUC's interval is
    DeLong's. The others' are percentiles of a bootstrap over patients, drawn within each class
    so that every replicate has the cohort's own prevalence; the same patients are drawn for
    every model. Where all replicates agree (a sensitivity of 1, say) the bootstrap would claim
    certainty; the interval is then Wilson's, for accuracy, sensitivity, specificity and
    precision, and its conservative use as for a mean of values between 0 and 1 for the others.
    APCA is the average per-class accuracy, the mean of sensitivity and specificity. In
    cross-validation :func:`~gliofuse.evaluation.auc_within_folds` is added.

    The intervals speak of the sampling of these patients under fitted models. In
    cross-validation they don't hold the spread that refitting on other patients would add.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true, probability; nothing missing.
    thresholds : float or DataFrame, optional
        Default 0.5; a table (fold, model, threshold) gives each fold its own.
    bootstrap : int
        Replicates.
    seed : int
        Of the resampling; one seed gives one table, whatever the number of workers.
    workers : int or None
        Processes over the cohort-model pairs.
    confidence : float
    include_training : bool
        Adds rows of cohort ``training``, marked ``apparent``: how the model describes the
        patients that it learned from, which is no performance.
    centers : Series, optional
        Centre by ``case_id``. Where a cohort holds pairs in two or more centres,
        ``auc_within_centers`` is added: the AUC of pairs of patients of one centre, see
        :func:`~gliofuse.evaluation.auc_within`.

    Returns
    -------
    DataFrame
        cohort, model, metric, estimate, ci_low, ci_high, n, n_positive, apparent. A metric that
        the patients don't define (precision with nobody called positive; everything but
        accuracy, Brier score and one of sensitivity and specificity with one class) is NaN.

    Raises
    ------
    InputError
        If the tables break their contract or ``bootstrap`` is below 100.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcd"), "fold": "0", "cohort": "test", "model": "m",
    ...     "y_true": [0, 0, 1, 1], "probability": [0.1, 0.6, 0.7, 0.9]})
    >>> metrics_table(table).set_index("metric").loc["accuracy", "estimate"]
    np.float64(0.75)
    """
    check_bootstrap(bootstrap)
    pooled = pool_predictions(predictions, thresholds=thresholds, include_training=include_training)
    if centers is not None:
        pooled = pooled.assign(center=pooled["case_id"].map(centers))
    evaluate = partial(_evaluate, bootstrap=bootstrap, seed=seed, confidence=confidence)
    rows = each_group(pooled, predictions, evaluate, workers=workers)
    columns = ["cohort", "model", "metric", "estimate", "ci_low", "ci_high", "n", "n_positive"]
    return pd.DataFrame(rows, columns=[*columns, "apparent"])


def _evaluate(
    group: Group, *, bootstrap: int, seed: int, confidence: float
) -> list[dict[str, object]]:
    patients = group.patients
    positive = patients["y_true"].to_numpy() == 1
    probability = patients["probability"].to_numpy(dtype=float)
    called = probability >= patients["threshold"].to_numpy(dtype=float)
    error = (probability - positive) ** 2
    estimates = _estimates(positive, called, error)
    limits = _bootstrap_limits(
        positive, called, error, bootstrap=bootstrap, seed=seed, confidence=confidence
    )
    _replace_certainty(estimates, limits, positive, called, confidence)
    if positive.any() and not positive.all():
        area = auc_delong(positive, probability, confidence=confidence)
        estimates["auc"], limits["auc"] = area.estimate, (area.ci_low, area.ci_high)
    else:
        estimates["auc"], limits["auc"] = np.nan, (np.nan, np.nan)
    if not group.apparent:
        within = auc_within_folds(group.predictions, confidence=confidence)
        if within is not None:
            estimates["auc_within_folds"] = within.estimate
            limits["auc_within_folds"] = (within.ci_low, within.ci_high)
    if "center" in patients and patients.groupby("center")["y_true"].nunique().gt(1).sum() > 1:
        within = auc_within(patients, ("center",), confidence=confidence)
        if within is not None:
            estimates["auc_within_centers"] = within.estimate
            limits["auc_within_centers"] = (within.ci_low, within.ci_high)
    return [
        {
            "metric": metric,
            "estimate": float(estimates[metric]),
            "ci_low": float(limits[metric][0]),
            "ci_high": float(limits[metric][1]),
            "n": positive.size,
            "n_positive": int(positive.sum()),
        }
        for metric in METRICS
        if metric in estimates
    ]


def _estimates(positive: np.ndarray, called: np.ndarray, error: np.ndarray) -> dict[str, float]:
    figures = _from_class_means(
        _mean(called[positive]),
        _mean(called[~positive]),
        _mean(error[positive]),
        _mean(error[~positive]),
        int(positive.sum()),
        int((~positive).sum()),
    )
    return {name: float(value) for name, value in figures.items()}


def _bootstrap_limits(
    positive: np.ndarray,
    called: np.ndarray,
    error: np.ndarray,
    *,
    bootstrap: int,
    seed: int,
    confidence: float,
) -> dict[str, tuple[float, float]]:
    """Return percentile limits; resamples are index matrices (replicates, class size)."""
    rng = np.random.default_rng(seed)
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    hits, alarms = called[positive].astype(float), called[~positive].astype(float)
    error_positive, error_negative = error[positive], error[~positive]
    means: list[list[np.ndarray]] = []
    for part in chunks(bootstrap, positive.size):
        count = part.stop - part.start
        of_positives = rng.integers(0, max(1, n_positive), size=(count, n_positive))
        of_negatives = rng.integers(0, max(1, n_negative), size=(count, n_negative))
        means.append(
            [
                _row_means(hits, of_positives),
                _row_means(alarms, of_negatives),
                _row_means(error_positive, of_positives),
                _row_means(error_negative, of_negatives),
            ]
        )
    hit, alarm, loss_positive, loss_negative = (np.concatenate(parts) for parts in zip(*means))
    replicates = _from_class_means(hit, alarm, loss_positive, loss_negative, n_positive, n_negative)
    return {name: percentile_limits(values, confidence) for name, values in replicates.items()}


def _from_class_means(
    sensitivity: np.ndarray | float,
    false_alarm: np.ndarray | float,
    error_positive: np.ndarray | float,
    error_negative: np.ndarray | float,
    n_positive: int,
    n_negative: int,
) -> dict[str, np.ndarray]:
    """Return every threshold metric and the Brier score from the means within each class."""
    hit = np.asarray(sensitivity, dtype=float)
    alarm = np.asarray(false_alarm, dtype=float)
    specificity = 1 - alarm
    # A class without patients has NaN means and must not reach the sums over both.
    true_positives = n_positive * hit if n_positive else np.zeros_like(hit)
    false_positives = n_negative * alarm if n_negative else np.zeros_like(hit)
    true_negatives = n_negative * specificity if n_negative else np.zeros_like(hit)
    squared = n_positive * np.asarray(error_positive) if n_positive else np.zeros_like(hit)
    squared = squared + (n_negative * np.asarray(error_negative) if n_negative else 0.0)
    n = n_positive + n_negative
    named_positive = true_positives + false_positives
    precision = np.full_like(named_positive, np.nan)
    np.divide(true_positives, named_positive, out=precision, where=named_positive > 0)
    return {
        "accuracy": (true_positives + true_negatives) / n,
        "sensitivity": hit,
        "specificity": specificity,
        "precision": precision,
        "apca": (hit + specificity) / 2,
        "brier": squared / n,
    }


def _replace_certainty(
    estimates: dict[str, float],
    limits: dict[str, tuple[float, float]],
    positive: np.ndarray,
    called: np.ndarray,
    confidence: float,
) -> None:
    """Put Wilson's interval where the bootstrap's has no width."""
    sizes = {
        "sensitivity": positive.sum(),
        "specificity": (~positive).sum(),
        "precision": called.sum(),
        "apca": min(positive.sum(), (~positive).sum()),
    }
    for name, (low, high) in limits.items():
        if np.isfinite(low) and high - low < 1e-12:
            limits[name] = wilson_interval(
                min(1.0, max(0.0, estimates[name])),
                float(sizes.get(name, positive.size)),
                confidence=confidence,
            )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else np.nan


def _row_means(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    return values[index].mean(axis=1) if values.size else np.full(len(index), np.nan)
