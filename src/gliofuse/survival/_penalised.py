"""Cox regression with an elastic net, by a proximal Newton method.

The objective is that of R's glmnet, on columns as they are given (standardise them first)::

    -log_likelihood(X b + offset) / patients
        + sum_j penalty_j * (l1_ratio * |b_j| + (1 - l1_ratio) / 2 * b_j^2)

The likelihood is replaced by its quadratic expansion on the columns that break the optimality
conditions, coordinate descent minimises that (a plain solve where nothing is to be exactly zero),
and a line search on the true objective makes the step safe.

References
----------
Simon, Friedman, Hastie and Tibshirani 2011, J Stat Softw 39(5):1-13; Lee, Sun and Saunders 2014,
SIAM J Optim 24:1420-1443.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from gliofuse.survival._checks import Float
from gliofuse.survival._partial_likelihood import PartialLikelihood

__all__ = ["PenalisedFit", "largest_penalty", "penalised_fit", "penalised_path"]

_SWEEPS = 1000


class PenalisedFit(NamedTuple):
    """A solution; the log-likelihood is without the penalty."""

    coefficients: Float
    log_likelihood: float
    converged: bool


@njit(cache=True, nogil=True)
def _quadratic(hessian, gradient, start, l1, l2, tolerance, sweeps):  # type: ignore[no-untyped-def]
    """Minimise the penalised quadratic by coordinate descent; return the coefficients."""
    b = start.copy()
    slope = gradient.copy()
    for _ in range(sweeps):
        largest = 0.0
        for j in range(b.size):
            curvature = hessian[j, j] + l2[j]
            if curvature <= 0.0:
                continue
            pull = hessian[j, j] * b[j] - slope[j]
            size = abs(pull) - l1[j]
            new = 0.0 if size <= 0.0 else np.sign(pull) * size / curvature
            step = new - b[j]
            if step != 0.0:
                b[j] = new
                slope += step * hessian[j]
                largest = max(largest, abs(step) * curvature)
        if largest <= tolerance:
            break
    return b


def _violations(gradient: Float, b: Float, l1: Float, l2: Float) -> Float:
    """Return by how much each column breaks its optimality condition."""
    slope = gradient + l2 * b
    return np.where(b != 0, np.abs(slope + l1 * np.sign(b)), np.maximum(np.abs(slope) - l1, 0.0))


def penalised_fit(
    likelihood: PartialLikelihood,
    X: Float,
    l1: Float,
    l2: Float,
    *,
    offset: Float | None = None,
    start: Float | None = None,
    tol: float = 1e-9,
    max_iter: int = 100,
) -> PenalisedFit:
    """Return the solution for the columns' penalties ``l1`` and ``l2`` (terms,).

    ``tol`` is on the largest violation of an optimality condition.
    """
    n = len(X)
    Z = X[likelihood.order]
    fixed = np.zeros(n) if offset is None else offset
    b = np.zeros(X.shape[1]) if start is None else start.copy()

    def penalty(at: Float) -> float:
        return float(l1 @ np.abs(at) + 0.5 * l2 @ at**2)

    sets = likelihood.risk_sets(X @ b + fixed)
    value = penalty(b) - sets.log_likelihood / n
    for _ in range(max_iter):
        gradient = -(Z.T @ (likelihood.event - sets.expected)) / n
        broken = _violations(gradient, b, l1, l2)
        if broken.max(initial=0.0) <= tol:
            return PenalisedFit(b, sets.log_likelihood, True)
        work = np.flatnonzero((b != 0) | (broken > 0))
        hessian = likelihood.information(sets, np.ascontiguousarray(Z[:, work])) / n
        if not l1[work].any():
            curved = hessian + np.diag(l2[work] + 1e-12)
            new = b[work] - np.linalg.solve(curved, gradient[work] + l2[work] * b[work])
        else:
            goal = max(0.1 * tol, 1e-3 * broken.max())
            new = _quadratic(hessian, gradient[work], b[work], l1[work], l2[work], goal, _SWEEPS)
        move = np.zeros_like(b)
        move[work] = new - b[work]
        size = 1.0
        while size > 1e-10:
            trial = b + size * move
            trial_sets = likelihood.risk_sets(X @ trial + fixed)
            trial_value = penalty(trial) - trial_sets.log_likelihood / n
            if np.isfinite(trial_value) and trial_value <= value + 1e-13 * abs(value):
                break
            size *= 0.5
        else:
            return PenalisedFit(b, sets.log_likelihood, bool(broken.max() <= 1e3 * tol))
        b, sets, value = trial, trial_sets, trial_value
    return PenalisedFit(b, sets.log_likelihood, False)


def largest_penalty(
    likelihood: PartialLikelihood, X: Float, l1_ratio: float, offset: Float | None = None
) -> float:
    """Return the smallest penalty at which every coefficient is zero.

    A ridge has none: as in glmnet, that of ``l1_ratio = 0.001`` stands for it.
    """
    eta = np.zeros(len(X)) if offset is None else offset
    gradient = X.T @ likelihood.martingale(eta)
    return float(np.abs(gradient).max(initial=0.0) / len(X) / max(l1_ratio, 1e-3))


def penalised_path(
    likelihood: PartialLikelihood,
    X: Float,
    penalties: Float,
    l1_ratio: float,
    *,
    offset: Float | None = None,
    tol: float = 1e-7,
) -> tuple[Float, int]:
    """Return the coefficients (penalties, terms), each started from the one before.

    A ridge on more columns than patients is solved in the space that the patients span. Also
    returned is how many solutions did not converge.
    """
    if l1_ratio == 0 and X.shape[1] > len(X):
        left, sizes, right = np.linalg.svd(X, full_matrices=False)
        own, failed = penalised_path(
            likelihood, left * sizes, penalties, 0.0, offset=offset, tol=tol
        )
        return own @ right, failed
    path = np.zeros((penalties.size, X.shape[1]))
    start = np.zeros(X.shape[1])
    failed = 0
    for row, penalty in enumerate(penalties):
        l1 = np.full(start.size, penalty * l1_ratio)
        l2 = np.full(start.size, penalty * (1 - l1_ratio))
        fit = penalised_fit(likelihood, X, l1, l2, offset=offset, start=start, tol=tol)
        failed += not fit.converged
        start = path[row] = fit.coefficients
    return path, failed
