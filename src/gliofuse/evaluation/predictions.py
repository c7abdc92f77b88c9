"""From a study's prediction table to one row per patient, model and cohort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import COHORTS, check_predictions, check_table, require_columns

__all__ = ["called_rows", "pool_columns", "pool_predictions"]


def pool_predictions(
    predictions: pd.DataFrame,
    *,
    thresholds: float | pd.DataFrame | None = None,
    include_training: bool = False,
) -> pd.DataFrame:
    """Return one row per cohort, model and patient.

    The rules: in k-fold cross-validation the held-out predictions of all folds are pooled, one
    per patient; with repeats (or an external patient whom each fold's model predicts) a
    patient's probabilities are averaged first, so that a patient never counts twice. Thresholds
    follow their predictions: a patient's threshold is the mean of those of the folds that
    predicted the patient. Rows of training patients are left out unless asked for, and are then
    marked ``apparent``.

    Parameters
    ----------
    predictions : DataFrame
        Columns case_id, fold, cohort, model, y_true (0 or 1), probability. No missing values.
    thresholds : float or DataFrame, optional
        One number for all, or columns fold, model, threshold (found on training patients).
        Default 0.5.
    include_training : bool
        Whether to keep the training rows, as apparent performance.

    Returns
    -------
    DataFrame
        cohort, model, case_id, y_true, probability, threshold, predictions (how many were
        averaged), apparent; models in the order in which they first come.

    Raises
    ------
    InputError
        If the table breaks its contract, a patient has two labels or doubled rows, or a fold
        and model has no threshold.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": ["a", "a"], "fold": ["0", "1"], "cohort": "test", "model": "m",
    ...     "y_true": 1, "probability": [0.4, 0.8]})
    >>> round(float(pool_predictions(table)["probability"].iloc[0]), 3)
    0.6
    """
    check_predictions(predictions)
    pooled = pool_columns(
        predictions.assign(threshold=row_thresholds(predictions, thresholds)),
        outcomes=("y_true",),
        averaged=("probability", "threshold"),
        include_training=include_training,
    )
    pooled["y_true"] = pooled["y_true"].astype(int)
    return pooled


def pool_columns(
    predictions: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    averaged: Sequence[str],
    include_training: bool = False,
) -> pd.DataFrame:
    """Return one row per cohort, model and patient, whatever is predicted.

    The rules of :func:`pool_predictions` for any outcome and any number of predicted columns:
    outcomes stay, predicted columns are averaged over the rows of a patient.

    Parameters
    ----------
    predictions : DataFrame
        Columns case_id, fold, cohort, model and those named here.
    outcomes : sequence of str
        Columns that a patient has one value of.
    averaged : sequence of str
        Numbers, none missing.
    include_training : bool
        Whether to keep the training rows, as apparent performance.

    Returns
    -------
    DataFrame
        cohort, model, case_id, the outcomes, the averaged columns, predictions (how many were
        averaged), apparent; models in the order in which they first come.

    Raises
    ------
    InputError
        If a column is missing, the table is empty, a cohort is unknown, a row is doubled or a
        patient has two outcomes.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": ["a", "a"], "fold": ["0", "1"], "cohort": "test", "model": "m",
    ...     "y_true": "3", "probability_2": [0.2, 0.4], "probability_3": [0.8, 0.6]})
    >>> columns = ["probability_2", "probability_3"]
    >>> pooled = pool_columns(table, outcomes=["y_true"], averaged=columns)
    >>> pooled[columns].round(3).values.tolist()
    [[0.3, 0.7]]
    """
    check_table(predictions, outcomes, averaged)
    rows = predictions.assign(cohort=predictions["cohort"].astype(str))
    if not include_training:
        rows = rows[rows["cohort"] != "training"]
    models = pd.unique(predictions["model"])
    pooled = (
        rows.groupby(["cohort", "model", "case_id"], observed=True, sort=True)
        .agg(
            **{name: (name, "first") for name in outcomes},
            **{name: (name, "mean") for name in averaged},
            predictions=(averaged[0], "size"),
        )
        .reset_index()
    )
    pooled["apparent"] = pooled["cohort"] == "training"
    order = np.lexsort(
        (
            pooled["model"].map({model: place for place, model in enumerate(models)}),
            pooled["cohort"].map({cohort: place for place, cohort in enumerate(COHORTS)}),
        )
    )
    return pooled.iloc[order].reset_index(drop=True)


def called_rows(
    predictions: pd.DataFrame, thresholds: float | pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return every prediction with its threshold and what it says of its patient.

    Parameters
    ----------
    predictions : DataFrame
    thresholds : float or DataFrame, optional
        As for :func:`pool_predictions`.

    Returns
    -------
    DataFrame
        The predictions with threshold, called (1.0 where the probability reaches it, else 0.0) and
        error (the squared difference of outcome and probability).
    """
    check_predictions(predictions)
    cuts = row_thresholds(predictions, thresholds)
    chance = predictions["probability"].to_numpy(dtype=float)
    error = (chance - predictions["y_true"].to_numpy(dtype=float)) ** 2
    return predictions.assign(threshold=cuts, called=1.0 * (chance >= cuts), error=error)


def row_thresholds(
    predictions: pd.DataFrame, thresholds: float | pd.DataFrame | None
) -> np.ndarray:
    if thresholds is None:
        return np.full(len(predictions), 0.5)
    if not isinstance(thresholds, pd.DataFrame):
        return np.full(len(predictions), float(thresholds))
    require_columns(thresholds, ("fold", "model", "threshold"), "thresholds")
    if thresholds.duplicated(["fold", "model"]).any():
        raise InputError("thresholds must hold one row per fold and model; some are doubled")
    # A CSV reads fold names such as "0" back as numbers; they are compared as text.
    keys = pd.MultiIndex.from_arrays(
        [thresholds["fold"].astype(str), thresholds["model"].astype(str)]
    )
    wanted = pd.MultiIndex.from_arrays(
        [predictions["fold"].astype(str), predictions["model"].astype(str)]
    )
    values = (
        pd.Series(thresholds["threshold"].to_numpy(dtype=float), index=keys)
        .reindex(wanted)
        .to_numpy()
    )
    if np.isnan(values).any():
        raise InputError(f"thresholds lacks fold and model {wanted[np.isnan(values)][0]}")
    return values
