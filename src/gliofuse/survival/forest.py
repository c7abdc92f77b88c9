"""Features of highest importance in a random forest on martingale residuals."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestRegressor

from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.survival._checks import Float, check_outcome
from gliofuse.survival._partial_likelihood import PartialLikelihood

__all__ = ["MartingaleForestTopK"]

_TARGETS = ("martingale", "time")

#: of a forest on half of the patients
_LEAST_TREES = 20


class MartingaleForestTopK(BaseEstimator):
    """Keep the ``k`` features of highest importance in a random forest on survival.

    The forest learns the martingale residual of the model without features: the events a patient
    had less those expected by the end of the patient's follow-up, so that a censored patient says
    what is known and no more. With an offset, the residual is what the given hazard leaves
    unexplained. The published chain's forest on the time itself takes every censored patient for
    dead at last contact; it is there as ``target="time"``.

    With ``subsamples`` the selection is one for stability: a forest of a quarter of the trees for
    each random half of the patients, and the features that are among the best ``k`` in at least
    ``threshold`` of them, ``k`` of them at most. It may be that none is.

    Parameters
    ----------
    k : int, default=10
    trees : int, default=100
    target : {"martingale", "time"}, default="martingale"
    max_features : "sqrt" or float, default="sqrt"
        Features tried at a split.
    min_leaf : int, default=5
        Patients in a leaf.
    subsamples : int, default=0
    threshold : float, default=0.5
    random_state : int, default=0
    n_jobs : int, optional

    Attributes
    ----------
    importance_ : ndarray of shape (features,)
        Mean decrease of the squared error; the mean over the halves where there are such.
    frequency_ : ndarray of shape (features,)
        Share of the halves with the feature among the best ``k``; 0 or 1 without halves.
    selected_ : ndarray of int
        Columns kept, best first.

    References
    ----------
    Therneau, Grambsch and Fleming 1990, Biometrika 77:147-160; LeBlanc and Crowley 1992, Biometrics
    48:411-425 (trees on such residuals); Meinshausen and Buhlmann 2010, J R Stat Soc B 72:417-473.
    ``k`` is that of Front Oncol 2022;12:969907, which names no other setting.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(100, 5)), columns=list("abcde"))
    >>> y = pd.DataFrame({"time": rng.exponential(np.exp(-1.5 * X["c"])), "event": 1})
    >>> MartingaleForestTopK(k=1).fit(X, y).get_feature_names_out().tolist()
    ['c']
    """

    def __init__(
        self,
        k: int = 10,
        *,
        trees: int = 100,
        target: str = "martingale",
        max_features: str | float = "sqrt",
        min_leaf: int = 5,
        subsamples: int = 0,
        threshold: float = 0.5,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.trees = trees
        self.target = target
        self.max_features = max_features
        self.min_leaf = min_leaf
        self.subsamples = subsamples
        self.threshold = threshold
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: pd.DataFrame, *, offset: Any = None) -> Self:
        """Grow the forest.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (patients, features)
            Finite.
        y : DataFrame
            time, event.
        offset : array-like of shape (patients,), optional
            Log hazard that is given. A forest on the time makes no use of it.
        """
        time, event = check_outcome(y)
        self._check()
        values = np.asarray(X, dtype=np.float64)
        if values.ndim != 2 or len(values) != time.size or not np.isfinite(values).all():
            raise InputError(
                f"X must hold a row of finite numbers for each of the {time.size} patients, got "
                f"shape {values.shape} with {int((~np.isfinite(values)).sum())} missing"
            )
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = values.shape[1]
        fixed = np.zeros(time.size) if offset is None else np.asarray(offset, dtype=np.float64)
        if self.subsamples == 0:
            self.importance_ = self._importance(
                values, time, event, fixed, self.random_state, self.trees
            )
            self.selected_ = _best(self.importance_, self.k)
            self.frequency_ = np.zeros(values.shape[1])
            self.frequency_[self.selected_] = 1.0
            return self
        self.frequency_, self.importance_ = self._halves(values, time, event, fixed)
        stable = np.flatnonzero(self.frequency_ >= self.threshold)
        order = np.lexsort((-self.importance_[stable], -self.frequency_[stable]))
        self.selected_ = stable[order][: self.k]
        return self

    def _check(self) -> None:
        if self.target not in _TARGETS:
            raise SettingError(f"target got {self.target!r}; {did_you_mean(self.target, _TARGETS)}")
        for name, least in (("k", 1), ("trees", 1), ("min_leaf", 1), ("subsamples", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"{name} must be {least} or more, got {getattr(self, name)!r}")
        if not 0 < self.threshold <= 1:
            raise SettingError(f"threshold must be above 0 and up to 1, got {self.threshold!r}")

    def _importance(
        self,
        X: Float,
        time: Float,
        event: NDArray[np.bool_],
        offset: Float,
        seed: int,
        trees: int,
    ) -> Float:
        if self.target == "time":
            target = time
        else:
            target = PartialLikelihood(time, event).martingale(offset)
        forest = RandomForestRegressor(
            n_estimators=trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_leaf,
            random_state=seed,
            n_jobs=self.n_jobs,
        )
        return np.asarray(forest.fit(X, target).feature_importances_)

    def _halves(
        self, X: Float, time: Float, event: NDArray[np.bool_], offset: Float
    ) -> tuple[Float, Float]:
        """Return how often each feature is among the best, and its mean importance."""
        random = np.random.default_rng(self.random_state)
        dead, alive = np.flatnonzero(event), np.flatnonzero(~event)
        times, total = np.zeros(X.shape[1]), np.zeros(X.shape[1])
        # what one small forest misses by chance another half's finds
        trees = min(self.trees, max(_LEAST_TREES, self.trees // 4))
        for number in range(self.subsamples):
            half = np.r_[
                random.permutation(dead)[: max(1, dead.size // 2)],
                random.permutation(alive)[: alive.size // 2],
            ]
            own = self._importance(X[half], time[half], event[half], offset[half], number, trees)
            times[_best(own, self.k)] += 1
            total += own
        return times / self.subsamples, total / self.subsamples

    def transform(self, X: Any) -> Any:
        """Return the columns kept, best first; a DataFrame's keep their names."""
        if isinstance(X, pd.DataFrame):
            return X.iloc[:, self.selected_]
        return np.asarray(X)[:, self.selected_]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns kept, best first."""
        names = getattr(self, "feature_names_in_", input_features)
        if names is None:
            names = np.array([f"x{number}" for number in range(self.n_features_in_)], dtype=object)
        return np.asarray(names, dtype=object)[self.selected_]


def _best(importance: Float, k: int) -> NDArray[np.intp]:
    """Return the ``k`` columns of highest importance; those of none are not among them."""
    order = np.argsort(-importance, kind="stable")[:k]
    return order[importance[order] > 0]
