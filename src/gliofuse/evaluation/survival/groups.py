"""Patients of low and of high risk: thresholds from training patients, survival of each group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.inference import REFIT_RATES
from gliofuse.evaluation.survival._cox import fit_cox
from gliofuse.evaluation.survival.competing import cumulative_incidence
from gliofuse.evaluation.survival.curves import (
    LOGRANK_WEIGHTS,
    kaplan_meier,
    logrank,
    median_survival,
)
from gliofuse.evaluation.survival.predictions import Held
from gliofuse.evaluation.survival.product_limit import product_limit, restricted_mean
from gliofuse.survival.risk_groups import HIGH, LOW, median_cut, optimal_cut

__all__ = [
    "ALL_PATIENTS",
    "group_curves",
    "group_incidence",
    "risk_groups",
    "risk_groups_table",
    "risk_tests_table",
    "risk_thresholds",
]

ALL_PATIENTS = "all patients"


def risk_thresholds(predictions: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Return each fold's and model's threshold on the risk, from its training rows.

    Parameters
    ----------
    predictions : DataFrame
    rule : {"median", "optimal"}
        The median; or the cut of the largest standardised log-rank statistic, the median where
        the training patients allow none.

    Returns
    -------
    DataFrame
        fold, model, threshold; with ``optimal`` also statistic and p_corrected.
    """
    training = predictions[predictions["cohort"] == "training"]
    rows: list[dict[str, Any]] = []
    for (fold, model), own in training.groupby(["fold", "model"], sort=False, observed=True):
        row = {"fold": fold, "model": model, "threshold": median_cut(own["risk"])}
        if rule == "optimal":
            row |= {"statistic": np.nan, "p_corrected": np.nan}
            try:
                cut = optimal_cut(own["risk"], own[["time", "event"]])
            except InputError:  # too few different risks, or no event
                pass
            else:
                row |= {"threshold": cut.cut, "statistic": cut.statistic}
                row["p_corrected"] = cut.p_corrected
        rows.append(row)
    columns = ["fold", "model", "threshold"]
    columns += ["statistic", "p_corrected"] if rule == "optimal" else []
    return pd.DataFrame(rows, columns=columns)


def risk_groups(held: Held) -> pd.DataFrame:
    """Return a row a patient with ``group``, low risk first: high where half of the rows say so."""
    high = held.patients["called"] >= 0.5
    patients = held.patients.assign(group=np.where(high, HIGH, LOW))
    return patients.sort_values("called", kind="stable", key=lambda called: called >= 0.5)


def risk_groups_table(helds: Iterable[Held], *, confidence: float = 0.95) -> pd.DataFrame:
    """Return size, median survival, restricted mean and survival at horizons of each risk group.

    The restricted mean is up to the cohort's tau, or to the shorter follow-up of the two groups if
    that ends sooner.
    """
    parts = []
    for held in helds:
        patients = risk_groups(held)
        time, event, group = (patients[name] for name in ("time", "event", "group"))
        table = median_survival(time, event, group, confidence=confidence)
        table = table.rename(columns={"ci_low": "median_low", "ci_high": "median_high"})
        limits = ["median", "median_low", "median_high"]
        table[limits] = table[limits].replace(np.inf, np.nan)
        means = restricted_mean(time, event, group, tau=_tau(held, patients), confidence=confidence)
        table = table.merge(means.drop(columns="se"), on="group")
        for horizon in held.horizons:
            table = table.join(_at_horizon(patients, horizon, confidence), on="group")
        parts.append(table.assign(cohort=held.cohort, model=held.model))
    return _first(parts, "cohort", "model")


def risk_tests_table(helds: Iterable[Held], *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the tests of high against low risk, the hazard ratio and the difference of means.

    Where the patients have trained each other's models statistics are divided, and variances
    multiplied, by :data:`~gliofuse.evaluation.inference.REFIT_RATES`.
    """
    parts = []
    for held in helds:
        patients = risk_groups(held)
        rows = _tests(patients, held, confidence)
        parts.append(pd.DataFrame(rows).assign(cohort=held.cohort, model=held.model))
    return _first(parts, "cohort", "model")


def group_curves(helds: Sequence[Held], drawn: Sequence[str]) -> pd.DataFrame:
    """Return Kaplan-Meier tables: of all patients of each cohort, and of models' risk groups."""
    parts = []
    for cohort, own in _by_cohort(helds):
        patients = own[0].patients
        whole = kaplan_meier(patients["time"], patients["event"], [ALL_PATIENTS] * len(patients))
        parts.append(whole.assign(groups="all", cohort=cohort, model=None))
        for held in own:
            if held.model not in drawn or "called" not in held.rows:
                continue
            grouped = risk_groups(held)
            table = kaplan_meier(grouped["time"], grouped["event"], grouped["group"])
            parts.append(table.assign(groups="risk", cohort=cohort, model=held.model))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def group_incidence(helds: Sequence[Held], drawn: Sequence[str]) -> pd.DataFrame:
    """Return Aalen-Johansen tables of the same groups; empty where no cause competes."""
    parts = []
    for cohort, own in _by_cohort(helds):
        patients = own[0].patients
        if "competing" not in patients:
            continue
        whole = _incidence(patients.assign(group=ALL_PATIENTS))
        parts.append(whole.assign(cohort=cohort, model=None))
        for held in own:
            if held.model not in drawn or "called" not in held.rows:
                continue
            table = _incidence(risk_groups(held))
            parts.append(table.assign(cohort=cohort, model=held.model))
    return _first(parts, "cohort", "model").drop(columns="se", errors="ignore")


def _incidence(patients: pd.DataFrame) -> pd.DataFrame:
    return cumulative_incidence(
        patients["time"], patients["event"], patients["competing"], patients["group"]
    )


def _by_cohort(helds: Sequence[Held]) -> Iterable[tuple[str, list[Held]]]:
    for cohort in dict.fromkeys(held.cohort for held in helds):
        yield cohort, [held for held in helds if held.cohort == cohort]


def _tau(held: Held, patients: pd.DataFrame) -> float:
    return min(held.tau, float(patients.groupby("group")["time"].max().min()))


def _at_horizon(patients: pd.DataFrame, horizon: float, confidence: float) -> pd.DataFrame:
    name, rows = f"survival_{horizon:g}", {}
    for group, own in patients.groupby("group", sort=False):
        curve = product_limit(own["time"].to_numpy(dtype=float), own["event"].to_numpy() == 1)
        low, high = curve.limits(horizon, confidence=confidence)
        rows[group] = (float(curve.at(horizon)), float(low), float(high))
    columns = [name, f"{name}_low", f"{name}_high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _tests(patients: pd.DataFrame, held: Held, confidence: float) -> list[dict[str, Any]]:
    time, event, group = (patients[name] for name in ("time", "event", "group"))
    shared = {"degrees": 1, "refits": held.refits, "note": ""}
    names = (*LOGRANK_WEIGHTS, "hazard ratio", "rmst difference")
    reason = "nobody is of one of the groups" if group.nunique() < 2 else ""
    reason = reason or ("" if event.any() else "no patient had the event")
    if reason:
        return [{"test": name, **_NONE, **shared, "note": reason} for name in names]
    rows = []
    for name in LOGRANK_WEIGHTS:
        found = logrank(time, event, group, refits=held.refits, weights=name)
        figures = {"statistic": found.statistic, "p": found.p}
        rows.append({"test": name, **_NONE, **figures, **shared})
    factor = REFIT_RATES if held.refits else 1.0
    rows.append({"test": "hazard ratio", **shared, **_hazard_ratio(patients, factor, confidence)})
    means = restricted_mean(time, event, group, tau=_tau(held, patients)).set_index("group")
    difference = float(means["rmst"][HIGH] - means["rmst"][LOW])
    error = float(np.hypot(*means["se"])) * np.sqrt(factor)
    wald = _wald(difference, error, confidence)
    return [*rows, {"test": "rmst difference", **shared, **wald}]


_NONE = dict.fromkeys(("estimate", "ci_low", "ci_high", "statistic", "p"), np.nan)


def _hazard_ratio(patients: pd.DataFrame, factor: float, confidence: float) -> dict[str, Any]:
    high = (patients["group"] == HIGH).to_numpy(dtype=float)[:, None]
    times, seen = patients["time"].to_numpy(dtype=float), patients["event"].to_numpy() == 1
    fit = fit_cox(high, times, seen)
    if fit is None or not fit.converged:
        of_low = seen[high[:, 0] == 0].any()
        side = LOW if not of_low else HIGH
        return {**_NONE, "note": f"no hazard ratio: no event in the group of {side}, or none that "
                                 "both were watched at"}  # fmt: skip
    error = float(np.sqrt(factor * fit.covariance[0, 0]))
    found = _wald(float(fit.coefficients[0]), error, confidence)
    with np.errstate(over="ignore"):  # an upper limit of next to no events is infinite
        ends = {name: float(np.exp(found[name])) for name in ("estimate", "ci_low", "ci_high")}
    return found | ends


def _wald(estimate: float, error: float, confidence: float) -> dict[str, float]:
    from scipy.stats import chi2

    if not error > 0:
        return _NONE | {"estimate": estimate}
    half, statistic = normal_quantile(confidence) * error, (estimate / error) ** 2
    return {
        "estimate": estimate,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "statistic": statistic,
        "p": float(chi2.sf(statistic, 1)),
    }


def _first(parts: list[pd.DataFrame], *names: str) -> pd.DataFrame:
    """Return the parts one after the other, with these columns first."""
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    return table[[*names, *table.columns.drop(list(names))]]
