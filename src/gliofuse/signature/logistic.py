"""Plain logistic regression, with the standard errors that tables and nomograms need."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import special
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import SettingError
from gliofuse.signature._common import check_binary, prior_shift, sample_weights
from gliofuse.signature._grid_logistic import LinearScorer, column_scale
from gliofuse.signature._newton import ridge_logistic
from gliofuse.signature.warning import SignatureWarning

__all__ = ["LogisticScorer"]

#: log odds ratio per standard deviation, and its standard error, beyond which an estimate is
#: taken as infinite
_INFINITE = 10.0
_ERROR = 100.0


class LogisticScorer(LinearScorer):
    """Logistic regression by maximum likelihood; by a ridge where the classes are separated.

    Where a plane separates the classes (always so with as many features as patients) the
    likelihood has no maximum: coefficients and standard errors would be those of the moment at
    which the solver stopped. The model is then fitted again with
    ``separation_ridge / 2 * |b|^2`` on standardised columns, ``separated_`` is set and a
    `SignatureWarning` raised. A coefficient beyond 10 per standard deviation counts as infinite
    too (quasi-separation), as does a standard error beyond 100 (which doubled columns give as
    well).

    Parameters
    ----------
    class_weight : {"balanced", None} or dict of class to weight, default=None
    prior : {"training", "weighted"}, default="weighted"
        What the probabilities refer to: the training patients' shares of the classes (what class
        weights add to the log-odds is taken off), or the shares that the weights make of them,
        as scikit-learn's do. The chains of this package take ``training``.
    separation_ridge : float, default=1.0
        On standardised columns; as scikit-learn's ``C = 1``.

    Attributes
    ----------
    coef_ : ndarray of shape (1, features)
        Per unit of each feature as given.
    intercept_ : ndarray of shape (1,)
    covariance_ : ndarray of shape (features + 1, features + 1)
        Of the estimates, intercept first; NaN for a constant column, whose coefficient is 0.
    log_likelihood_, aic_ : float
    separated_ : bool
    classes_ : ndarray of shape (2,)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
    >>> LogisticScorer().fit(X, y).summary()["p"].round(3).tolist()
    [0.78, 0.0, 0.519]
    """

    def __init__(
        self,
        *,
        class_weight: str | dict[Any, float] | None = None,
        prior: str = "weighted",
        separation_ridge: float = 1.0,
    ) -> None:
        self.class_weight = class_weight
        self.prior = prior
        self.separation_ridge = separation_ridge

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on X (patients, features), y two classes."""
        X, labels, self.classes_ = check_binary(self, X, y)
        if self.separation_ridge <= 0:
            raise SettingError(f"separation_ridge must be above 0, got {self.separation_ridge!r}")
        weights = sample_weights(labels, self.class_weight, self.classes_)
        mean, scale = column_scale(X, True)
        Z = (X - mean) / scale
        fit = ridge_logistic(Z, labels, ridge=0.0, sample_weight=weights, max_iter=50)
        margin = (fit.weights[0] + Z @ fit.weights[1:]) * (2 * labels - 1)
        varying = X.max(axis=0) > X.min(axis=0)
        errors = np.sqrt(np.diag(fit.covariance)[1:])[varying]
        self.separated_ = bool(
            not fit.converged
            or margin.min() > 0
            or np.abs(fit.weights[1:]).max() > _INFINITE
            or (errors > _ERROR).any()
        )
        if self.separated_:
            fit = ridge_logistic(Z, labels, ridge=self.separation_ridge, sample_weight=weights)
            warnings.warn(
                "LogisticScorer: the features separate the classes, or depend on each other, so "
                "that maximum likelihood has no single solution; fitted with a ridge of "
                f"{self.separation_ridge:g} on standardised columns instead: give fewer features "
                "or more patients",
                SignatureWarning,
                stacklevel=2,
            )
        # back to the features' own units: b_j / scale_j, and the intercept moves with the means
        transform = np.diag(np.r_[1.0, 1.0 / scale])
        transform[0, 1:] = -mean / scale
        estimates = transform @ fit.weights
        added = prior_shift(self.prior, labels, self.class_weight, self.classes_)
        self.intercept_, self.coef_ = estimates[:1] - added, estimates[None, 1:]
        known = np.r_[True, varying]
        covariance = np.where(np.outer(known, known), fit.covariance, 0.0)
        self.covariance_ = transform @ covariance @ transform.T
        self.covariance_[~known, ~known] = np.nan
        self.mean_, self.scale_ = np.zeros(X.shape[1]), np.ones(X.shape[1])
        self.log_likelihood_ = fit.log_likelihood
        self.aic_ = 2.0 * (X.shape[1] + 1) - 2.0 * fit.log_likelihood
        return self

    def summary(self) -> pd.DataFrame:
        """Return one row a term: coefficient, standard error, odds ratio with 95 % CI, Wald's p.

        Returns
        -------
        DataFrame
            term, coefficient, standard_error, odds_ratio, ci_low, ci_high, p; ``(intercept)``
            first. Figures of a separated model are shrunk, and its p values no tests.
        """
        check_is_fitted(self, "coef_")
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])
        estimate = np.r_[self.intercept_, self.coef_[0]]
        error = np.sqrt(np.diag(self.covariance_))
        reach = special.ndtri(0.975) * error
        with np.errstate(over="ignore"):
            return pd.DataFrame(
                {
                    "term": ["(intercept)", *map(str, names)],
                    "coefficient": estimate,
                    "standard_error": error,
                    "odds_ratio": np.exp(estimate),
                    "ci_low": np.exp(estimate - reach),
                    "ci_high": np.exp(estimate + reach),
                    "p": 2 * special.ndtr(-np.abs(estimate) / error),
                }
            )
