"""Support vector machine with a grid search and calibrated probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import SettingError
from gliofuse.signature._common import (
    PRIORS,
    Float,
    Folds,
    binary_tags,
    check_binary,
    check_choice,
    fold_scores,
    inner_splits,
    sample_weights,
    validated,
)
from gliofuse.signature._newton import ridge_logistic
from gliofuse.signature.nested import InnerFold, inner_folds
from gliofuse.signature.warning import SignatureWarning

__all__ = ["SVMSignature"]

_COSTS = tuple(2.0**power for power in range(-5, 10, 2))
_GAMMAS = tuple(2.0**power for power in range(-13, 2, 2))
_SCORINGS = ("roc_auc", "accuracy", "balanced_accuracy")
_LEAST_SLOPE = 1e-3


class SVMSignature(ClassifierMixin, BaseEstimator):
    """RBF support vector machine; C and gamma by a cross-validated grid; Platt's probabilities.

    The probability is a logistic curve through the decision values of the held-out folds (Platt
    1999, with his smoothed targets), at the chosen grid point. The features enter as they are:
    standardise them first.

    Parameters
    ----------
    C : sequence of float, optional
        Default 2^-5, 2^-3, ..., 2^9.
    gamma : sequence of float, optional
        Default 2^-13, 2^-11, ..., 2^1.
    folds : int, default=10
        Stratified, shuffled; reduced to the size of the smaller class, down to 2.
    scoring : {"roc_auc", "accuracy", "balanced_accuracy"}, default="roc_auc"
        Mean over folds; ties go to the smaller C, then to the smaller gamma (smoother).
    class_weight : {"balanced", None} or dict of class to weight, default=None
    prior : {"training", "weighted"}, default="weighted"
        Whether Platt's curve is fitted to the patients as they are, so that probabilities refer to
        the training patients' shares of the classes, or with the class weights too.
    random_state : int, RandomState or None, default=0
    n_jobs : int, optional
        Threads.

    Attributes
    ----------
    svc_ : SVC
        Fitted on all patients.
    platt_ : ndarray of shape (2,)
        Slope and intercept on the decision value. A slope that comes out negative (the held-out
        ranking is worse than chance) is set to 0.001, with a `SignatureWarning`.
    held_out_ : ndarray of shape (patients,)
        Calibrated log-odds of the training patients from the folds that did not see them.
    best_params_ : dict
        ``C`` and ``gamma``.
    best_score_, cv_results_, grid_, n_folds_, classes_
        As in `ElasticNetSignature`; columns C, gamma, mean_score, std_score.

    References
    ----------
    Xu et al. 2022, Front Oncol 12:969907, name the grid search over C and gamma; its range, the
    folds and the score are the project's.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2))
    >>> y = (np.hypot(X[:, 0], X[:, 1]) > 1.2).astype(int)
    >>> bool(SVMSignature(folds=5).fit(X, y).score(X, y) > 0.9)
    True
    """

    def __init__(
        self,
        *,
        C: Sequence[float] | None = None,
        gamma: Sequence[float] | None = None,
        folds: int = 10,
        scoring: str = "roc_auc",
        class_weight: str | dict[Any, float] | None = None,
        prior: str = "weighted",
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.folds = folds
        self.scoring = scoring
        self.class_weight = class_weight
        self.prior = prior
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        return binary_tags(super().__sklearn_tags__())

    def inner_splits(self, y: Any, people: NDArray[Any] | None = None) -> Folds:
        """Return the (training, test) positions of the folds that choose C and gamma."""
        return inner_splits(self, y, people)

    def fit(self, X: Any, y: Any, inner: list[InnerFold] | None = None) -> Self:
        """Choose C and gamma and fit on all patients; X (patients, features), y two classes.

        ``inner`` holds the folds with columns of their own (see `NestedPipeline`).
        """
        check_choice("scoring", self.scoring, _SCORINGS)
        check_choice("prior", self.prior, PRIORS)
        X, labels, self.classes_ = check_binary(self, X, y)
        costs = _positive("C", _COSTS if self.C is None else self.C)
        gammas = _positive("gamma", _GAMMAS if self.gamma is None else self.gamma)
        parts = inner_folds(X, self.inner_splits(labels), inner)
        self.n_folds_ = len(parts)
        points = [(cost, gamma) for cost in costs for gamma in gammas]
        weight = self.class_weight
        if isinstance(weight, dict):  # the machine is fitted on codes
            weight = {k: weight.get(label, 1.0) for k, label in enumerate(self.classes_)}
        else:
            check_choice("class_weight", weight, ("balanced", None))

        def held_out(part: InnerFold) -> Float:
            return np.column_stack(
                [
                    SVC(C=cost, gamma=gamma, class_weight=weight)
                    .fit(part.X_training, labels[part.training])
                    .decision_function(part.X_test)
                    for cost, gamma in points
                ]
            )

        results = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(held_out)(part) for part in parts
        )
        scores = np.array(
            [fold_scores(self.scoring, labels[part.test], d) for part, d in zip(parts, results)]
        )
        means = scores.mean(axis=0)
        best = int(np.argmax(means >= means.max() - 1e-9))
        self.best_params_ = {"C": points[best][0], "gamma": points[best][1]}
        self.best_score_ = float(means[best])
        self.cv_results_ = {
            "C": np.array([cost for cost, _ in points]),
            "gamma": np.array([gamma for _, gamma in points]),
            "mean_score": means,
            "std_score": scores.std(axis=0),
        }
        decision = np.empty(labels.size)
        for part, values in zip(parts, results):
            decision[part.test] = values[:, best]
        self.platt_ = self._platt(decision, labels)
        self.held_out_ = self.platt_[0] * decision + self.platt_[1]
        self.svc_ = SVC(class_weight=weight, **self.best_params_).fit(X, labels)
        return self

    def _platt(self, decision: Float, labels: NDArray[np.int64]) -> Float:
        """Return slope and intercept of the logistic curve through held-out decision values."""
        positive = int(labels.sum())
        high, low = (positive + 1) / (positive + 2), 1 / (labels.size - positive + 2)
        target = np.where(labels == 1, high, low)
        weighted = None if self.prior == "training" else self.class_weight
        weights = sample_weights(labels, weighted, self.classes_)
        fit = ridge_logistic(decision[:, None], target, ridge=0.0, sample_weight=weights)
        intercept, slope = fit.weights
        if slope > 0:
            return np.array([slope, intercept])
        warnings.warn(
            "SVMSignature: held-out decision values rank the patients no better than chance; "
            "probabilities stay close to the share of the classes",
            SignatureWarning,
            stacklevel=3,
        )
        share = float(np.average(target, weights=weights))
        return np.array([_LEAST_SLOPE, np.log(share / (1 - share))])

    def decision_function(self, X: Any) -> Float:
        """Return the calibrated log-odds of the second class, shape (patients,)."""
        check_is_fitted(self, "svc_")
        X = validated(self, X, reset=False)
        slope, intercept = self.platt_
        return slope * self.svc_.decision_function(X) + intercept

    def predict_proba(self, X: Any) -> Float:
        """Return the probabilities of both classes, shape (patients, 2)."""
        decision = self.decision_function(X)
        return np.c_[special.expit(-decision), special.expit(decision)]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of higher probability, shape (patients,)."""
        second = self.decision_function(X) > 0
        return self.classes_[second.astype(int)]

    @property
    def grid_(self) -> pd.DataFrame:
        """The cross-validation results, one row a grid point."""
        check_is_fitted(self, "cv_results_")
        return pd.DataFrame(self.cv_results_)


def _positive(name: str, values: Sequence[float]) -> list[float]:
    numbers = np.unique(np.asarray(values, dtype=np.float64))
    if numbers.size == 0 or not np.all(np.isfinite(numbers)) or numbers[0] <= 0:
        raise SettingError(f"{name} must be positive finite numbers, got {list(values)!r}")
    return [float(number) for number in numbers]
