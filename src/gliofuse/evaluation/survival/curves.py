"""Survival of groups of patients: Kaplan-Meier tables and the log-rank test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.evaluation.inference import REFIT_RATES
from gliofuse.evaluation.survival._outcome import check_groups, check_outcome

__all__ = ["LOGRANK_WEIGHTS", "LogRank", "kaplan_meier", "logrank", "median_survival"]

#: Weights of the log-rank test by name, from the patients at risk and the survival before.
LOGRANK_WEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "logrank": lambda at_risk, before, modified: np.ones(at_risk.size),
    "wilcoxon": lambda at_risk, before, modified: at_risk,
    "tarone-ware": lambda at_risk, before, modified: np.sqrt(at_risk),
    "peto": lambda at_risk, before, modified: modified,
    "fleming-harrington": lambda at_risk, before, modified: 1 - before,
}


@dataclass(frozen=True)
class LogRank:
    """Log-rank test over all groups; ``p`` is NaN where no group or event could differ."""

    statistic: float
    degrees: int
    p: float


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the survival curve of each group, by lifelines.

    Parameters
    ----------
    time : array-like of shape (n,)
        Time to death or last contact, 0 or more; none missing.
    event : array-like of shape (n,)
        1 died, 0 censored; none missing.
    group : array-like of shape (n,)
        Names; curves come in the order of first appearance. To speak of what a model does, the
        groups must come from held-out patients and a threshold from the training ones.
    confidence : float
        Of the pointwise log-log interval (Greenwood's variance); it stays within 0 and 1. Where
        lifelines gives none (nobody has died yet, or nobody is left) the limits are NaN, save 1
        at the start.

    Returns
    -------
    DataFrame
        group, time, survival, ci_low, ci_high, at_risk, events, censored, starting at 0;
        ``at_risk`` is the number just before the time.

    Examples
    --------
    >>> table = kaplan_meier([5, 8, 12, 20], [1, 0, 1, 0], ["a"] * 4)
    >>> table["survival"].round(6).tolist()
    [1.0, 0.75, 0.75, 0.375, 0.375]
    """
    times, died, names = _checked(time, event, group)
    parts = []
    for name in pd.unique(names):
        fitter = _fitted(times[names == name], died[names == name], confidence)
        limits = fitter.confidence_interval_survival_function_
        counts = fitter.event_table
        survival = fitter.survival_function_.iloc[:, 0]
        limits = limits.reindex(survival.index)
        table = pd.DataFrame(
            {
                "group": name,
                "time": survival.index.to_numpy(dtype=float),
                "survival": survival.to_numpy(dtype=float),
                "ci_low": limits.iloc[:, 0].to_numpy(dtype=float),
                "ci_high": limits.iloc[:, 1].to_numpy(dtype=float),
                "at_risk": counts["at_risk"].reindex(survival.index).to_numpy(dtype=int),
                "events": counts["observed"].reindex(survival.index).to_numpy(dtype=int),
                "censored": counts["censored"].reindex(survival.index).to_numpy(dtype=int),
            }
        )
        # Before the first death, and after the last patient, the variance says nothing.
        unsure = (table["survival"] >= 1) | (table["survival"] <= 0)
        table.loc[unsure & (table["time"] > 0), ["ci_low", "ci_high"]] = np.nan
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def median_survival(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return each group's median survival with its interval.

    Returns
    -------
    DataFrame
        group, n, events, median, ci_low, ci_high; infinite where the curve or its limit
        stays above one half.
    """
    from lifelines.utils import median_survival_times

    times, died, names = _checked(time, event, group)
    rows = []
    for name in pd.unique(names):
        own = names == name
        fitter = _fitted(times[own], died[own], confidence)
        # Where the last patient died the curve is 0 and its variance says nothing: the limits of
        # the death before hold on, as in R's survfit, whose upper limit of the median is then open.
        curve = fitter.survival_function_.iloc[:, 0]
        limits = fitter.confidence_interval_survival_function_.reindex(curve.index)
        limits = median_survival_times(limits.where(curve > 0).ffill())
        rows.append(
            {
                "group": name,
                "n": int(own.sum()),
                "events": int(died[own].sum()),
                "median": _median(curve),
                "ci_low": float(limits.iloc[0, 0]),
                "ci_high": float(limits.iloc[0, 1]),
            }
        )
    return pd.DataFrame(rows)


def _median(curve: pd.Series) -> float:
    """Return when the curve crosses one half: the middle of its step where it lies on one half."""
    below, level = curve[curve < 0.5 - 1e-9], curve[(curve - 0.5).abs() <= 1e-9]
    if level.empty:
        return float(below.index[0]) if len(below) else np.inf
    end = below.index[0] if len(below) else level.index[0]
    return float(level.index[0] + end) / 2


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    refits: bool = False,
    weights: str = "logrank",
) -> LogRank:
    """Return the log-rank test between two or more groups, or a weighted one.

    Parameters
    ----------
    time, event, group : array-like of shape (n,)
    refits : bool
        The groups are what models say of patients who have trained each other's models, on an
        outcome that may go with survival: the statistic is then divided by
        :data:`~gliofuse.evaluation.inference.REFIT_RATES`.
    weights : str
        One of :data:`LOGRANK_WEIGHTS`: ``logrank`` counts every event alike; ``wilcoxon`` (Gehan)
        by the patients at risk, ``tarone-ware`` by their square root and ``peto`` (modified) by
        survival count early events more; ``fleming-harrington`` (p 0, q 1) late ones.

    References
    ----------
    Klein JP, Moeschberger ML. Survival Analysis. 2nd ed. New York: Springer; 2003, section 7.3.
    """
    from scipy.stats import chi2

    times, died, names = _checked(time, event, group)
    codes, groups = pd.factorize(names)
    if weights not in LOGRANK_WEIGHTS:
        raise SettingError(f"weights {weights!r}: {did_you_mean(weights, LOGRANK_WEIGHTS)}")
    if len(groups) < 2:
        raise InputError(f"group must hold at least two groups, got {list(groups)}")
    apart, variance = _apart(times, died > 0, codes, weights)
    degrees = len(groups) - 1
    if not np.trace(variance) > 0:
        return LogRank(np.nan, degrees, np.nan)
    statistic = float(apart @ np.linalg.pinv(variance) @ apart)
    if refits:
        statistic /= REFIT_RATES
    return LogRank(statistic, degrees, float(chi2.sf(statistic, degrees)))


def _apart(
    times: np.ndarray, died: np.ndarray, codes: np.ndarray, weights: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted observed less expected events by group but the last, and their variance."""
    at = np.unique(times[died])
    count = codes.max() + 1
    at_risk, events = np.zeros((2, at.size, count))
    for code in range(count):
        own = codes == code
        at_risk[:, code] = own.sum() - np.searchsorted(np.sort(times[own]), at, side="left")
        places = np.searchsorted(at, times[own & died])
        events[:, code] = np.bincount(places, minlength=at.size)
    n, d = at_risk.sum(axis=1), events.sum(axis=1)
    before = np.concatenate([[1.0], np.cumprod(1 - d / n)])[:-1]
    weight = LOGRANK_WEIGHTS[weights](n, before, np.cumprod(1 - d / (n + 1)))
    share = at_risk / n[:, None]
    apart = (weight[:, None] * (events - d[:, None] * share)).sum(axis=0)
    spread = weight**2 * d * np.divide(n - d, n - 1, out=np.zeros(n.size), where=n > 1)
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return apart[:-1], variance[:-1, :-1]


def _fitted(times: np.ndarray, died: np.ndarray, confidence: float):  # type: ignore[no-untyped-def]
    import warnings

    from lifelines import KaplanMeierFitter

    with warnings.catch_warnings():
        # A group in which everybody or nobody has died divides by zero in the interval alone,
        # whose limits are then set to NaN.
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        return KaplanMeierFitter(alpha=1 - confidence).fit(times, died)


def _checked(
    time: ArrayLike, event: ArrayLike, group: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    times, seen = check_outcome(time, event)
    return times, seen.astype(float), check_groups(group, times.size)
