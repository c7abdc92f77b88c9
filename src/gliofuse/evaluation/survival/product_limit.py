"""The Kaplan-Meier estimate in closed form, for what is computed many times over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.inference import widened
from gliofuse.evaluation.survival._outcome import check_groups, check_outcome

__all__ = ["ProductLimit", "log_log_limits", "product_limit", "restricted_mean", "survival_at"]


@dataclass(frozen=True)
class ProductLimit:
    """Survival after each distinct time of an event.

    Attributes
    ----------
    times, at_risk, events, survival : ndarray of shape (k,)
    hazard_variance : ndarray of shape (k,)
        Greenwood's sum: the variance of the logarithm of survival; infinite at 0.
    last : float
        The longest time; nothing is known beyond.
    """

    times: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    survival: np.ndarray
    hazard_variance: np.ndarray
    last: float

    def at(self, time: ArrayLike) -> np.ndarray:
        """Return survival beyond each time; NaN past the last patient's, unless it is 0."""
        wanted = np.asarray(time, dtype=float)
        steps = np.concatenate([[1.0], self.survival])
        found = steps[np.searchsorted(self.times, wanted, side="right")]
        return np.where((wanted > self.last) & (found > 0), np.nan, found)

    def limits(self, time: ArrayLike, *, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise limits on the scale of log(-log); NaN where survival is 0 or 1."""
        wanted = np.asarray(time, dtype=float)
        sums = np.concatenate([[0.0], self.hazard_variance])
        error = np.sqrt(sums[np.searchsorted(self.times, wanted, side="right")])
        return log_log_limits(self.at(wanted), error, confidence=confidence)


def product_limit(outcome: np.ndarray, seen: np.ndarray) -> ProductLimit:
    """Return the estimate of checked times and events.

    Examples
    --------
    >>> curve = product_limit(np.array([5.0, 8, 12, 20]), np.array([True, False, True, False]))
    >>> curve.at([4, 5, 12, 21]).tolist()
    [1.0, 0.75, 0.375, nan]
    """
    times, events = np.unique(outcome[seen], return_counts=True)
    ordered = np.sort(outcome)
    at_risk = outcome.size - np.searchsorted(ordered, times, side="left")
    survival = np.cumprod(1 - events / at_risk)
    left = at_risk - events
    sums = np.full(times.size, np.inf)
    np.divide(events, at_risk * left, out=sums, where=left > 0)
    return ProductLimit(
        times, at_risk, events, survival, np.cumsum(sums), float(ordered[-1] if ordered.size else 0)
    )


def survival_at(time: ArrayLike, event: ArrayLike, times: ArrayLike) -> np.ndarray:
    """Return Kaplan-Meier's survival beyond each of ``times``."""
    return product_limit(*check_outcome(time, event)).at(times)


def log_log_limits(
    survival: np.ndarray, error: np.ndarray, *, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return limits of survival from the standard error of its logarithm, by log(-log)."""
    z = normal_quantile(confidence)
    inside = (survival > 0) & (survival < 1) & np.isfinite(error)
    known = np.where(inside, survival, 0.5)
    half = z * np.where(inside, error, 0.0) / -np.log(known)
    low, high = known ** np.exp(half), known ** np.exp(-half)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def restricted_mean(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    tau: float | None = None,
    variance: float = 1.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return each group's restricted mean survival time: the area under its curve up to ``tau``.

    As R's ``print(survfit(...), rmean = tau)``, with a normal interval.

    Parameters
    ----------
    time, event : array-like of shape (n,)
    group : array-like of shape (n,)
    tau : float, optional
        By default the shortest of the groups' longest times. A group that was not watched for so
        long has NaN, unless nobody of it is left.
    variance : float
        Factor of the variance in the limits, for patients who have trained each other's models.
    confidence : float

    Returns
    -------
    DataFrame
        group, rmst, se (without the factor), rmst_low, rmst_high, tau; groups in the order of
        first appearance.

    References
    ----------
    Royston P, Parmar MK. BMC Med Res Methodol 2013; 13: 152.

    Examples
    --------
    >>> restricted_mean([2, 4, 6, 8], [1, 1, 1, 0], ["a"] * 4, tau=6)["rmst"].tolist()
    [4.5]
    """
    outcome, seen = check_outcome(time, event)
    names = check_groups(group, outcome.size)
    sides = {str(name): names == name for name in pd.unique(names)}
    end = min(float(outcome[own].max()) for own in sides.values()) if tau is None else float(tau)
    rows = []
    for name, own in sides.items():
        mean, error = _area(product_limit(outcome[own], seen[own]), end)
        half = normal_quantile(confidence) * error
        low, high = widened(mean, (mean - half, mean + half), variance=variance, least=0, most=end)
        rows.append((name, mean, error, float(low), float(high), end))
    return pd.DataFrame(rows, columns=["group", "rmst", "se", "rmst_low", "rmst_high", "tau"])


def _area(curve: ProductLimit, tau: float) -> tuple[float, float]:
    """Return the area under a curve up to ``tau`` and its standard error."""
    if tau > curve.last and not (curve.survival.size and curve.survival[-1] <= 0):
        return np.nan, np.nan
    inside = curve.times < tau
    knots = np.concatenate([[0.0], curve.times[inside], [tau]])
    steps = np.concatenate([[1.0], curve.survival[inside]]) * np.diff(knots)
    left = curve.at_risk[inside] - curve.events[inside]
    terms = np.zeros(left.size)
    beyond = np.cumsum(steps[::-1])[::-1][1:]
    np.divide(
        beyond**2 * curve.events[inside],
        curve.at_risk[inside] * left,
        out=terms,
        where=left > 0,
    )
    return float(steps.sum()), float(np.sqrt(terms.sum()))
