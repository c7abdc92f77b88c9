"""Which patients the models agree on, and whom all of them misjudge."""

from __future__ import annotations

from itertools import combinations

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
    pooled = _held_out(predictions, thresholds)
    wide = pooled.pivot(index="case_id", columns="model", values="probability")
    wide = wide[pd.unique(pooled["model"])]
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
    # Equally often misjudged: the one about whom the models are wrong by most comes first.
    error = (wide.sub(per_patient["y_true"], axis=0)).abs().mean(axis=1).to_numpy()
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
    normal_quantile(confidence)
    pooled = _held_out(predictions, thresholds)
    rows = []
    for cohort, group in pooled.groupby("cohort", sort=False, observed=True):
        called = group.pivot(index="case_id", columns="model", values="called")
        wrong = group.pivot(index="case_id", columns="model", values="wrong")
        for a, b in combinations(pd.unique(group["model"]), 2):
            both = called[[a, b]].dropna().astype(bool)
            if both.empty:
                continue
            first, second = both[a].to_numpy(), both[b].to_numpy()
            rng = np.random.default_rng(seed)
            index = rng.integers(0, first.size, size=(bootstrap, first.size))
            drawn = _kappa(first[index], second[index])
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
                    "kappa": float(_kappa(first[None], second[None])[0]),
                    "ci_low": float(low),
                    "ci_high": float(high),
                    "both_wrong": int(wrong.loc[both.index, [a, b]].all(axis=1).sum()),
                }
            )
    columns = ["cohort", "model_a", "model_b", "n", "agreement", "kappa", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "both_wrong"])


def _held_out(predictions: pd.DataFrame, thresholds: float | pd.DataFrame | None) -> pd.DataFrame:
    pooled = pool_predictions(predictions, thresholds=thresholds)
    pooled = pooled[pooled["cohort"].isin(["test", "external"])]
    if pooled.empty:
        raise InputError("predictions holds no test or external patient to compare models on")
    called = pooled["probability"] >= pooled["threshold"]
    return pooled.assign(called=called, wrong=called != (pooled["y_true"] == 1))


def _kappa(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Cohen's kappa of each row of two boolean matrices."""
    observed = (first == second).mean(axis=1)
    share_a, share_b = first.mean(axis=1), second.mean(axis=1)
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    kappa = np.full(observed.shape, np.nan)
    np.divide(observed - chance, 1 - chance, out=kappa, where=chance < 1 - 1e-12)
    return kappa
