"""Small logistic regressions by Newton's method, many bootstrap weightings at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["LogisticFit", "fit_logistic", "log_odds"]

_MOST_STEPS = 40
_CONVERGED = 1e-8
_LARGEST_SCORE = 30.0  # beyond this the classes are separated and the maximum lies at infinity
_CLIP = 1e-6


class LogisticFit(NamedTuple):
    """Coefficients (b, k), their covariances (b, k, k) and whether each fit converged (b,)."""

    coefficients: np.ndarray
    covariances: np.ndarray
    converged: np.ndarray


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Return log(p / (1 - p)); probabilities are first kept within 1e-6 of 0 and 1."""
    kept = np.clip(probability, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def fit_logistic(
    design: np.ndarray,
    y: np.ndarray,
    *,
    offset: np.ndarray | float = 0.0,
    weights: np.ndarray | None = None,
    ridge: np.ndarray | float = 0.0,
) -> LogisticFit:
    """Fit one logistic regression per row of ``weights``, all on one design.

    Parameters
    ----------
    design : ndarray of shape (n, k)
        With its column of ones.
    y : ndarray of shape (n,)
        0 or 1.
    offset : float or ndarray of shape (n,)
    weights : ndarray of shape (b, n), optional
        How often each bootstrap replicate holds each patient; default one fit with ones.
    ridge : float or ndarray of shape (k,)
        Penalty on the squares of the coefficients.

    Returns
    -------
    LogisticFit
        A fit whose classes are separated doesn't converge.
    """
    counts = np.ones((1, y.size)) if weights is None else weights
    k = design.shape[1]
    penalty = np.broadcast_to(np.asarray(ridge, dtype=float), (k,))
    beta = np.zeros((counts.shape[0], k))
    change = np.full(counts.shape[0], np.inf)
    hessian = np.broadcast_to(np.eye(k), (counts.shape[0], k, k))
    for _ in range(_MOST_STEPS):
        score = np.clip(beta @ design.T + offset, -_LARGEST_SCORE, _LARGEST_SCORE)
        chance = 1 / (1 + np.exp(-score))
        gradient = (counts * (y - chance)) @ design - penalty * beta
        curvature = counts * chance * (1 - chance)
        hessian = np.einsum("bn,ni,nj->bij", curvature, design, design, optimize=True)
        hessian = hessian + np.diag(penalty + 1e-10)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        # A long step is one towards infinity or over a flat part: shorten, keep the direction.
        length = np.abs(step).max(axis=1, keepdims=True)
        step = step / np.maximum(1.0, length / 4.0)
        beta = beta + step
        change = np.abs(step).max(axis=1)
        if (change < _CONVERGED).all():
            break
    reach = np.abs(beta @ design.T).max(axis=1)
    converged = (change < 1e-6) & (reach < _LARGEST_SCORE) & np.isfinite(beta).all(axis=1)
    return LogisticFit(beta, np.linalg.inv(hessian), converged)
