"""The published weights: an elastic net on survival time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import enet_path
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import SettingError
from gliofuse.signature.nested import InnerFold, inner_folds
from gliofuse.signature.rows import weighted_sums
from gliofuse.survival._checks import Float, check_columns, check_outcome
from gliofuse.survival.elastic_net import event_folds, standard_columns

__all__ = ["TimeElasticNet"]


class TimeElasticNet(BaseEstimator):
    """Linear regression of the time on the features with an elastic net, turned into a risk.

    Every patient counts as dead at last contact, which a Cox model does not do: where patients are
    censored, what goes with a short follow-up is taken for risk. It is here since the published
    chain names an elastic net beside a forest on survival time.

    The penalty is the one of least squared error over the folds; the mean time, which no feature
    bears on, is among the candidates.

    Parameters
    ----------
    l1_ratio : float, default=0.5
        Above 0 to 1.
    penalties : int, default=50
    smallest : float, default=0.001
        The last penalty, as a share of the first, which leaves no feature.
    folds : int, default=10
    random_state : int, default=0

    Attributes
    ----------
    coef_ : ndarray of shape (features,)
        Of the risk: a positive one shortens the time; in the training times' standard deviations.
    center_ : ndarray of shape (features,)
    penalty_ : float
        Infinite where no feature is left.
    null_ : bool
    path_ : DataFrame
        penalty, error (mean squared, as a share of that of the mean time), features.

    References
    ----------
    Front Oncol 2022;12:969907. Zou and Hastie 2005, J R Stat Soc B 67:301-320.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> y = pd.DataFrame({"time": 10 - 2 * X[:, 1] + rng.normal(size=100), "event": 1})
    >>> TimeElasticNet(folds=5).fit(X, y).coef_.round(1).tolist()
    [0.0, 0.9, 0.1]
    """

    def __init__(
        self,
        *,
        l1_ratio: float = 0.5,
        penalties: int = 50,
        smallest: float = 0.001,
        folds: int = 10,
        random_state: int = 0,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.penalties = penalties
        self.smallest = smallest
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: pd.DataFrame,
        *,
        offset: Any = None,
        inner: list[InnerFold] | None = None,
    ) -> Self:
        """Choose the penalty and fit on all patients; as `CoxElasticNet.fit`.

        Raises
        ------
        SettingError
            If an offset is given: a log hazard means nothing to a time.
        """
        if offset is not None:
            raise SettingError(
                "an elastic net on the time takes no offset: weigh the features by Cox's model"
            )
        if not 0 < self.l1_ratio <= 1:
            raise SettingError(f"l1_ratio must be above 0 and up to 1, got {self.l1_ratio!r}")
        time, event = check_outcome(y)
        values = check_columns(X, time.size)
        target = (time - time.mean()) / (time.std() or 1.0)
        splits = [] if inner is not None else event_folds(event, self.folds, self.random_state)
        self.center_, scale = standard_columns(values)
        Z = (values - self.center_) / scale
        top = float(np.abs(Z.T @ target).max(initial=0.0) / target.size / self.l1_ratio)
        grid = top * np.geomspace(1.0, self.smallest, self.penalties) if top > 0 else np.empty(0)
        error = np.zeros(grid.size + 1)
        for part in inner_folds(values, splits, inner):
            center, spread = standard_columns(part.X_training)
            own = target[part.training]
            path = self._path((part.X_training - center) / spread, own - own.mean(), grid)
            guess = own.mean() + (part.X_test - center) / spread @ path.T
            error += ((target[part.test][:, None] - guess) ** 2).sum(axis=0)
        path = self._path(Z, target, grid)
        self.path_ = pd.DataFrame(
            {
                "penalty": np.r_[np.inf, grid],
                "error": error / (error[0] or 1.0),
                "features": (path != 0).sum(axis=1),
            }
        )
        row = int(np.argmin(error))
        self.penalty_ = float(self.path_["penalty"][row])
        # a long time is a small risk
        self.coef_ = 0.0 - path[row] / scale
        self.null_ = not self.coef_.any()
        return self

    def _path(self, Z: Float, target: Float, grid: Float) -> Float:
        """Return the coefficients (penalties, features), the first row without a feature."""
        if grid.size == 0 or Z.shape[1] == 0:
            return np.zeros((grid.size + 1, Z.shape[1]))
        none = np.zeros((1, Z.shape[1]))
        coefficients = enet_path(Z, target, l1_ratio=self.l1_ratio, alphas=grid, max_iter=10_000)[1]
        return np.vstack([none, coefficients.T])

    def predict(self, X: Any) -> Float:
        """Return the risk (patients,): how much sooner than the mean, in standard deviations."""
        check_is_fitted(self, "coef_")
        return weighted_sums(np.asarray(X, dtype=np.float64) - self.center_, self.coef_)
