"""Cox regression with an elastic net whose penalty is chosen by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.signature import stratified_folds
from gliofuse.signature.nested import InnerFold, inner_folds
from gliofuse.signature.rows import weighted_sums
from gliofuse.survival._checks import Float, check_columns, check_outcome
from gliofuse.survival._partial_likelihood import PartialLikelihood
from gliofuse.survival._penalised import largest_penalty, penalised_path

__all__ = ["CoxElasticNet", "event_folds", "standard_columns"]

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

_RULES = ("best", "one-se")


def event_folds(
    event: NDArray[np.bool_], folds: int, seed: int, people: NDArray[Any] | None = None
) -> Folds:
    """Return (training, test) positions of shuffled folds with the events spread evenly.

    There are no more folds than events, so that each may hold one, nor than people; all rows of a
    person are on one side.

    Raises
    ------
    SettingError
        If fewer than two folds are asked for.
    EndpointError
        If fewer than two patients (or people) have the event.
    """
    if folds < 2:
        raise SettingError(f"folds must be 2 or more, got {folds!r}")
    units = np.flatnonzero(event) if people is None else np.unique(people[event])
    if units.size < 2:
        raise EndpointError(
            f"cross-validation needs two patients or more with the event, got {units.size} of "
            f"{event.size}; give more patients or longer follow-up"
        )
    everyone = event.size if people is None else np.unique(people).size
    for count in range(min(folds, units.size, everyone), 1, -1):
        with warnings.catch_warnings():
            # a class of fewer patients than folds: all that follows is a fold without one
            warnings.simplefilter("ignore", UserWarning)
            splits = stratified_folds(event.astype(int), count, seed, people)
        # people of several rows are not always spread as their events would have it
        if all(test.size and event[training].any() for training, test in splits):
            return splits
    raise EndpointError(
        f"the {units.size} people with the event can't be divided so that each fold leaves one to "
        "learn from; give more patients"
    )


class CoxElasticNet(BaseEstimator):
    """Cox regression with an elastic net; penalty, and mixture if several, by cross-validation.

    Maximises, on columns that are standardised within each fit, Efron's partial likelihood::

        log_likelihood(X b + offset) / patients
            - penalty * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2)

    A fold's deviance is twice the log-likelihood of the other folds' patients less that of all,
    at the coefficients of the other folds, as R's glmnet takes it. The model without any feature
    is among the candidates: where it is the best, every coefficient and every risk is 0.

    Parameters
    ----------
    l1_ratios : float or sequence of float, default=0.5
        0 for a ridge, 1 for the LASSO.
    penalties : int or sequence of float, default=50
        How many, from the smallest that leaves no feature down to ``smallest`` of it; or which.
    smallest : float, optional
        Default 0.01 where the features are as many as the patients or more (and for a ridge),
        else 0.001.
    rule : {"best", "one-se"}, default="best"
        The penalty of the least deviance, or the strongest within a standard error of it.
    folds : int, default=10
        Stratified by event and shuffled; no more than there are events.
    random_state : int, default=0

    Attributes
    ----------
    coef_ : ndarray of shape (features,)
        Per unit of each feature as given.
    center_ : ndarray of shape (features,)
        The training patients' means.
    penalty_, l1_ratio_ : float
        The penalty is infinite for the model without a feature.
    null_ : bool
        Whether every coefficient is 0.
    path_ : DataFrame
        l1_ratio, penalty, deviance (mean a patient with the event, less that of the model without
        a feature), standard_error, features.
    n_folds_, not_converged_ : int

    References
    ----------
    Simon, Friedman, Hastie and Tibshirani 2011, J Stat Softw 39(5):1-13; Verweij and van
    Houwelingen 1993, Stat Med 12:2305-2314 (the cross-validated partial likelihood).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(120, 4)), columns=list("abcd"))
    >>> y = pd.DataFrame({"time": rng.exponential(np.exp(-X["a"])), "event": 1})
    >>> model = CoxElasticNet(l1_ratios=0.9, folds=5, rule="one-se").fit(X, y)
    >>> [name for name, b in zip("abcd", model.coef_) if b]
    ['a']
    """

    def __init__(
        self,
        *,
        l1_ratios: float | Sequence[float] = 0.5,
        penalties: int | Sequence[float] = 50,
        smallest: float | None = None,
        rule: str = "best",
        folds: int = 10,
        random_state: int = 0,
    ) -> None:
        self.l1_ratios = l1_ratios
        self.penalties = penalties
        self.smallest = smallest
        self.rule = rule
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: pd.DataFrame,
        *,
        offset: Any = None,
        inner: list[InnerFold] | None = None,
        people: NDArray[Any] | None = None,
    ) -> Self:
        """Choose the penalty and fit on all patients.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (patients, features)
            Finite. Without a column the model is the one without features.
        y : DataFrame
            time, event.
        offset : array-like of shape (patients,), optional
            Log hazard that is given: the features are weighed for what they add to it.
        inner : list of InnerFold, optional
            The folds with columns of their own, where those were chosen by their outcome.
        people : ndarray of shape (patients,), optional
            The person behind each row; for folds that are made here.
        """
        time, event = check_outcome(y, events=2)
        values = check_columns(X, time.size)
        ratios = np.atleast_1d(np.asarray(self.l1_ratios, dtype=np.float64))
        self._check(ratios)
        fixed = np.zeros(time.size) if offset is None else np.asarray(offset, dtype=np.float64)
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = values.shape[1]
        splits = (
            [] if inner is not None else event_folds(event, self.folds, self.random_state, people)
        )
        parts = inner_folds(values, splits, inner)
        self.n_folds_, self.not_converged_ = len(parts), 0
        whole = PartialLikelihood(time, event)
        self.center_, scale = standard_columns(values)
        Z = (values - self.center_) / scale
        tables, paths = [], []
        for ratio in ratios:
            grid = np.r_[np.inf, self._grid(whole, Z, float(ratio), fixed)]
            deviance = self._deviances(time, event, fixed, parts, grid, float(ratio))
            path = self._path(whole, Z, grid, float(ratio), fixed)
            mean, error = _mean_and_error(deviance, event, parts)
            paths.append(path)
            tables.append(
                pd.DataFrame(
                    {
                        "l1_ratio": ratio,
                        "penalty": grid,
                        "deviance": mean,
                        "standard_error": error,
                        "features": (path != 0).sum(axis=1),
                    }
                )
            )
        self.path_ = pd.concat(tables, ignore_index=True)
        row = self._choice()
        self.penalty_ = float(self.path_["penalty"][row])
        self.l1_ratio_ = float(self.path_["l1_ratio"][row])
        self.coef_ = np.vstack(paths)[row] / scale
        self.null_ = not self.coef_.any()
        return self

    def _check(self, ratios: Float) -> None:
        if ratios.size == 0 or not ((ratios >= 0) & (ratios <= 1)).all():
            raise SettingError(f"l1_ratios must be from 0 to 1, got {self.l1_ratios!r}")
        if self.rule not in _RULES:
            raise SettingError(f"rule must be one of {', '.join(_RULES)}, got {self.rule!r}")
        if isinstance(self.penalties, int):
            if self.penalties < 1:
                raise SettingError(f"penalties must be 1 or more, got {self.penalties!r}")
        elif not all(np.isfinite(p) and p > 0 for p in self.penalties):
            raise SettingError(f"penalties must be positive numbers, got {self.penalties!r}")

    def _grid(self, whole: PartialLikelihood, Z: Float, ratio: float, offset: Float) -> Float:
        if not isinstance(self.penalties, int):
            return np.sort(np.asarray(self.penalties, dtype=np.float64))[::-1]
        top = largest_penalty(whole, Z, ratio, offset)
        if top <= 0:
            return np.empty(0)
        wide = Z.shape[1] >= len(Z) or ratio == 0
        smallest = self.smallest or (0.01 if wide else 0.001)
        return top * np.geomspace(1.0, smallest, self.penalties)

    def _path(
        self,
        likelihood: PartialLikelihood,
        Z: Float,
        grid: Float,
        ratio: float,
        offset: Float,
        tol: float = 1e-7,
    ) -> Float:
        path, failed = penalised_path(likelihood, Z, grid[1:], ratio, offset=offset, tol=tol)
        self.not_converged_ += failed
        return np.vstack([np.zeros((1, Z.shape[1])), path])

    def _deviances(
        self,
        time: Float,
        event: NDArray[np.bool_],
        offset: Float,
        parts: list[InnerFold],
        grid: Float,
        ratio: float,
    ) -> Float:
        """Return the deviance of each fold at each penalty, less that without a feature."""
        deviance = np.zeros((len(parts), grid.size))
        for row, part in enumerate(parts):
            own = PartialLikelihood(time[part.training], event[part.training])
            both = np.r_[part.training, part.test]
            union = PartialLikelihood(time[both], event[both])
            center, scale = standard_columns(part.X_training)
            Z = (part.X_training - center) / scale
            path = self._path(own, Z, grid, ratio, offset[part.training], tol=1e-5)
            eta = np.vstack([Z, (part.X_test - center) / scale]) @ path.T + offset[both][:, None]
            inside = part.training.size
            for column in range(grid.size):
                gain = union.log_likelihood(eta[:, column]) - own.log_likelihood(
                    eta[:inside, column]
                )
                deviance[row, column] = -2 * gain
        return deviance - deviance[:, :1]

    def _choice(self) -> int:
        table = self.path_
        best = int(table["deviance"].argmin())
        if self.rule == "best":
            return best
        same = table["l1_ratio"] == table["l1_ratio"][best]
        limit = table["deviance"][best] + table["standard_error"][best]
        return int(np.flatnonzero(same & (table["deviance"] <= limit))[0])

    def predict(self, X: Any) -> Float:
        """Return the log relative hazard (patients,); the training patients' mean is 0.

        The offset is not part of it.
        """
        check_is_fitted(self, "coef_")
        values = np.asarray(X, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != self.coef_.size:
            raise InputError(
                f"X must have the {self.coef_.size} columns that the model was fitted on, got "
                f"shape {values.shape}"
            )
        return weighted_sums(values - self.center_, self.coef_)


def standard_columns(values: Float) -> tuple[Float, Float]:
    """Return means and scales; a constant column keeps 1."""
    center, scale = values.mean(axis=0), values.std(axis=0)
    flat = (np.ptp(values, axis=0) == 0) if len(values) else np.ones(values.shape[1], bool)
    return center, np.where(flat | (scale == 0), 1.0, scale)


def _mean_and_error(
    deviance: Float, event: NDArray[np.bool_], parts: list[InnerFold]
) -> tuple[Float, Float]:
    """Return mean and standard error of the gain over folds, each weighted by its events."""
    weight = np.array([event[part.test].sum() for part in parts], dtype=np.float64)
    mean = deviance.sum(axis=0) / max(weight.sum(), 1.0)
    used = weight > 0
    if used.sum() < 2:
        return mean, np.zeros(mean.size)
    single = deviance[used] / weight[used, None]
    spread = np.average((single - mean) ** 2, axis=0, weights=weight[used])
    return mean, np.sqrt(spread / (used.sum() - 1))
