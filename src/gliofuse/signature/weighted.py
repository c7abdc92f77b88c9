"""Fusion of signatures by weights that are not negative and shrunk towards equal ones."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gliofuse.errors import SettingError
from gliofuse.signature._common import Float, check_binary
from gliofuse.signature._grid_logistic import LinearScorer, column_scale

__all__ = ["WeightedFusion"]

_SUM_PENALTY = 1.0
#: probabilities are kept so far from 0 and 1, so that no signature decides alone
_BOUND = 1e-4
_ITERATIONS = 100
_TOLERANCE = 1e-9


class WeightedFusion(LinearScorer):
    """Logistic regression on signatures' log-odds, with weights >= 0 shrunk towards equal ones.

    Minimises, over an intercept and weights ``w_j >= 0`` of the log-odds of signature ``j``::

        sum_i log_loss_i + penalty / 2 * sum_j (w_j - mean(w))^2 + 1 / 2 * (sum_j w_j - 1)^2

    A signature can be left out of the fusion, but never turned round: among few patients a
    negative weight is mostly chance. The stronger the penalty, the nearer the fusion is to the mean
    of the log-odds, recalibrated. The last term keeps the sum of the weights finite where the
    signatures separate the classes.

    Parameters
    ----------
    penalty : float, default=1.0
        0 or more. Fixed, since cross-validation among few patients chooses it no better.

    Attributes
    ----------
    weights_ : ndarray of shape (signatures,)
        On log-odds.
    coef_ : ndarray of shape (1, signatures)
        The same on standardised log-odds, so that those of signatures can be compared.
    intercept_ : ndarray of shape (1,)
    mean_, scale_ : ndarray of shape (signatures,)
        Of the training patients' log-odds.
    classes_ : ndarray of shape (2,)

    Notes
    -----
    ``X`` holds probabilities (patients, signatures), kept within 1e-4 of 0 and 1; the training
    patients' must be out of fold.

    References
    ----------
    Breiman 1996, Mach Learn 24:49-64 (stacking with weights that are not negative).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 40)
    >>> X = special.expit(np.c_[2 * y - 1 + rng.normal(size=80), rng.normal(size=80)])
    >>> WeightedFusion().fit(X, y).weights_.round(2).tolist()
    [2.08, 0.0]
    """

    def __init__(self, *, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on X, probabilities (patients, signatures), and y, two classes.

        Raises
        ------
        SettingError
            If X holds no probabilities, or the penalty is below 0.
        """
        X, labels, self.classes_ = check_binary(self, X, y)
        if not self.penalty >= 0:
            raise SettingError(f"penalty must be 0 or more, got {self.penalty!r}")
        scores = _log_odds(X)
        intercept, *weights = _fit(scores, labels, self.penalty)
        self.weights_ = np.array(weights)
        self.mean_, self.scale_ = column_scale(scores, True)
        self.coef_ = (self.weights_ * self.scale_)[None]
        self.intercept_ = np.array([intercept + self.weights_ @ self.mean_])
        return self

    def _columns(self, X: Float) -> Float:
        return super()._columns(_log_odds(X))


def _log_odds(X: Float) -> Float:
    if X.min() < 0 or X.max() > 1:
        raise SettingError(
            f"WeightedFusion takes probabilities from 0 to 1, got values from {X.min():g} to "
            f"{X.max():g}; give predict_proba's second column of each signature"
        )
    return np.asarray(special.logit(np.clip(X, _BOUND, 1 - _BOUND)))


def _fit(X: Float, y: NDArray[Any], penalty: float) -> Float:
    """Minimise by Newton steps on the weights that are free, projected onto weights >= 0."""
    count = X.shape[1]
    design = np.column_stack([np.ones(len(X)), X])
    curvature = np.zeros((count + 1, count + 1))
    curvature[1:, 1:] = penalty * (np.eye(count) - 1 / count) + _SUM_PENALTY
    pull = np.r_[0.0, np.full(count, _SUM_PENALTY)]  # towards a sum of 1

    def objective(weights: Float) -> float:
        eta = design @ weights
        loss = np.logaddexp(0, eta).sum() - y @ eta
        return float(loss + 0.5 * weights @ curvature @ weights - pull @ weights)

    weights = np.r_[0.0, np.full(count, 1 / count)]
    value = objective(weights)
    for _ in range(_ITERATIONS):
        chance = special.expit(design @ weights)
        gradient = design.T @ (chance - y) + curvature @ weights - pull
        free = np.r_[True, (weights[1:] > 0) | (gradient[1:] < 0)]
        if np.abs(gradient[free]).max() <= _TOLERANCE * len(X):
            break
        hessian = (design.T * (chance * (1 - chance))) @ design + curvature
        step = np.zeros(count + 1)
        step[free] = np.linalg.solve(
            hessian[np.ix_(free, free)] + 1e-10 * np.eye(int(free.sum())), gradient[free]
        )
        size = 1.0
        while size > 1e-8:
            trial = weights - size * step
            trial[1:] = np.maximum(trial[1:], 0.0)
            trial_value = objective(trial)
            if trial_value < value:
                break
            size *= 0.5
        else:
            break
        weights, value = trial, trial_value
    return weights
