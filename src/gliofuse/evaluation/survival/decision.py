"""Net benefit of acting on the predicted risk of an event by a horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile, require_columns
from gliofuse.evaluation.decision import (
    TREAT_ALL,
    TREAT_NONE,
    USUAL_THRESHOLDS,
    checked_thresholds,
)
from gliofuse.evaluation.inference import REFIT_DIFFERENCE, REFIT_VARIANCE
from gliofuse.evaluation.survival._outcome import check_outcome

__all__ = ["survival_added_benefit", "survival_decision_curve"]


def survival_decision_curve(
    patients: pd.DataFrame,
    horizon: float,
    *,
    thresholds: ArrayLike = USUAL_THRESHOLDS,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the net benefit of each model, of treating all and of treating none.

    At threshold t, with the share p of patients at or above it and their Kaplan-Meier risk f by
    the horizon, it is ``p (f - (1 - f) t / (1 - t))``, as in the package dcurves; its variance is
    that of the infinitesimal jackknife. Where nobody above the threshold was watched until the
    horizon there is no figure.

    Parameters
    ----------
    patients : DataFrame
        case_id, model, time, event, probability (of the event by the horizon): one row a patient
        and model of one cohort, the same patients for every model.
    horizon : float
    thresholds : array-like
        Between 0 and 1, both excluded.
    refits : bool
        Whether these patients have trained each other's models: twice the variance.
    confidence : float

    Returns
    -------
    DataFrame
        model (also ``treat all`` and ``treat none``), threshold, net_benefit, ci_low, ci_high, n.

    References
    ----------
    Vickers AJ, Cronin AM, Elkin EB, Gonen M. BMC Med Inform Decis Mak 2008; 8: 53.
    """
    wide, outcome, seen = _wide(patients)
    cuts = checked_thresholds(thresholds)
    z = normal_quantile(confidence)
    parts = []
    for model in (*wide.columns, TREAT_ALL):
        chance = np.ones(outcome.size) if model == TREAT_ALL else wide[model].to_numpy()
        value, influence = _net_benefit(outcome, seen, chance, cuts, horizon)
        half = z * np.sqrt((influence**2).sum(axis=0))
        if refits and model != TREAT_ALL:
            half = half * np.sqrt(REFIT_VARIANCE)
        figures = {"net_benefit": value, "ci_low": value - half, "ci_high": value + half}
        parts.append(pd.DataFrame({"model": model, "threshold": cuts, **figures}))
    nothing = {"net_benefit": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    parts.append(pd.DataFrame({"model": TREAT_NONE, "threshold": cuts, **nothing}))
    return pd.concat(parts, ignore_index=True).assign(n=outcome.size)


def survival_added_benefit(
    patients: pd.DataFrame,
    model: str,
    against: str,
    horizon: float,
    *,
    thresholds: ArrayLike = (0.1, 0.2, 0.3, 0.4, 0.5),
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the net benefit of one model less that of another, on the same patients.

    Parameters
    ----------
    patients, horizon, thresholds, confidence
        As for :func:`survival_decision_curve`.
    model, against : str
    refits : bool
        Whether these patients have trained each other's models: three times the variance.

    Returns
    -------
    DataFrame
        model, against, threshold, net_benefit, net_benefit_against, difference, ci_low, ci_high,
        n.
    """
    wide, outcome, seen = _wide(patients[patients["model"].isin([model, against])])
    cuts = checked_thresholds(thresholds)
    (first, of_first), (second, of_second) = (
        _net_benefit(outcome, seen, wide[name].to_numpy(), cuts, horizon)
        for name in (model, against)
    )
    factor = REFIT_DIFFERENCE if refits else 1.0
    error = np.sqrt(factor * ((of_first - of_second) ** 2).sum(axis=0))
    half = normal_quantile(confidence) * error
    return pd.DataFrame(
        {
            "model": model,
            "against": against,
            "threshold": cuts,
            "net_benefit": first,
            "net_benefit_against": second,
            "difference": first - second,
            "ci_low": first - second - half,
            "ci_high": first - second + half,
            "n": outcome.size,
        }
    )


def _net_benefit(
    outcome: np.ndarray, seen: np.ndarray, chance: np.ndarray, cuts: np.ndarray, horizon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return net benefit at each threshold and what each patient adds to it."""
    n = outcome.size
    value, influence = np.zeros(cuts.size), np.zeros((n, cuts.size))
    before: tuple[np.ndarray, float, np.ndarray] | None = None
    for place, cut in enumerate(cuts):
        called = np.flatnonzero(chance >= cut)
        if not called.size:
            continue
        if before is None or before[0].size != called.size:
            before = (called, *_survival(outcome[called], seen[called], horizon))
        _, survival, of_survival = before
        gain = 1 - survival / (1 - cut)
        share = called.size / n
        value[place] = share * gain
        influence[:, place] = -share * gain / n
        influence[called, place] += gain / n - share / (1 - cut) * of_survival
    return value, influence


def _survival(outcome: np.ndarray, seen: np.ndarray, horizon: float) -> tuple[float, np.ndarray]:
    """Return Kaplan-Meier's survival beyond the horizon and what each patient adds to it."""
    times, events = np.unique(outcome[seen & (outcome <= horizon)], return_counts=True)
    at_risk = outcome.size - np.searchsorted(np.sort(outcome), times, side="left")
    survival = float(np.prod(1 - events / at_risk))
    if outcome.max() < horizon and survival > 0:
        return np.nan, np.full(outcome.size, np.nan)
    if survival == 0:
        return 0.0, np.zeros(outcome.size)
    left = at_risk - events
    risen = np.concatenate([[0.0], np.cumsum(events / at_risk / left)])
    change = -risen[np.searchsorted(times, outcome, side="right")]
    early = seen & (outcome <= horizon)
    change[early] += 1 / left[np.searchsorted(times, outcome[early])]
    return survival, -survival * change


def _wide(patients: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    require_columns(patients, ("case_id", "model", "time", "event", "probability"), "patients")
    if patients.duplicated(["case_id", "model"]).any():
        raise InputError("patients must hold one row per patient and model, some are doubled")
    wide = patients.pivot(index="case_id", columns="model", values="probability")
    wide = wide[pd.unique(patients["model"])]
    if wide.isna().any(axis=None):
        lacking = wide.columns[wide.isna().any()].tolist()
        raise InputError(f"every model must have the same patients; some are missing in {lacking}")
    one = patients.drop_duplicates("case_id").set_index("case_id").loc[wide.index]
    return wide, *check_outcome(one["time"], one["event"])
