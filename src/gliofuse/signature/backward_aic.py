"""Backward elimination by Akaike's information criterion."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gliofuse.errors import SettingError
from gliofuse.signature._common import Float, check_binary
from gliofuse.signature._grid_logistic import column_scale
from gliofuse.signature._newton import ridge_logistic
from gliofuse.signature._selector import LabelSelector

__all__ = ["BackwardAIC"]

#: candidates that are refitted for each step: those of least Wald statistic
_CANDIDATES = 12


class BackwardAIC(LabelSelector):
    """Drop features from a logistic regression while Akaike's criterion falls.

    ``AIC = -2 log L + 2 (k + 1)``. Each step refits without each of the twelve features of least
    Wald statistic (all of them where there are no more) and drops the one whose absence gives
    the lowest AIC, until every absence raises it; after that, while there are more than
    ``max_features``, the one that raises it least.

    Classes that the features separate have no finite maximum of the likelihood. The columns are
    therefore standardised and a small ridge, ``ridge / 2 * |b|^2``, is part of every fit, but
    not of the AIC; separated models then have a log-likelihood near 0, and features go until
    the separation would be lost or the limit is met.

    Parameters
    ----------
    max_features : int, "n/10" or None, default=None
        At most this many features; ``"n/10"`` is one for ten patients (at least 1).
    always : bool, default=True
        ``False`` leaves the features alone where there are no more than ``max_features``, as in
        the paper.
    ridge : float, default=0.01

    Attributes
    ----------
    support_ : ndarray of bool, shape (features,)
    aic_ : float
        Of the kept features.
    steps_ : DataFrame
        dropped (column number), aic (after the step); the first row, with -1, is the full model.
    max_features_ : int or None
        The limit in numbers.

    References
    ----------
    Akaike 1974, IEEE Trans Autom Control 19:716-723. Liu et al. 2024, Quant Imaging Med Surg
    14:251-263 (t-test, LASSO, then this).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> y = (X[:, 1] + rng.normal(size=100) > 0).astype(int)
    >>> BackwardAIC(max_features=1).fit(X, y).get_support()
    array([False,  True, False])
    """

    def __init__(
        self,
        max_features: int | Literal["n/10"] | None = None,
        *,
        always: bool = True,
        ridge: float = 0.01,
    ) -> None:
        self.max_features = max_features
        self.always = always
        self.ridge = ridge

    def fit(self, X: Any, y: Any = None) -> Self:
        """Eliminate on X (patients, features), y two classes."""
        X, labels, self.classes_ = check_binary(self, X, y)
        if self.ridge <= 0:
            raise SettingError(
                f"ridge must be above 0 (it keeps separated classes finite), got {self.ridge!r}"
            )
        limit = self.max_features_ = self._limit(labels.size)
        mean, scale = column_scale(X, True)
        Z = (X - mean) / scale
        columns = np.flatnonzero(X.max(axis=0) > X.min(axis=0))
        if columns.size == 0:
            columns = np.array([0])
        elif not self.always and limit is not None and columns.size <= limit:
            columns = np.arange(X.shape[1])
        with threadpool_limits(1):
            fit = ridge_logistic(Z[:, columns], labels, ridge=self.ridge)
            aic = _aic(fit.log_likelihood, columns.size)
            dropped, criteria = [-1], [aic]
            search = self.always or (limit is not None and columns.size > limit)
            while search and columns.size > 1:
                candidates = np.argsort(_wald(fit.weights, fit.covariance), kind="stable")
                best: tuple[float, int, Any] | None = None
                for k in candidates[:_CANDIDATES]:
                    rest = np.delete(columns, k)
                    start = np.delete(fit.weights, k + 1)
                    trial = ridge_logistic(Z[:, rest], labels, ridge=self.ridge, start=start)
                    trial_aic = _aic(trial.log_likelihood, rest.size)
                    if best is None or trial_aic < best[0]:
                        best = (trial_aic, int(k), trial)
                assert best is not None  # there is always a candidate
                if best[0] >= aic and (limit is None or columns.size <= limit):
                    break
                aic, k, fit = best
                dropped.append(int(columns[k]))
                criteria.append(aic)
                columns = np.delete(columns, k)
        self.aic_ = aic
        self.elimination_ = {"dropped": np.array(dropped), "aic": np.array(criteria)}
        self.support_ = np.zeros(X.shape[1], dtype=bool)
        self.support_[columns] = True
        return self

    def _limit(self, patients: int) -> int | None:
        if self.max_features is None:
            return None
        if self.max_features == "n/10":
            return max(1, patients // 10)
        if isinstance(self.max_features, str) or self.max_features < 1:
            raise SettingError(
                f"max_features must be 1 or more, 'n/10' or None, got {self.max_features!r}"
            )
        return int(self.max_features)

    @property
    def steps_(self) -> pd.DataFrame:
        """What was dropped in turn, and the criterion after it."""
        return pd.DataFrame(self.elimination_)


def _aic(log_likelihood: float, features: int) -> float:
    return -2.0 * log_likelihood + 2.0 * (features + 1)


def _wald(weights: Float, covariance: Float) -> Float:
    """Return squared coefficients over their variances, without the intercept."""
    return weights[1:] ** 2 / np.maximum(np.diag(covariance)[1:], 1e-300)
