"""Tests and residuals of the proportional-hazards assumption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.survival._checks import Float
from gliofuse.survival._partial_likelihood import PartialLikelihood

__all__ = ["scaled_schoenfeld", "score_tests"]

_TRANSFORMS = ("km", "rank", "identity", "log")


def _death_times(likelihood: PartialLikelihood, transform: str) -> Float:
    """Return the transformed time of every death, with mean 0."""
    time, deaths = likelihood.time, likelihood.deaths
    if transform == "identity":
        g = time[deaths]
    elif transform == "rank":
        g = rankdata(time)[deaths]
    elif transform == "log":
        g = np.log(np.maximum(time[deaths], np.finfo(float).tiny))
    elif transform == "km":
        at_risk = time.size - likelihood.first
        first_of_time = np.flatnonzero(np.r_[True, np.diff(likelihood.tie_group) > 0])
        died = np.diff(np.r_[first_of_time, deaths.size])
        curve = np.cumprod(1.0 - died / at_risk[first_of_time])
        g = 1.0 - np.r_[1.0, curve][likelihood.tie_group]
    else:
        raise SettingError(
            f"transform got {transform!r}; {did_you_mean(str(transform), _TRANSFORMS)}"
        )
    return np.asarray(g - g.mean())


def score_tests(
    likelihood: PartialLikelihood,
    eta: Float,
    Z: Float,
    tested: NDArray[np.bool_],
    groups: Sequence[Sequence[int]],
    *,
    transform: str,
) -> list[tuple[float, int]]:
    """Return chi-squared and degrees of freedom of each group of columns, then of all.

    The columns ``tested`` are the model's; others are held as part of ``eta``.
    """
    g = _death_times(likelihood, transform)
    where = np.full(tested.size, -1)
    where[tested] = np.arange(int(tested.sum()))
    X = Z[likelihood.order][:, tested]
    sets = likelihood.risk_sets(eta)
    means = likelihood.means(sets, X)
    score = g @ (X[likelihood.deaths] - means)
    plain = likelihood.information(sets, X)
    once = likelihood.information(sets, X, g)
    twice = likelihood.information(sets, X, g**2)
    # the part of the added columns' information that the model's own columns do not explain
    left = twice - once @ np.linalg.pinv(plain, hermitian=True) @ once
    rows = []
    for group in [*groups, range(tested.size)]:
        own = where[list(group)]
        own = own[own >= 0]
        if own.size == 0:
            rows.append((np.nan, 0))
            continue
        block = left[np.ix_(own, own)]
        if np.linalg.matrix_rank(block, hermitian=True) < own.size:
            rows.append((np.nan, own.size))  # all events at one time: nothing to see a trend by
            continue
        rows.append((float(score[own] @ np.linalg.solve(block, score[own])), own.size))
    return rows


def scaled_schoenfeld(likelihood: PartialLikelihood, eta: Float, Z: Float) -> Float:
    """Return the scaled Schoenfeld residuals (deaths, terms) without the coefficient.

    Tied deaths are compared with the mean of their time's risk-set means.
    """
    X = Z[likelihood.order]
    sets = likelihood.risk_sets(eta)
    means = likelihood.means(sets, X)
    count = np.bincount(likelihood.tie_group)
    for column in range(X.shape[1]):
        total = np.bincount(likelihood.tie_group, weights=means[:, column])
        means[:, column] = (total / count)[likelihood.tie_group]
    residual = X[likelihood.deaths] - means
    information = likelihood.information(sets, X)
    covariance = np.linalg.pinv(information, hermitian=True)
    return np.asarray(likelihood.deaths.size * residual @ covariance)
