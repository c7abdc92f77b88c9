"""What acting on a model would bring: net benefit and clinical impact."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import check_binary, require_columns, wilson_interval
from gliofuse.evaluation.inference import REFIT_DIFFERENCE, REFIT_RATES, widened

__all__ = ["TREAT_ALL", "TREAT_NONE", "added_benefit", "clinical_impact", "decision_curve"]

TREAT_ALL, TREAT_NONE = "treat all", "treat none"

#: Threshold probabilities of a curve.
USUAL_THRESHOLDS = tuple(np.round(np.arange(0.01, 1.0, 0.01), 2))


def decision_curve(
    patients: pd.DataFrame,
    *,
    thresholds: ArrayLike = USUAL_THRESHOLDS,
    bootstrap: int = 1000,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the net benefit of each model, of treating all and of treating none.

    Net benefit at threshold t is TP/n - FP/n x t/(1 - t), positive meaning probability at or
    above t; computed by the dcurves package. The interval is a percentile bootstrap over
    patients, not stratified, since the prevalence counts; the same patients for every strategy.

    Parameters
    ----------
    patients : DataFrame
        One row per patient and model: case_id, model, y_true, probability; one cohort, as
        :func:`~gliofuse.evaluation.pool_predictions` gives it. Every model has the same
        patients.
    thresholds : array-like
        Between 0 and 1, both excluded. Choose the range in which a clinician would act.
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    DataFrame
        model (also ``treat all`` and ``treat none``), threshold, net_benefit, ci_low, ci_high,
        n. Treating none has benefit 0 by definition.

    Raises
    ------
    InputError
        If models have different patients, a patient is doubled, or a threshold is out of range.

    References
    ----------
    Vickers AJ, Elkin EB. Med Decis Making 2006; 26: 565-574.
    """
    wide, positive = _wide(patients)
    cuts = checked_thresholds(thresholds)
    odds = cuts / (1 - cuts)
    rng = np.random.default_rng(seed)
    n = positive.size
    counts = rng.multinomial(n, np.full(n, 1 / n), size=bootstrap).astype(np.float32)
    tail = (1 - confidence) / 2
    parts = []
    estimates = _dcurves(wide, positive, cuts)
    for model in (*wide.columns, TREAT_ALL):
        if model == TREAT_ALL:
            called = np.ones((n, cuts.size), dtype=bool)
        else:
            called = wide[model].to_numpy()[:, None] >= cuts
        # What each patient adds to the net benefit at each threshold, summed over the resample.
        worth = called * np.where(positive[:, None], 1.0, -odds).astype(np.float32)
        low, high = np.quantile(counts @ worth / n, [tail, 1 - tail], axis=0)
        value = estimates[model]
        if refits and model != TREAT_ALL:
            low, high = widened(value, (low, high))
        parts.append(
            pd.DataFrame(
                {
                    "model": model,
                    "threshold": cuts,
                    "net_benefit": value,
                    "ci_low": np.minimum(low, value),
                    "ci_high": np.maximum(high, value),
                }
            )
        )
    nothing = {"net_benefit": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    parts.append(pd.DataFrame({"model": TREAT_NONE, "threshold": cuts, **nothing}))
    return pd.concat(parts, ignore_index=True).assign(n=n)


def added_benefit(
    patients: pd.DataFrame,
    model: str,
    against: str,
    *,
    thresholds: ArrayLike = (0.1, 0.2, 0.3, 0.4, 0.5),
    bootstrap: int = 1000,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the net benefit of one model less that of another, on the same patients.

    The interval is a percentile bootstrap over patients, the same patients for both models, so
    that it is of the difference itself and pointwise. Without ``refits`` models are taken as they
    are: it tells nothing of how they would come out if they were trained on other patients.

    Parameters
    ----------
    patients : DataFrame
        As for :func:`decision_curve`.
    model, against : str
    thresholds : array-like
        Between 0 and 1, both excluded.
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models: the variance is then three times
        that of models taken as they are, see :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    DataFrame
        model, against, threshold, net_benefit, net_benefit_against, difference, ci_low, ci_high, n.

    Raises
    ------
    InputError
        As :func:`decision_curve`.

    Examples
    --------
    >>> table = pd.DataFrame({"case_id": [1, 2, 1, 2], "model": list("aabb"), "y_true": [0, 1] * 2,
    ...                       "probability": [0.1, 0.9, 0.9, 0.9]})
    >>> added_benefit(table, "a", "b", thresholds=[0.5])["difference"].tolist()
    [0.5]
    """
    wide, positive = _wide(patients[patients["model"].isin([model, against])])
    cuts = checked_thresholds(thresholds)
    n = positive.size
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=bootstrap)
    gain = np.where(positive[:, None], 1.0, -cuts / (1 - cuts))
    worth = {name: (wide[name].to_numpy()[:, None] >= cuts) * gain for name in (model, against)}
    apart = worth[model] - worth[against]
    tail = (1 - confidence) / 2
    low, high = np.quantile(counts @ apart / n, [tail, 1 - tail], axis=0)
    value = apart.mean(axis=0)
    if refits:
        low, high = widened(value, (low, high), variance=REFIT_DIFFERENCE)
    return pd.DataFrame(
        {
            "model": model,
            "against": against,
            "threshold": cuts,
            "net_benefit": worth[model].mean(axis=0),
            "net_benefit_against": worth[against].mean(axis=0),
            "difference": value,
            "ci_low": np.minimum(low, value),
            "ci_high": np.maximum(high, value),
            "n": n,
        }
    )


def clinical_impact(
    y: ArrayLike,
    p: ArrayLike,
    *,
    thresholds: ArrayLike = USUAL_THRESHOLDS,
    population: int = 1000,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return, of 1,000 patients like these, how many are high-risk, and how many with the event.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 or 1; none missing.
    p : array-like of shape (n,)
        Probabilities; high-risk means at or above the threshold.
    thresholds : array-like
        Between 0 and 1, both excluded.
    population : int
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    DataFrame
        threshold, high_risk, high_risk_low, high_risk_high, high_risk_with_event,
        high_risk_with_event_low, high_risk_with_event_high. Intervals are Wilson's, pointwise.

    References
    ----------
    Kerr KF, et al. J Clin Oncol 2016; 34: 2534-2540.

    Examples
    --------
    >>> table = clinical_impact([0, 1, 1, 0], [0.2, 0.4, 0.9, 0.6], thresholds=[0.5])
    >>> table[["high_risk", "high_risk_with_event"]].iloc[0].tolist()
    [500.0, 250.0]
    """
    positive, chance = check_binary(y, p, both_classes=False)
    cuts = checked_thresholds(thresholds)
    called = chance[:, None] >= cuts
    size = positive.size / (REFIT_RATES if refits else 1.0)
    table = pd.DataFrame({"threshold": cuts})
    for name, share in (
        ("high_risk", called.mean(axis=0)),
        ("high_risk_with_event", (called & positive[:, None]).mean(axis=0)),
    ):
        limits = [wilson_interval(value, size, confidence=confidence) for value in share]
        table[name] = population * share
        table[f"{name}_low"] = [population * low for low, _ in limits]
        table[f"{name}_high"] = [population * high for _, high in limits]
    return table


def _wide(patients: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    require_columns(patients, ("case_id", "model", "y_true", "probability"), "patients")
    if patients.duplicated(["case_id", "model"]).any():
        raise InputError(
            "patients must hold one row per patient and model of one cohort, some are doubled; "
            "pool them with pool_predictions and take one cohort"
        )
    wide = patients.pivot(index="case_id", columns="model", values="probability")
    wide = wide[pd.unique(patients["model"])]
    if wide.isna().any(axis=None):
        lacking = wide.columns[wide.isna().any()].tolist()
        raise InputError(f"every model must have the same patients; some are missing in {lacking}")
    labels = patients.drop_duplicates("case_id").set_index("case_id")["y_true"].loc[wide.index]
    return wide, check_binary(labels, both_classes=False)[0]


def _dcurves(wide: pd.DataFrame, positive: np.ndarray, cuts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each strategy's net benefit from dcurves, under names that it can't trip over."""
    from dcurves import dca

    names = {f"m{place}": model for place, model in enumerate(wide.columns)}
    data = pd.DataFrame({name: wide[model].to_numpy() for name, model in names.items()})
    outside = (data.min(axis=None) < 0) or (data.max(axis=None) > 1)
    if outside:
        raise InputError("a decision curve needs probabilities between 0 and 1")
    data["outcome"] = positive.astype(int)
    table = dca(data=data, outcome="outcome", modelnames=list(names), thresholds=cuts)
    found = {}
    for name, rows in table.groupby("model", sort=False):
        values = rows.sort_values("threshold")["net_benefit"].to_numpy(dtype=float)
        found[names.get(str(name), TREAT_ALL if name == "all" else TREAT_NONE)] = values
    return found


def checked_thresholds(thresholds: ArrayLike) -> np.ndarray:
    """Return the thresholds in order; :class:`InputError` if one is not between 0 and 1."""
    cuts = np.unique(np.asarray(thresholds, dtype=float))
    if cuts.size == 0 or not ((cuts > 0) & (cuts < 1)).all():
        raise InputError(f"thresholds must lie between 0 and 1, both excluded, got {cuts[:5]}")
    return cuts
