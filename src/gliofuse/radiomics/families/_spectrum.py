"""The second largest eigenvalue behind GLCM's maximal correlation coefficient."""

from __future__ import annotations

import numpy as np

from gliofuse.radiomics._kernel import kernel

__all__ = ["maximal_correlation", "maximal_correlation_exactly", "needs_every_digit"]

_EPSILON = 2.0**-52


def needs_every_digit(p: np.ndarray) -> bool:
    """Whether a pair of levels is so rare that epsilon's first order does not describe it.

    Distances in mm as weights do that: across slices of 5 mm they are below 1e-10.
    """
    product = np.outer(p.sum(axis=1), p.sum(axis=0))
    return bool((product[p > 0] < 1e-9).any())


def maximal_correlation_exactly(p: np.ndarray) -> float:
    """Return what :func:`maximal_correlation` does, by all eigenvalues of Q as it stands."""
    product = np.outer(p.sum(axis=1), p.sum(axis=0))
    eigenvalues = np.sort(np.linalg.eigvals((p / (product + _EPSILON)) @ p.T))
    return float(np.sqrt(max(eigenvalues[-2].real, 0.0)))


@kernel
def maximal_correlation(p: np.ndarray, px: np.ndarray, py: np.ndarray) -> float:
    """Return the square root of the second largest eigenvalue of Q.

    ``Q[i, j] = sum_k p[i, k] p[j, k] / (px[i] py[k] + eps)``. Without eps, Q is similar to
    ``B B'`` with ``B = p / sqrt(px py)``, whose largest singular value is 1 and has the vectors
    ``sqrt(px)`` and ``sqrt(py)``. That pair is taken away and the largest remaining value is found
    by Lanczos' iteration; eps then enters by first-order perturbation. It matters: for rare levels
    px py comes near 1e-10, and the change near 1e-6.
    """
    eps = 2.0**-52
    k = len(px)
    if k < 2:
        return 1.0
    used = 0
    root_x, root_y = np.sqrt(px), np.sqrt(py)
    b = np.zeros((k, k))
    for i in range(k):
        used += px[i] > 0
        for j in range(k):
            if p[i, j] > 0:
                b[i, j] = p[i, j] / (root_x[i] * root_y[j])
            b[i, j] -= root_x[i] * root_y[j]
    if used < 2:
        return 0.0
    value, vector = _largest(b)
    if value <= 0:
        return 0.0
    # left and right vectors of Q are sqrt(px) u and u / sqrt(px)
    seen = np.zeros(k)
    for j in range(k):
        if px[j] > 0:
            w = vector[j] / root_x[j]
            for c in range(k):
                seen[c] += p[j, c] * w
    change = 0.0
    for i in range(k):
        for c in range(k):
            if p[i, c] > 0:
                product = px[i] * py[c]
                weight = 1 / (product + eps) - 1 / product
                change += root_x[i] * vector[i] * p[i, c] * weight * seen[c]
    return np.sqrt(max(value + change, 0.0))


@kernel
def _largest(b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the largest eigenvalue of ``b b'`` and its vector.

    Lanczos' iteration with full reorthogonalisation: exact after as many steps as rows.
    """
    k = len(b)
    basis = np.empty((k + 1, k))  # mostly never touched: few steps are enough
    diagonal, beside = np.zeros(k), np.zeros(k + 1)
    for i in range(k):  # no structure that a start vector could be orthogonal to by chance
        basis[0, i] = 1.0 + 0.5 * np.sin(1.0 + 2.39996 * i)
    basis[0] /= np.sqrt((basis[0] * basis[0]).sum())
    forward = np.empty(k)
    value = 0.0
    weights = np.zeros(k)
    for step in range(k):
        forward[:] = 0.0
        for i in range(k):
            x = basis[step, i]
            for j in range(k):
                forward[j] += b[i, j] * x
        w = basis[step + 1]
        for i in range(k):
            s = 0.0
            for j in range(k):
                s += b[i, j] * forward[j]
            w[i] = s
        s = 0.0
        for i in range(k):
            s += w[i] * basis[step, i]
        diagonal[step] = s
        for _ in range(2):
            for m in range(step + 1):
                s = 0.0
                for i in range(k):
                    s += w[i] * basis[m, i]
                for i in range(k):
                    w[i] -= s * basis[m, i]
        norm = 0.0
        for i in range(k):
            norm += w[i] * w[i]
        norm = np.sqrt(norm)
        beside[step + 1] = norm
        last = step == k - 1 or norm <= 1e-15
        if last or step % 3 == 2:
            value = _top_of_tridiagonal(diagonal, beside, step + 1, weights)
            # the vector's error enters the correction only, the value's is its square
            if last or norm * abs(weights[step]) <= 1e-9 * value:
                vector = np.zeros(k)
                for m in range(step + 1):
                    for i in range(k):
                        vector[i] += weights[m] * basis[m, i]
                return value, vector
        for i in range(k):
            w[i] /= norm
    return value, basis[0].copy()


@kernel
def _top_of_tridiagonal(
    diagonal: np.ndarray, beside: np.ndarray, n: int, weights: np.ndarray
) -> float:
    """Return a symmetric tridiagonal matrix's largest eigenvalue; its vector goes to ``weights``.

    ``beside[i]`` couples i - 1 and i. The value comes from bisection on Sturm's sequence, the
    vector from inverse iteration.
    """
    low, high = diagonal[0], diagonal[0]
    for i in range(n):
        reach = (beside[i] if i else 0.0) + (beside[i + 1] if i < n - 1 else 0.0)
        low = max(low, diagonal[i])
        high = max(high, diagonal[i] + reach)
    tiny = 1e-300
    for _ in range(80):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        above = False
        q = diagonal[0] - middle
        above = q > 0
        for i in range(1, n):
            if above:
                break
            if q == 0:
                q = -tiny
            q = diagonal[i] - middle - beside[i] * beside[i] / q
            above = q > 0
        if above:
            low = middle
        else:
            high = middle
    value = 0.5 * (low + high)
    # inverse iteration just above the value: T - s I is then negative definite and needs no pivots
    shift = value + 1e-13 * max(abs(value), 1e-30)
    pivot = np.empty(n)
    pivot[0] = diagonal[0] - shift
    for i in range(1, n):
        if pivot[i - 1] == 0:
            pivot[i - 1] = -tiny
        pivot[i] = diagonal[i] - shift - beside[i] * beside[i] / pivot[i - 1]
    if pivot[n - 1] == 0:
        pivot[n - 1] = -tiny
    weights[:n] = 1.0
    for _ in range(3):
        for i in range(1, n):
            weights[i] -= beside[i] / pivot[i - 1] * weights[i - 1]
        weights[n - 1] /= pivot[n - 1]
        for i in range(n - 2, -1, -1):
            weights[i] = (weights[i] - beside[i + 1] * weights[i + 1]) / pivot[i]
        norm = 0.0
        for i in range(n):
            norm = max(norm, abs(weights[i]))
        scale = 0.0
        for i in range(n):
            weights[i] /= norm
            scale += weights[i] * weights[i]
        for i in range(n):
            weights[i] /= np.sqrt(scale)
    return value
