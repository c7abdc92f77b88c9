"""Which patients the models agree on, and whom all of them misjudge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.predictions import pool_predictions

__all__ = ["agreement_table", "misjudged_by_all"]


def misjudged_by_all(
    predictions: pd.DataFrame, thresholds: float | pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return every held-out patient with each model's probability and how many are wrong.

    Only test and external patients count: validation patients have helped to choose a model.

    Parameters
    ----------
    predictions : DataFrame
        The prediction table; pooled to one row per patient and model.
    thresholds : float or DataFrame, optional
        As for :func:`~gliofuse.evaluation.metrics_table`.

    Returns
    -------
    DataFrame
        case_id, cohort, y_true, one column of probabilities per model, n_models, n_wrong,
        misjudged_by_all; those whom most models misjudge come first. A model that has not
        predicted a patient has NaN there and doesn't count.

    Raises
    ------
    InputError
        If no patient is held out.
    """
    called = _called(predictions, thresholds)
    # Equally often misjudged: the one about whom the models are wrong by most comes first.
    error = (called["probability"] - called["y_true"]).abs()
    return misjudged_patients(called.assign(error=error), shown="probability")


def misjudged_patients(called: pd.DataFrame, *, shown: str) -> pd.DataFrame:
    """Return :func:`misjudged_by_all` of patients whom the models have been read on.

    Parameters
    ----------
    called : DataFrame
        One row a patient and model: case_id, cohort, model, y_true, wrong (bool), error (the
        larger, the worse) and the column that is shown of each model.
    shown : str

    Raises
    ------
    InputError
        If no patient is held out.
    """
    pooled = _held_out(called)
    models = pd.unique(pooled["model"])
    wide = pooled.pivot(index="case_id", columns="model", values=shown)[models]
    per_patient = pooled.groupby("case_id", observed=True).agg(
        cohort=("cohort", "first"),
        y_true=("y_true", "first"),
        n_models=("wrong", "size"),
        n_wrong=("wrong", "sum"),
    )
    table = per_patient[["cohort", "y_true"]].join(wide)
    table["n_models"] = per_patient["n_models"]
    table["n_wrong"] = per_patient["n_wrong"].astype(int)
    table["misjudged_by_all"] = table["n_wrong"] == table["n_models"]
    table = table.reset_index().rename_axis(columns=None)
    errors = pooled.pivot(index="case_id", columns="model", values="error")[models]
    error = errors.mean(axis=1).to_numpy()
    order = np.lexsort((table["case_id"].astype(str), -error, -table["n_wrong"]))
    return table.iloc[order].reset_index(drop=True)


def agreement_table(
    predictions: pd.DataFrame,
    thresholds: float | pd.DataFrame | None = None,
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how alike each pair of models classifies the held-out patients of each cohort.

    Returns
    -------
    DataFrame
        cohort, model_a, model_b, n, agreement (share classified alike), kappa, ci_low, ci_high
        (of kappa; percentile bootstrap over patients), both_wrong. Kappa is NaN where both
        models put everyone in one class, and its interval where more than a tenth of the
        replicates do or none differs.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960; 20: 37-46.
    """
    return agreement_of_calls(
        _called(predictions, thresholds),
        (True, False),
        bootstrap=bootstrap,
        seed=seed,
        confidence=confidence,
    )


def agreement_of_calls(
    called: pd.DataFrame,
    classes: Sequence[Any],
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return :func:`agreement_table` of patients whom the models have put in classes.

    Parameters
    ----------
    called : DataFrame
        One row a patient and model: case_id, cohort, model, called (one of ``classes``), wrong
        (bool).
    classes : sequence
    bootstrap : int
    seed : int
    confidence : float

    Raises
    ------
    InputError
        If no patient is held out.
    """
    normal_quantile(confidence)
    pooled = _held_out(called)
    number = {name: place for place, name in enumerate(classes)}
    pooled = pooled.assign(called=pooled["called"].map(number))
    rows = []
    for cohort, group in pooled.groupby("cohort", sort=False, observed=True):
        calls = group.pivot(index="case_id", columns="model", values="called")
        wrong = group.pivot(index="case_id", columns="model", values="wrong")
        for a, b in combinations(pd.unique(group["model"]), 2):
            both = calls[[a, b]].dropna().astype(int)
            if both.empty:
                continue
            first, second = both[a].to_numpy(), both[b].to_numpy()
            rng = np.random.default_rng(seed)
            index = rng.integers(0, first.size, size=(bootstrap, first.size))
            drawn = _kappa(first[index], second[index], len(number))
            known = drawn[np.isfinite(drawn)]
            low, high = np.nan, np.nan
            if known.size >= 0.9 * bootstrap and np.ptp(known) > 0:
                tail = (1 - confidence) / 2
                low, high = np.quantile(known, [tail, 1 - tail])
            rows.append(
                {
                    "cohort": cohort,
                    "model_a": a,
                    "model_b": b,
                    "n": first.size,
                    "agreement": float((first == second).mean()),
                    "kappa": float(_kappa(first[None], second[None], len(number))[0]),
                    "ci_low": float(low),
                    "ci_high": float(high),
                    "both_wrong": int(wrong.loc[both.index, [a, b]].all(axis=1).sum()),
                }
            )
    columns = ["cohort", "model_a", "model_b", "n", "agreement", "kappa", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "both_wrong"])


def _called(predictions: pd.DataFrame, thresholds: float | pd.DataFrame | None) -> pd.DataFrame:
    pooled = pool_predictions(predictions, thresholds=thresholds)
    called = pooled["probability"] >= pooled["threshold"]
    return pooled.assign(called=called, wrong=called != (pooled["y_true"] == 1))


def _held_out(called: pd.DataFrame) -> pd.DataFrame:
    held_out = called[called["cohort"].isin(["test", "external"])]
    if held_out.empty:
        raise InputError("predictions holds no test or external patient to compare models on")
    return held_out


def _kappa(first: np.ndarray, second: np.ndarray, classes: int) -> np.ndarray:
    """Return Cohen's kappa of each row of two matrices of class numbers."""
    observed = (first == second).mean(axis=1)
    rest_a, rest_b = np.ones(observed.shape), np.ones(observed.shape)
    chance = np.zeros(observed.shape)
    for number in range(classes - 1):
        share_a, share_b = (first == number).mean(axis=1), (second == number).mean(axis=1)
        chance += share_a * share_b
        rest_a, rest_b = rest_a - share_a, rest_b - share_b
    chance += rest_a * rest_b
    kappa = np.full(observed.shape, np.nan)
    np.divide(observed - chance, 1 - chance, out=kappa, where=chance < 1 - 1e-12)
    return kappa
