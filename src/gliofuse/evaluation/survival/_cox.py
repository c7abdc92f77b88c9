"""Cox regression on a term or three, for slopes, hazard ratios and smooth calibration.

Efron's ties, strata, Newton's method with halved steps on the likelihood of
:mod:`gliofuse.survival`: many small fits without the ceremony of a model for patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofuse.survival._partial_likelihood import PartialLikelihood

__all__ = ["CoxFit", "fit_cox"]

_STEPS = 40
_STRIDE = 5.0  # of a standardised term
_NOTHING = 1e-10  # information on a standardised term that is the same in every risk set
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
        likelihood = PartialLikelihood(self._times, self._seen)
        score = self._terms @ self.coefficients
        sets = likelihood.risk_sets(score)
        early = likelihood.time[likelihood.deaths] <= time
        jumps = np.exp(-score.max()) / sets.denominator[early]
        means = likelihood.means(sets, self._terms[likelihood.order])[early]
        risk = np.exp(terms @ self.coefficients)
        drift = terms * jumps.sum() - jumps @ means
        spread = np.einsum("ij,jk,ik->i", drift, self.covariance, drift)
        return np.exp(-jumps.sum() * risk), np.sqrt((np.square(jumps).sum() + spread) * risk**2)


def fit_cox(
    terms: np.ndarray,
    times: np.ndarray,
    seen: np.ndarray,
    *,
    stratum: np.ndarray | None = None,
) -> CoxFit | None:
    """Return the fit of the terms' columns; None where no event tells anything of them.

    Parameters
    ----------
    terms : ndarray of shape (n, p)
    times : ndarray of shape (n,)
    seen : ndarray of bool, shape (n,)
    stratum : ndarray of int, shape (n,), optional
        Each has a baseline of its own.

    References
    ----------
    Efron B. J Am Stat Assoc 1977; 72: 557-565.
    """
    spread = terms.std(axis=0)
    if not seen.any() or not (spread > 1e-12).all():
        return None
    scaled = (terms - terms.mean(axis=0)) / spread
    strata = np.zeros(len(terms), dtype=int) if stratum is None else stratum
    parts = [
        (PartialLikelihood(times[own], seen[own]), scaled[own])
        for own in (strata == one for one in np.unique(strata))
        if seen[own].any()
    ]
    beta = np.zeros(terms.shape[1])
    value, score, information = _likelihood(parts, beta)
    converged = False
    for _ in range(_STEPS):
        if np.diag(information).min() < _NOTHING or np.linalg.cond(information) > 1e12:
            if not beta.any():
                return None
            break
        step = np.clip(np.linalg.solve(information, score), -_STRIDE, _STRIDE)
        for _halving in range(20):
            tried = _likelihood(parts, beta + step)
            # a step too far leaves no weight in a risk set, and a likelihood that is not finite
            if np.isfinite(tried[0]) and tried[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        else:
            break
        moved = float(np.abs(step).max())
        beta, (value, score, information) = beta + step, tried
        if np.abs(beta).max() > _STEEPEST:
            break
        if moved < 1e-10:
            converged = True
            break
    covariance = np.full((beta.size, beta.size), np.nan)
    if converged:
        covariance = np.linalg.inv(information) / np.outer(spread, spread)
    return CoxFit(beta / spread, covariance, converged, terms, times, seen)


def _likelihood(
    parts: list[tuple[PartialLikelihood, np.ndarray]], beta: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return log-likelihood, gradient and information over the strata."""
    found = [own.gradient_information(terms @ beta, terms) for own, terms in parts]
    values, scores, informations = zip(*found)
    return sum(values), np.sum(scores, axis=0), np.sum(informations, axis=0)
