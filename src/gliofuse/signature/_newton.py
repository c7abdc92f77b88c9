"""Logistic regression with a fixed ridge, by Newton's method, with its covariance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gliofuse.signature._common import Float

__all__ = ["LogisticFit", "ridge_logistic"]


class LogisticFit(NamedTuple):
    """A fit; ``weights`` and ``covariance`` have the intercept first."""

    weights: Float
    covariance: Float
    log_likelihood: float
    converged: bool
    iterations: int


def ridge_logistic(
    X: Float,
    y: NDArray[Any],
    *,
    ridge: float,
    sample_weight: Float | None = None,
    start: Float | None = None,
    max_iter: int = 100,
    tol: float = 1e-9,
) -> LogisticFit:
    """Maximise ``sum s_i (y_i eta_i - log(1 + exp(eta_i))) - ridge / 2 * |b|^2``.

    Parameters
    ----------
    X : ndarray of shape (patients, features)
    y : ndarray of shape (patients,)
        Targets in 0..1.
    ridge : float
        0 for maximum likelihood. The intercept is free.
    sample_weight : ndarray of shape (patients,), optional
    start : ndarray of shape (features + 1,), optional
    max_iter : int
    tol : float
        On the largest gradient, as a share of the patients.

    Returns
    -------
    LogisticFit
        The log-likelihood is without the ridge; the covariance is the inverse of the penalised
        information.
    """
    design = np.column_stack([np.ones(len(X)), X])
    s = np.ones(len(X)) if sample_weight is None else sample_weight
    penalty = np.full(design.shape[1], float(ridge))
    penalty[0] = 0.0
    weights = np.zeros(design.shape[1]) if start is None else start.astype(np.float64)
    value = _objective(design, y, s, penalty, weights)
    converged = False
    iterations = 0
    hessian = np.diag(np.ones(design.shape[1]))
    for _ in range(max_iter + 1):
        eta = design @ weights
        prob = _sigmoid(eta)
        gradient = design.T @ (s * (y - prob)) - penalty * weights
        hessian = (design.T * (s * prob * (1 - prob))) @ design + np.diag(penalty)
        if np.abs(gradient).max() <= tol * s.sum():
            converged = True
            break
        if iterations == max_iter:
            break
        iterations += 1
        step = _solve(hessian, gradient)
        size = 1.0
        while size > 1e-8:
            trial = weights + size * step
            trial_value = _objective(design, y, s, penalty, trial)
            if trial_value <= value + 1e-12 * abs(value):
                break
            size *= 0.5
        else:
            converged = bool(np.abs(gradient).max() <= 1e-6 * s.sum())
            break
        weights, value = trial, trial_value
    covariance = _solve(hessian, np.eye(len(weights)))
    log_likelihood = -_objective(design, y, s, np.zeros_like(penalty), weights)
    return LogisticFit(weights, covariance, log_likelihood, converged, max(1, iterations))


def _sigmoid(eta: Float) -> Float:
    from scipy.special import expit

    return np.asarray(expit(eta))


def _objective(design: Float, y: Any, s: Float, penalty: Float, weights: Float) -> float:
    eta = design @ weights
    return float(s @ (np.logaddexp(0.0, eta) - y * eta) + 0.5 * penalty @ weights**2)


def _solve(matrix: Float, right: Float) -> Float:
    """Solve, with a trace of ridge where dependent columns leave no curvature."""
    jitter = 1e-12 * max(float(np.trace(matrix)) / len(matrix), 1e-12)
    return np.asarray(np.linalg.solve(matrix + jitter * np.eye(len(matrix)), right))
