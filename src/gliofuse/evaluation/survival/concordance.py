"""Harrell's and Uno's C: of two patients, has the one with the higher risk the event first?

A pair counts where it is known who was first: the earlier time is an event, and a patient who was
censored at the very time of another's event outlives it. Risks that are equal count half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation.auc import area_with_interval
from gliofuse.evaluation.survival._outcome import check_outcome, check_score
from gliofuse.evaluation.survival.weighting import censoring_curve

__all__ = ["Concordance", "harrell_concordance", "uno_concordance"]

# Elements of one block of the matrix of pairs: 32 MB of float64.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Concordance:
    """A concordance with its interval.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
    variance : float
        Of the infinitesimal jackknife, taking fitted models for given.
    influence : ndarray of shape (n,)
        What a patient (or row) adds; the variance of one row each is the sum of squares.
    pairs : float
        Comparable pairs, weighted.
    method : str
        ``"jackknife"``, or ``"newcombe"`` where that has no variance.
    """

    estimate: float
    ci_low: float
    ci_high: float
    variance: float
    influence: np.ndarray
    pairs: float
    method: str = "jackknife"


def harrell_concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    stratum: ArrayLike | None = None,
    case: ArrayLike | None = None,
    refits: bool = False,
    confidence: float = 0.95,
) -> Concordance | None:
    """Return Harrell's C, of pairs of patients of one stratum.

    As R's ``survival::concordance(Surv(time, event) ~ risk + strata(stratum), reverse = TRUE)``,
    its variance too; the interval is on the scale of log odds, as that of an AUC. Where the
    variance is 0 it is Newcombe's method 5 for the events and their mean number of partners.

    Parameters
    ----------
    time : array-like of shape (n,)
        0 or more; none missing.
    event : array-like of shape (n,)
        1 the event was seen, 0 censored.
    risk : array-like of shape (n,)
        The higher, the earlier the event is expected; any scale within a stratum.
    stratum : array-like of shape (n,), optional
        A fold: models of different folds give risks that can't be compared. A stratum without
        comparable pairs drops out.
    case : array-like of shape (n,), optional
        The patient of each row where some have several: their influences are added up. With
        ``refits`` the variance is that of one row a patient, since what repeats have in common is
        no smaller than that.
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    Concordance or None
        None where no pair can be compared.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996; 15: 361-387.
    Therneau T, Atkinson E. Concordance. Vignette of the R package survival.

    Examples
    --------
    >>> harrell_concordance([5, 8, 12, 20], [1, 0, 1, 0], [0.9, 0.2, 0.4, 0.6]).estimate
    0.75
    """
    times, seen = check_outcome(time, event)
    return _of_weights(
        times, seen, risk, np.ones(times.size), stratum, case, refits=refits, confidence=confidence
    )


def uno_concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    tau: float = np.inf,
    stratum: ArrayLike | None = None,
    case: ArrayLike | None = None,
    refits: bool = False,
    confidence: float = 0.95,
) -> Concordance | None:
    """Return Uno's C up to ``tau``, which does not depend on who was censored when.

    An event at t counts ``1 / G(t-)^2``, G being the Kaplan-Meier curve of censoring of these
    patients (over all strata). As R's ``concordance(..., timewt = "n/G2", ymax = tau)``; the
    variance takes G for given, as there.

    Parameters
    ----------
    time, event, risk, stratum, case, refits, confidence
        As for :func:`harrell_concordance`.
    tau : float
        Events after it don't count.

    References
    ----------
    Uno H, et al. Stat Med 2011; 30: 1105-1117.
    """
    times, seen = check_outcome(time, event)
    one = np.arange(times.size)
    if case is not None:
        one = np.unique(codes(case, times.size), return_index=True)[1]
    before = censoring_curve(times[one], seen[one]).before(times)
    weights = np.zeros(times.size)
    early = seen & (times <= tau) & (before > 0)
    weights[early] = 1 / before[early] ** 2
    return _of_weights(
        times, seen, risk, weights, stratum, case, refits=refits, confidence=confidence
    )


def _of_weights(
    times: np.ndarray,
    seen: np.ndarray,
    risk: ArrayLike,
    weights: np.ndarray,
    stratum: ArrayLike | None,
    case: ArrayLike | None,
    *,
    refits: bool,
    confidence: float,
) -> Concordance | None:
    score = check_score(risk, times.size)
    strata = np.zeros(times.size, dtype=int) if stratum is None else codes(stratum, times.size)
    won, pairs = np.zeros(times.size), np.zeros(times.size)
    for number in range(strata.max() + 1):
        own = np.flatnonzero(strata == number)
        won[own], pairs[own] = _pairs(times[own], seen[own], score[own], weights[own])
    # Every pair stands with both of its patients.
    total = pairs.sum() / 2
    if not total > 0:
        return None
    estimate = float(won.sum() / 2 / total)
    influence = (won - estimate * pairs) / total
    variance = variance_of(influence, case, refits=refits)
    used = seen & (weights > 0) & (pairs > 0)
    partners = total / weights[used].mean() / used.sum()
    low, high, method = area_limits(
        estimate,
        variance,
        (used.sum(), partners),
        "jackknife",
        refits=refits,
        confidence=confidence,
    )
    return Concordance(estimate, low, high, variance, influence, float(total), method)


def _pairs(
    times: np.ndarray, seen: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each patient the weight of its pairs that the score orders rightly, and of all."""
    won, pairs = np.zeros(times.size), np.zeros(times.size)
    first = np.flatnonzero(seen & (weights > 0))
    step = max(1, _BLOCK // max(1, times.size))
    for start in range(0, first.size, step):
        own = first[start : start + step]
        later = times[None, :] > times[own, None]
        later |= (times[None, :] == times[own, None]) & ~seen[None, :]
        weight = later * weights[own, None]
        right = (score[own, None] > score[None, :]) + 0.5 * (score[own, None] == score[None, :])
        right = right * weight
        pairs[own] += weight.sum(axis=1)
        won[own] += right.sum(axis=1)
        pairs += weight.sum(axis=0)
        won += right.sum(axis=0)
    return won, pairs


def variance_of(influence: np.ndarray, case: ArrayLike | None, *, refits: bool) -> float:
    """Return the variance of a sum of influences, of one row a patient or of several.

    Parameters
    ----------
    influence : ndarray of shape (n,)
    case : array-like of shape (n,) or None
        The patient of each row.
    refits : bool
        Whether rows of one patient are repeats of one cross-validation: the variance is then that
        of a single repeat.
    """
    if case is None:
        return float(influence @ influence)
    patients = codes(case, influence.size)
    count = int(patients.max()) + 1
    if refits:
        return float(influence @ influence) * influence.size / count
    sums = np.bincount(patients, weights=influence, minlength=count)
    return float(sums @ sums)


def codes(names: ArrayLike, n: int) -> np.ndarray:
    """Return numbers from 0 up for the names of rows, whatever type they are of."""
    values = np.asarray(names)
    if values.shape != (n,):
        raise InputError(f"stratum and case must have one value a row, {n}, got {values.shape}")
    return np.asarray(np.unique(values.astype(str), return_inverse=True)[1])


def area_limits(
    estimate: float,
    variance: float,
    sizes: tuple[float, float],
    method: str,
    *,
    refits: bool,
    confidence: float = 0.95,
) -> tuple[float, float, str]:
    """Return the limits of an area, as an AUC of so many positives and negatives has them.

    ``method`` names where the variance comes from; Newcombe's method 5 where there is none.
    """
    whole = (max(1, round(sizes[0])), max(1, round(sizes[1])))
    area = area_with_interval(estimate, variance, whole, refits=refits, confidence=confidence)
    found = area.method.replace("delong", method)
    return area.ci_low, area.ci_high, found
