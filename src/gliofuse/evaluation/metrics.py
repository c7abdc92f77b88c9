"""Figures of merit of every model and cohort, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
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
from gliofuse.evaluation.auc import apparent_aucs, auc_delong, auc_within
from gliofuse.evaluation.inference import method_name, shares_training, widened
from gliofuse.evaluation.predictions import called_rows, pool_columns
from gliofuse.evaluation.rates import UNDEFINED, Figure, rates

__all__ = ["METRICS", "metrics_table"]

METRICS = (
    "auc", "accuracy", "sensitivity", "specificity", "precision", "apca", "brier",
    "auc_pooled", "auc_within_centers",
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
    apparent: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return AUC, accuracy, sensitivity, specificity, precision, APCA, Brier score, each with CI.

    A patient whom several models predict (repeats, or an external patient of all folds) counts
    once, with the mean of what the single predictions give. The AUC is that of pairs of patients
    of one model (:func:`~gliofuse.evaluation.auc_within`), with DeLong's variance on the scale of
    log odds; accuracy, sensitivity, specificity and precision have Wilson's intervals, and APCA,
    the mean of sensitivity and specificity, one put together from theirs. The Brier score's is
    from percentiles of a bootstrap over patients, drawn within each class; where all replicates
    agree, Wilson's, which is too wide for it.

    Patients of a cross-validation have trained the models that judge the others: the intervals
    are then wider, see :mod:`gliofuse.evaluation.inference`, and ``interval`` ends in ``_refits``.
    Where several models predict a cohort, ``auc_pooled`` is the area under the curve of all
    patients' mean probabilities, as it is drawn; no interval of it holds.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true, probability; nothing missing. With the training rows,
        by which a cross-validation is known.
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
        ``auc_within_centers`` is added: the AUC of pairs of patients of one centre and model.
    apparent : DataFrame, optional
        case_id, fold, model, y_true, probability: what each model says of the patients that it was
        fitted on. Without it, models are taken to describe these perfectly.

    Returns
    -------
    DataFrame
        cohort, model, metric, estimate, ci_low, ci_high, interval (how the limits were found), n,
        n_positive, apparent. A metric that the patients don't define (precision with nobody called
        positive; everything but accuracy, Brier score and one of sensitivity and specificity with
        one class) is NaN.

    Raises
    ------
    InputError
        If the tables break their contract or ``bootstrap`` is below 100.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927; 22: 209-212.
    Newcombe RG. Stat Med 1998; 17: 873-890 (method 10: a sum of two proportions).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcd"), "fold": "0", "cohort": "test", "model": "m",
    ...     "y_true": [0, 0, 1, 1], "probability": [0.1, 0.6, 0.7, 0.9]})
    >>> metrics_table(table).set_index("metric").loc["accuracy", "estimate"]
    np.float64(0.75)
    """
    check_bootstrap(bootstrap)
    rows = called_rows(predictions, thresholds)
    if centers is not None:
        rows = rows.assign(center=rows["case_id"].map(centers))
    patients = pool_columns(
        rows,
        outcomes=("y_true",),
        averaged=("called", "error", "probability"),
        include_training=include_training,
    )
    sharing = shares_training(predictions)
    evaluate = partial(
        _evaluate,
        sharing=sharing,
        apparent=apparent_aucs(apparent) if sharing else {},
        bootstrap=bootstrap,
        seed=seed,
        confidence=confidence,
    )
    found = each_group(patients, rows, evaluate, workers=workers)
    columns = ["cohort", "model", "metric", "estimate", "ci_low", "ci_high", "interval"]
    return pd.DataFrame(found, columns=[*columns, "n", "n_positive", "apparent"])


def _evaluate(
    group: Group,
    *,
    sharing: frozenset[str],
    apparent: Mapping[object, float],
    bootstrap: int,
    seed: int,
    confidence: float,
) -> list[dict[str, object]]:
    patients, refits = group.patients, group.cohort in sharing
    positive = patients["y_true"].to_numpy() == 1
    called, error = patients["called"].to_numpy(), patients["error"].to_numpy()
    figures = (
        _areas(group, refits, apparent.get(group.model, 1.0), confidence)
        | rates(positive, called, refits=refits, confidence=confidence)
        | {"brier": _brier(positive, error, refits, bootstrap, seed, confidence)}
    )
    return [
        {
            "metric": metric,
            **dict(zip(("estimate", "ci_low", "ci_high", "interval"), figures[metric])),
            "n": positive.size,
            "n_positive": int(positive.sum()),
        }
        for metric in METRICS
        if metric in figures
    ]


def _areas(group: Group, refits: bool, apparent: float, confidence: float) -> dict[str, Figure]:
    rows, patients = group.predictions, group.patients
    found = {"auc": _area(rows, ("fold",), refits, apparent, confidence)}
    if rows["fold"].nunique() > 1 and patients["y_true"].nunique() > 1:
        pooled = auc_delong(patients["y_true"], patients["probability"]).estimate
        found["auc_pooled"] = (pooled, np.nan, np.nan, "")
    if "center" in rows:
        known = rows.drop_duplicates("case_id").groupby("center")["y_true"].nunique()
        if int((known > 1).sum()) > 1:
            found["auc_within_centers"] = _area(
                rows, ("center", "fold"), refits, apparent, confidence
            )
    return found


def _area(
    rows: pd.DataFrame, by: tuple[str, ...], refits: bool, apparent: float, confidence: float
) -> Figure:
    area = auc_within(rows, by, refits=refits, apparent=apparent, confidence=confidence)
    if area is None:
        return UNDEFINED
    return area.estimate, area.ci_low, area.ci_high, area.method


def _brier(
    positive: np.ndarray,
    error: np.ndarray,
    refits: bool,
    bootstrap: int,
    seed: int,
    confidence: float,
) -> Figure:
    """Return the mean error with percentile limits; resamples are index matrices."""
    estimate = float(error.mean())
    rng = np.random.default_rng(seed)
    parts = []
    for part in chunks(bootstrap, positive.size):
        total = np.zeros(part.stop - part.start)
        for side in (error[positive], error[~positive]):
            if side.size:
                total += side[rng.integers(0, side.size, size=(total.size, side.size))].sum(axis=1)
        parts.append(total / positive.size)
    low, high = percentile_limits(np.concatenate(parts), confidence)
    if high - low < 1e-12:
        low, high = wilson_interval(min(1.0, estimate), positive.size, confidence=confidence)
    if refits:
        low, high = (float(v) for v in widened(estimate, (low, high), least=0.0, most=1.0))
    return estimate, low, high, method_name("bootstrap", refits=refits)
