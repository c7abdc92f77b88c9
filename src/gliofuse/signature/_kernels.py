"""Elastic-net logistic regression and the LASSO along a path of penalties, compiled.

The objective is scikit-learn's, written with ``lambda = 1 / C``::

    sum_i s_i * (log(1 + exp(eta_i)) - y_i * eta_i)
        + lambda * (l1_ratio * ||beta||_1 + (1 - l1_ratio) / 2 * ||beta||_2^2)

with ``eta = b + X beta``, sample weights ``s`` and an intercept ``b`` that is not penalised.

Each penalty is solved by a proximal Newton method (Friedman, Hastie and Tibshirani 2010, J Stat
Softw 33(1)): the loss is replaced by its quadratic expansion, coordinate descent over the columns
that break the optimality conditions minimises it, and a line search on the true objective makes
the step safe. Coordinate descent crawls where the penalty is small and classes are nearly
separable; after a few passes the quadratic is therefore solved directly on the non-zero columns
with their signs held, stopping at the first coefficient that would cross zero. The next, smaller
penalty starts from the last solution.

The LASSO on a 0/1 label takes the same quadratic solver with unit weights.

Pure functions: float64 arrays in, arrays out, trusted by their caller.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["PenaltyPath", "elastic_net_path", "lasso_path"]

# Sums may be reordered (SIMD), but infinities and NaN keep their meaning.
_FAST = {"reassoc", "contract", "nsz", "arcp"}

#: coordinate passes before the direct solve, and rounds of both for one quadratic
_PASSES = 16
_ROUNDS = 30
#: the quadratic is solved to this share of the current violation
_FORCING = 0.02
_WEIGHT_FLOOR = 1e-10


@njit(cache=True, nogil=True, fastmath=_FAST)
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True, fastmath=_FAST)
def _weighted_square(w, x):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(w.size):
        total += w[i] * x[i] * x[i]
    return total


@njit(cache=True, nogil=True, fastmath=_FAST)
def _take_off(q, w, x, step):  # type: ignore[no-untyped-def]
    """``q -= step * w * x`` in place."""
    for i in range(q.size):
        q[i] -= step * w[i] * x[i]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _add(total, factor, x):  # type: ignore[no-untyped-def]
    """``total += factor * x`` in place."""
    for i in range(total.size):
        total[i] += factor * x[i]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _loss(eta, y, s):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(eta.size):
        e = eta[i]
        soft = e + np.log1p(np.exp(-e)) if e > 0.0 else np.log1p(np.exp(e))
        total += s[i] * (soft - y[i] * e)
    return total


@njit(cache=True, nogil=True)
def _penalty(beta, l1, l2):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(beta.size):
        b = beta[j]
        if b != 0.0:
            total += l1 * abs(b) + 0.5 * l2 * b * b
    return total


@njit(cache=True, nogil=True)
def _gather(xt, w, q, support, m, moves, change):  # type: ignore[no-untyped-def]
    """Write the change of eta that ``moves`` and the best intercept make; return the latter."""
    change[:] = 0.0
    for k in range(m):
        if moves[k] != 0.0:
            _add(change, moves[k], xt[support[k]])
    step = (q.sum() - _dot(w, change)) / w.sum()
    change += step
    return step


@njit(cache=True, nogil=True)
def _quadratic_gain(w, q, change, cand, support, m, moves, l1, l2):  # type: ignore[no-untyped-def]
    """Return the change of the penalised quadratic; negative is better."""
    gain = 0.5 * _weighted_square(w, change) - _dot(q, change)
    for k in range(m):
        old = cand[support[k]]
        new = old + moves[k]
        gain += l1 * (abs(new) - abs(old)) + 0.5 * l2 * (new * new - old * old)
    return gain


@njit(cache=True, nogil=True)
def _direct_step(xt, w, q, l1, l2, cand, support, m):  # type: ignore[no-untyped-def]
    """Solve the quadratic on ``support[:m]`` with signs held; return the intercept's step.

    The intercept is profiled out by centring the columns with the weights ``w``. With more
    columns than patients the system is turned round (Woodbury) to patients x patients.
    ``cand`` and ``q`` are updated in place, up to the first sign change.
    """
    n = w.size
    total = w.sum()
    root = np.sqrt(w)
    q_sum = q.sum()
    a = np.empty((m, n))
    means = np.empty(m)
    rhs = np.empty(m)
    trace = 0.0
    for k in range(m):
        j = support[k]
        x = xt[j]
        mean = _dot(w, x) / total
        means[k] = mean
        for i in range(n):
            a[k, i] = root[i] * (x[i] - mean)
        trace += _dot(a[k], a[k])
        rhs[k] = _dot(x, q) - l2 * cand[j] - l1 * np.sign(cand[j]) - mean * q_sum
    # a pure lasso with dependent columns has no curvature along them: a trace of ridge
    ridge = max(l2, 1e-11 * trace / m + 1e-300)
    if m <= n:
        gram = np.dot(a, a.T)
        for k in range(m):
            gram[k, k] += ridge
        delta = np.linalg.solve(gram, rhs)
    else:
        inner = np.dot(a.T, a)
        for i in range(n):
            inner[i, i] += ridge
        delta = (rhs - np.dot(a, np.linalg.solve(inner, np.dot(a.T, rhs)))) / ridge
    # First try: the whole step, with coefficients that would change sign put to zero. Should
    # that not lower the quadratic: the step up to the first such coefficient, which always does.
    step = 1.0
    crossing = -1
    moves = delta.copy()
    for k in range(m):
        now = cand[support[k]]
        if l1 > 0.0 and now * (now + delta[k]) <= 0.0:
            moves[k] = -now
            limit = -now / delta[k]
            if limit < step:
                step = limit
                crossing = k
    change = np.empty(n)
    intercept_step = _gather(xt, w, q, support, m, moves, change)
    if crossing >= 0 and _quadratic_gain(w, q, change, cand, support, m, moves, l1, l2) >= 0.0:
        for k in range(m):
            moves[k] = step * delta[k]
        moves[crossing] = -cand[support[crossing]]
        intercept_step = _gather(xt, w, q, support, m, moves, change)
    for k in range(m):
        j = support[k]
        cand[j] = 0.0 if moves[k] == -cand[j] else cand[j] + moves[k]
    for i in range(n):
        q[i] -= w[i] * change[i]
    return intercept_step


@njit(cache=True, nogil=True)
def _coordinate_pass(xt, w, q, curvature, l1, l2, cand, columns, count):  # type: ignore[no-untyped-def]
    """One pass of coordinate descent; return the largest gradient that it removed."""
    largest = 0.0
    for k in range(count):
        j = columns[k]
        h = curvature[j]
        if h + l2 <= 0.0:
            continue
        old = cand[j]
        target = _dot(xt[j], q) + h * old
        if target > l1:
            new = (target - l1) / (h + l2)
        elif target < -l1:
            new = (target + l1) / (h + l2)
        else:
            new = 0.0
        move = new - old
        if move != 0.0:
            cand[j] = new
            _take_off(q, w, xt[j], move)
            largest = max(largest, abs(move) * (h + l2))
    return largest


@njit(cache=True, nogil=True)
def _quadratic(xt, w, q, l1, l2, cand, working, count, goal):  # type: ignore[no-untyped-def]
    """Minimise the quadratic over the working columns, in place; return the intercept's move."""
    n = w.size
    total = w.sum()
    curvature = np.zeros(xt.shape[0])
    for k in range(count):
        j = working[k]
        curvature[j] = _weighted_square(w, xt[j])
    columns = working.copy()
    active = count
    moved = 0.0
    for _ in range(_ROUNDS):
        for sweep in range(_PASSES):
            largest = _coordinate_pass(xt, w, q, curvature, l1, l2, cand, columns, active)
            q_sum = q.sum()
            step = q_sum / total
            for i in range(n):
                q[i] -= step * w[i]
            moved += step
            largest = max(largest, abs(q_sum))
            if sweep == 0:  # columns that stay at zero are looked at again by the caller
                kept = 0
                for k in range(active):
                    if cand[columns[k]] != 0.0:
                        columns[kept] = columns[k]
                        kept += 1
                active = kept
            if largest <= goal:
                return moved
        m = 0
        for k in range(active):
            if cand[columns[k]] != 0.0:
                columns[m] = columns[k]
                m += 1
        active = m
        if m == 0:
            return moved
        moved += _direct_step(xt, w, q, l1, l2, cand, columns, m)
    return moved


@njit(cache=True, nogil=True)
def _solve(xt, y, s, l1, l2, beta, intercept, eta, tolerance, max_iter):  # type: ignore[no-untyped-def]
    """Solve one penalty from a warm start, ``beta`` and ``eta`` in place."""
    p, n = xt.shape
    q = np.empty(n)
    w = np.empty(n)
    working = np.empty(p, dtype=np.int64)
    violation = np.inf
    value = _loss(eta, y, s) + _penalty(beta, l1, l2)
    for iteration in range(max_iter + 1):
        for i in range(n):
            prob = 1.0 / (1.0 + np.exp(-eta[i]))
            q[i] = s[i] * (y[i] - prob)
            w[i] = s[i] * max(prob * (1.0 - prob), _WEIGHT_FLOOR)
        violation = abs(q.sum())
        count = 0
        for j in range(p):
            gradient = _dot(xt[j], q)
            if beta[j] != 0.0:
                excess = abs(gradient - l2 * beta[j] - l1 * np.sign(beta[j]))
                working[count] = j
                count += 1
            else:
                excess = abs(gradient) - l1
                if excess > 0.0:
                    working[count] = j
                    count += 1
            violation = max(violation, excess)
        if violation <= tolerance or iteration == max_iter:
            return intercept, iteration, violation
        cand = beta.copy()
        intercept_move = _quadratic(
            xt, w, q, l1, l2, cand, working, count, max(_FORCING * violation, 0.2 * tolerance)
        )
        direction = np.full(n, intercept_move)
        for j in range(p):
            move = cand[j] - beta[j]
            if move != 0.0:
                x = xt[j]
                for i in range(n):
                    direction[i] += move * x[i]
        step = 1.0
        accepted = False
        for _ in range(30):
            trial = eta + step * direction
            trial_beta = beta + step * (cand - beta) if step < 1.0 else cand
            trial_value = _loss(trial, y, s) + _penalty(trial_beta, l1, l2)
            if trial_value <= value + 1e-13 * abs(value):
                accepted = True
                break
            step *= 0.5
        if not accepted:  # rounding is all that is left to gain
            return intercept, iteration, violation
        eta[:] = trial
        beta[:] = trial_beta
        intercept += step * intercept_move
        value = trial_value
    return intercept, max_iter, violation


@njit(cache=True, nogil=True)
def _path(xt, y, s, lambdas, l1_ratio, tolerances, max_iter):  # type: ignore[no-untyped-def]
    p, n = xt.shape
    count = lambdas.size
    coefficients = np.zeros((count, p))
    intercepts = np.zeros(count)
    iterations = np.zeros(count, dtype=np.int64)
    violations = np.zeros(count)
    share = _dot(s, y) / s.sum()
    intercept = np.log(share / (1.0 - share))
    beta = np.zeros(p)
    eta = np.full(n, intercept)
    for k in range(count):
        l1 = lambdas[k] * l1_ratio
        l2 = lambdas[k] * (1.0 - l1_ratio)
        intercept, iterations[k], violations[k] = _solve(
            xt, y, s, l1, l2, beta, intercept, eta, tolerances[k], max_iter
        )
        coefficients[k] = beta
        intercepts[k] = intercept
    return coefficients, intercepts, iterations, violations


@njit(cache=True, nogil=True)
def _squared_path(xt, y, penalties, tolerances, max_iter, enough):  # type: ignore[no-untyped-def]
    p, n = xt.shape
    count = penalties.size
    coefficients = np.zeros((count, p))
    iterations = np.zeros(count, dtype=np.int64)
    violations = np.zeros(count)
    beta = np.zeros(p)
    q = y - y.mean()
    floor = enough * _dot(q, q)
    w = np.ones(n)
    working = np.empty(p, dtype=np.int64)
    for k in range(count):
        l1 = penalties[k]
        for iteration in range(max_iter + 1):
            violation = abs(q.sum())
            chosen = 0
            for j in range(p):
                gradient = _dot(xt[j], q)
                if beta[j] != 0.0:
                    excess = abs(gradient - l1 * np.sign(beta[j]))
                else:
                    excess = abs(gradient) - l1
                if beta[j] != 0.0 or excess > 0.0:
                    working[chosen] = j
                    chosen += 1
                violation = max(violation, excess)
            violations[k] = violation
            iterations[k] = iteration
            if violation <= tolerances[k] or iteration == max_iter:
                break
            goal = max(_FORCING * violation, 0.2 * tolerances[k])
            _quadratic(xt, w, q, l1, 0.0, beta, working, chosen, goal)
        coefficients[k] = beta
        if _dot(q, q) < floor:
            coefficients[k + 1 :] = beta
            break
    return coefficients, iterations, violations


class PenaltyPath(NamedTuple):
    """Solutions along the penalties: coefficients (penalties, features), the rest (penalties,)."""

    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    converged: NDArray[np.bool_]
    iterations: NDArray[np.int64]


def elastic_net_path(
    x: NDArray[np.float64],
    y: NDArray[Any],
    sample_weight: NDArray[np.float64],
    lambdas: NDArray[np.float64],
    l1_ratio: float,
    *,
    tol: float = 1e-4,
    max_iter: int = 100,
) -> PenaltyPath:
    """Solve the elastic-net logistic regression for each penalty, each warm-started by the last.

    Parameters
    ----------
    x : ndarray of shape (patients, features)
    y : ndarray of shape (patients,)
        Targets in 0..1 (fractions allowed), neither all 0 nor all 1.
    sample_weight : ndarray of shape (patients,)
        Positive.
    lambdas : ndarray of shape (penalties,)
        In descending order; ``lambda = 1 / C`` of scikit-learn.
    l1_ratio : float
        0 (ridge) to 1 (lasso).
    tol : float
        A penalty is solved when no optimality condition is broken by more than ``tol * lambda``
        (``tol`` alone where lambda is 0).
    max_iter : int
        Newton steps per penalty.

    Returns
    -------
    PenaltyPath
    """
    # Centring changes the intercept only (it is not penalised) and uncouples it from the columns.
    centre = np.average(x, axis=0, weights=sample_weight)
    xt = np.ascontiguousarray((x - centre).T, dtype=np.float64)
    lambdas = np.asarray(lambdas, dtype=np.float64)
    # below this a gradient is rounding
    noise = (
        64 * np.finfo(float).eps * float(sample_weight.sum()) * max(1.0, float(np.abs(xt).max()))
    )
    tolerances = np.maximum(tol * np.where(lambdas > 0, lambdas, 1.0), noise)
    coefficients, intercepts, iterations, violations = _path(
        xt,
        np.asarray(y, dtype=np.float64),
        np.asarray(sample_weight, dtype=np.float64),
        lambdas,
        float(l1_ratio),
        tolerances,
        max_iter,
    )
    return PenaltyPath(
        coefficients,
        intercepts - coefficients @ centre,
        violations <= tolerances,
        iterations,
    )


def lasso_path(
    x: NDArray[np.float64],
    y: NDArray[Any],
    penalties: NDArray[np.float64],
    *,
    tol: float = 1e-4,
    max_iter: int = 1000,
    enough: float = 0.0,
) -> PenaltyPath:
    """Solve the LASSO ``sum (y - b - X beta)^2 / (2 n) + penalty * ||beta||_1`` for each penalty.

    Parameters
    ----------
    x : ndarray of shape (patients, features)
    y : ndarray of shape (patients,)
    penalties : ndarray of shape (penalties,)
        Positive, in descending order; ``alpha`` of scikit-learn's ``Lasso``.
    tol : float
        No optimality condition is broken by more than ``tol`` times the penalty.
    max_iter : int
        Rounds over the columns that break a condition, per penalty.
    enough : float
        The path ends, and its last solution stands for the smaller penalties, once the squared
        residuals are below this share of those of the mean alone.

    Returns
    -------
    PenaltyPath
    """
    centre = x.mean(axis=0)
    xt = np.ascontiguousarray((x - centre).T, dtype=np.float64)
    target = np.asarray(y, dtype=np.float64)
    totals = np.asarray(penalties, dtype=np.float64) * target.size
    noise = 64 * np.finfo(float).eps * target.size * max(1.0, float(np.abs(xt).max()))
    tolerances = np.maximum(tol * totals, noise)
    coefficients, iterations, violations = _squared_path(
        xt, target, totals, tolerances, max_iter, float(enough)
    )
    return PenaltyPath(
        coefficients,
        target.mean() - coefficients @ centre,
        violations <= tolerances,
        iterations,
    )
