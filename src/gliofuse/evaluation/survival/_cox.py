"""Cox regression on a term or three, for slopes, hazard ratios and smooth calibration.

Efron's handling of ties, strata, Newton's method with halved steps: many small fits without the
ceremony of a model for patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CoxFit", "fit_cox"]

_STEPS = 40
_STRIDE = 5.0  # of a standardised term
_FURTHEST = 100.0  # of a log hazard, so that sums stay finite on the way to no maximum
_STEEPEST = 15.0  # of a standardised term: beyond, the likelihood has no maximum


@dataclass(frozen=True)
class CoxFit:
    """A fit; ``converged`` is false where the terms separate who has the event first.

    Attributes
    ----------
    coefficients : ndarray of shape (p,)
    covariance : ndarray of shape (p, p)
    converged : bool
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    converged: bool
    _terms: np.ndarray
    _times: np.ndarray
    _seen: np.ndarray

    def survival(self, terms: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return survival beyond a time, and the standard error of its logarithm.

        As R's ``survfit`` of a ``coxph`` without strata.
        """
        parts = _expanded(
            self._terms, self._times, self._seen, np.zeros(self._times.size, dtype=int)
        )
        first, second, _ = _sums(self._terms, self.coefficients, parts)
        early = parts.times <= time
        jumps = 1 / first[early]
        risk = np.exp(terms @ self.coefficients)
        hazard = jumps.sum() * risk
        means = second[early] / first[early][:, None]
        drift = terms * jumps.sum() - jumps @ means
        spread = np.einsum("ij,jk,ik->i", drift, self.covariance, drift)
        return np.exp(-hazard), np.sqrt((np.square(jumps).sum() + spread) * risk**2)


@dataclass(frozen=True)
class _Parts:
    """Patients from the longest time to the shortest in each stratum, and each event once."""

    order: np.ndarray
    start: np.ndarray  # where the stratum of a patient starts, in that order
    last: np.ndarray  # the last patient at risk at each event, in that order
    event: np.ndarray  # the patient of each event
    tied: np.ndarray  # number of the set of events at one time that an event is of
    share: np.ndarray  # Efron's share of the set that has gone
    times: np.ndarray


def fit_cox(
    terms: np.ndarray,
    times: np.ndarray,
    seen: np.ndarray,
    *,
    stratum: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> CoxFit | None:
    """Return the fit of the terms' columns; None where no event tells anything of them.

    Parameters
    ----------
    terms : ndarray of shape (n, p)
    times : ndarray of shape (n,)
    seen : ndarray of bool, shape (n,)
    stratum : ndarray of int, shape (n,), optional
        Each has a baseline of its own.
    offset : ndarray of shape (n,), optional
        Log hazard that is held.

    References
    ----------
    Efron B. J Am Stat Assoc 1977; 72: 557-565.
    """
    n, p = terms.shape
    strata = np.zeros(n, dtype=int) if stratum is None else stratum
    base = np.zeros(n) if offset is None else offset
    spread = terms.std(axis=0)
    if not seen.any() or not (spread > 1e-12).all():
        return None
    scaled = (terms - terms.mean(axis=0)) / spread
    parts = _expanded(scaled, times, seen, strata)
    beta = np.zeros(p)
    value, score, information = _likelihood(scaled, beta, parts, base)
    converged = False
    for _ in range(_STEPS):
        if np.linalg.cond(information) > 1e12:
            return None if not beta.any() else _fit(terms, times, seen, beta, spread, None)
        step = np.clip(np.linalg.solve(information, score), -_STRIDE, _STRIDE)
        for _halving in range(20):
            tried = _likelihood(scaled, beta + step, parts, base)
            if tried[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        moved = float(np.abs(step).max())
        beta, (value, score, information) = beta + step, tried
        if np.abs(beta).max() > _STEEPEST:
            break
        if moved < 1e-10:
            converged = True
            break
    return _fit(terms, times, seen, beta, spread, information if converged else None)


def _fit(
    terms: np.ndarray,
    times: np.ndarray,
    seen: np.ndarray,
    beta: np.ndarray,
    spread: np.ndarray,
    information: np.ndarray | None,
) -> CoxFit:
    covariance = np.full((beta.size, beta.size), np.nan)
    if information is not None:
        covariance = np.linalg.inv(information) / np.outer(spread, spread)
    return CoxFit(beta / spread, covariance, information is not None, terms, times, seen)


def _expanded(terms: np.ndarray, times: np.ndarray, seen: np.ndarray, strata: np.ndarray) -> _Parts:
    order = np.lexsort((-times, strata))
    ordered, side = times[order], strata[order]
    start = np.searchsorted(side, side, side="left")
    event = np.flatnonzero(seen[order])
    keys = np.column_stack([side[event], ordered[event]])
    _, tied, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    tied = tied.ravel()
    rank = np.zeros(event.size)
    by_set = np.argsort(tied, kind="stable")
    begins = np.concatenate([[0], np.cumsum(counts)])[:-1]
    rank[by_set] = np.arange(event.size) - np.repeat(begins, counts)
    # In a stratum times fall: at risk are all from its start to the last with a time as long.
    last = np.zeros(event.size, dtype=int)
    for stratum in np.unique(side):
        own = np.flatnonzero(side == stratum)
        mine = side[event] == stratum
        rising = -ordered[own]
        place = np.searchsorted(rising, -ordered[event[mine]], side="right") - 1
        last[mine] = own[0] + place
    return _Parts(order, start[event], last, event, tied, rank / counts[tied], ordered[event])


def _sums(
    terms: np.ndarray, beta: np.ndarray, parts: _Parts, base: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return at each event the sums of risk, risk x term and risk x term x term at risk."""
    x = terms[parts.order]
    score = x @ beta + (0.0 if base is None else base[parts.order])
    weight = np.exp(np.clip(score, -_FURTHEST, _FURTHEST))
    columns = np.column_stack(
        [
            weight,
            weight[:, None] * x,
            weight[:, None] * (x[:, :, None] * x[:, None, :]).reshape(len(x), -1),
        ]
    )
    running = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(columns, axis=0)])
    at_risk = running[parts.last + 1] - running[parts.start]
    sets = np.zeros((int(parts.tied.max()) + 1 if parts.tied.size else 0, columns.shape[1]))
    np.add.at(sets, parts.tied, columns[parts.event])
    found = at_risk - parts.share[:, None] * sets[parts.tied]
    p = x.shape[1]
    return found[:, 0], found[:, 1 : 1 + p], found[:, 1 + p :].reshape(-1, p, p)


def _likelihood(
    terms: np.ndarray, beta: np.ndarray, parts: _Parts, base: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    first, second, third = _sums(terms, beta, parts, base)
    own = terms[parts.order][parts.event]
    first = np.maximum(first, np.exp(-_FURTHEST))
    means = second / first[:, None]
    value = float((own @ beta + base[parts.order][parts.event] - np.log(first)).sum())
    information = (third / first[:, None, None] - means[:, :, None] * means[:, None, :]).sum(axis=0)
    return value, (own - means).sum(axis=0), information
