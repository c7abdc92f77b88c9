"""How alike models rank and divide patients, and whom they get wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from gliofuse.evaluation.agreement import agreement_of_calls, misjudged_patients
from gliofuse.evaluation.survival.groups import risk_groups
from gliofuse.evaluation.survival.predictions import Held
from gliofuse.evaluation.survival.product_limit import product_limit
from gliofuse.survival.risk_groups import HIGH

__all__ = ["deviance_residuals", "risk_agreement_table", "survival_misjudged"]


def survival_misjudged(helds: Sequence[Held], words: Callable[[float], str]) -> pd.DataFrame:
    """Return every held-out patient and how many models misjudge it, the worst first.

    A model misjudges whom it puts at low risk and who has the event early, or puts at high risk
    and who lives long: before or beyond the time at which half of what the cohort's Kaplan-Meier
    curve falls has been reached (median survival, where it is reached). Who was censored before
    that time is misjudged by nobody. Among equals the larger mean absolute deviance residual
    comes first.

    Parameters
    ----------
    helds : sequence of Held
        With thresholds.
    words : callable
        Puts a time in words.

    Returns
    -------
    DataFrame
        case_id, cohort, y_true (what was seen, in words), a column of risks a model, n_models,
        n_wrong, misjudged_by_all.
    """
    parts = []
    for held in helds:
        patients = risk_groups(held)
        time, event = patients["time"], patients["event"] == 1
        middle = _middle(time.to_numpy(dtype=float), event.to_numpy())
        high = patients["group"] == HIGH
        wrong = (event & (time <= middle) & ~high) | ((time > middle) & high)
        seen = np.where(event, "event at ", "censored at ") + time.map(words)
        table = patients.assign(
            cohort=held.cohort,
            model=held.model,
            y_true=seen,
            wrong=wrong,
            error=np.abs(deviance_residuals(patients)),
        )
        parts.append(table.reset_index())
    columns = ["case_id", "cohort", "model", "y_true", "wrong", "error", "risk"]
    called = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return misjudged_patients(called[columns], shown="risk")


def deviance_residuals(patients: pd.DataFrame) -> np.ndarray:
    """Return how far each patient's time is from what the risk let expect.

    Deviance residuals of a Cox model whose log hazard is the risk's normal score (so that models
    with risks on any scale can be held against each other), its baseline that of these patients:
    positive where the event came early, negative where it did not come for long.

    Parameters
    ----------
    patients : DataFrame
        time, event, risk.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR. Biometrika 1990; 77: 147-160.
    """
    from scipy.stats import norm

    n = len(patients)
    score = norm.ppf((patients["risk"].rank().to_numpy() - 0.5) / n)
    weight = np.exp(score)
    time = patients["time"].to_numpy(dtype=float)
    seen = patients["event"].to_numpy(dtype=float)
    order = np.argsort(time, kind="stable")
    ordered = time[order]
    at_risk = weight[order][::-1].cumsum()[::-1][np.searchsorted(ordered, ordered, side="left")]
    steps = np.concatenate([[0.0], np.cumsum(seen[order] / at_risk)])
    expected = steps[np.searchsorted(ordered, time, side="right")] * weight
    martingale = seen - expected
    inside = -martingale - seen * np.log(np.maximum(expected, 1e-300)) * (seen > 0)
    return np.asarray(np.sign(martingale) * np.sqrt(2 * np.maximum(inside, 0.0)))


def risk_agreement_table(
    helds: Sequence[Held], *, bootstrap: int = 2000, seed: int = 0, confidence: float = 0.95
) -> pd.DataFrame:
    """Return how alike each pair of models ranks and divides the held-out patients of a cohort.

    Agreement and kappa are of risk groups; a patient is misjudged as in
    :func:`survival_misjudged`. The ranks' correlation is over all patients' mean risks.

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.agreement_table`, and spearman, spearman_low,
        spearman_high (percentile bootstrap over patients) and kendall (tau-b).
    """
    from scipy.stats import kendalltau

    parts, ranks = [], []
    for held in helds:
        patients = risk_groups(held)
        middle = _middle(patients["time"].to_numpy(dtype=float), patients["event"].to_numpy() == 1)
        high = patients["group"] == HIGH
        early = (patients["event"] == 1) & (patients["time"] <= middle)
        wrong = (early & ~high) | ((patients["time"] > middle) & high)
        named = {"cohort": held.cohort, "model": held.model}
        parts.append(patients.assign(called=high, wrong=wrong, **named).reset_index())
    called = pd.concat(parts, ignore_index=True) if parts else _NOBODY
    table = agreement_of_calls(
        called, (True, False), bootstrap=bootstrap, seed=seed, confidence=confidence
    )
    tail = (1 - confidence) / 2
    for cohort, own in called.groupby("cohort", sort=False):
        if cohort == "validation":
            continue
        wide = own.pivot(index="case_id", columns="model", values="risk")
        for a, b in combinations(pd.unique(own["model"]), 2):
            both = wide[[a, b]].dropna()
            if both.empty:
                continue
            first, second = (both[name].rank().to_numpy() for name in (a, b))
            rng = np.random.default_rng(seed)
            index = rng.integers(0, first.size, size=(bootstrap, first.size))
            drawn = _correlation(first[index], second[index])
            known = drawn[np.isfinite(drawn)]
            limits = np.quantile(known, [tail, 1 - tail]) if known.size else (np.nan, np.nan)
            whole = float(_correlation(first[None], second[None])[0])
            tau = float(kendalltau(both[a], both[b]).statistic)
            ranks.append((cohort, a, b, whole, *map(float, limits), tau))
    columns = ["cohort", "model_a", "model_b", "spearman", "spearman_low", "spearman_high"]
    return table.merge(
        pd.DataFrame(ranks, columns=[*columns, "kendall"]), on=columns[:3], how="left"
    )


_NOBODY = pd.DataFrame(columns=["case_id", "cohort", "model", "called", "wrong", "risk"])


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of each row of two matrices of ranks; ties keep their first rank."""
    a = first - first.mean(axis=1, keepdims=True)
    b = second - second.mean(axis=1, keepdims=True)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    found = np.full(spread.shape, np.nan)
    return np.divide((a * b).sum(axis=1), spread, out=found, where=spread > 1e-12)


def _middle(time: np.ndarray, seen: np.ndarray) -> float:
    """Return when half of what the Kaplan-Meier curve falls has been reached; at most one half."""
    curve = product_limit(time, seen)
    if not curve.times.size:
        return np.inf
    level = max(0.5, (1 + float(curve.survival[-1])) / 2)
    return float(curve.times[np.argmax(curve.survival <= level + 1e-12)])
