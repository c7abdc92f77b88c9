"""Random forest as a scorer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import SettingError
from gliofuse.signature._common import (
    Float,
    binary_tags,
    check_binary,
    prior_shift,
    random_generator_seed,
    validated,
)

__all__ = ["ForestSignature"]


class ForestSignature(ClassifierMixin, BaseEstimator):
    """Random forest whose probability is the mean over trees of the leaves' class shares.

    Parameters
    ----------
    trees : int, default=500
    min_samples_leaf : int, default=1
        Patients in a leaf, at least.
    class_weight : {"balanced", None} or dict of class to weight, default=None
    prior : {"training", "weighted"}, default="weighted"
        What the probabilities refer to: the training patients' shares of the classes (what class
        weights add to the log-odds is taken off), or the shares that the weights make of them,
        as scikit-learn's do. The chains of this package take ``training``.
    random_state : int, RandomState or None, default=0
    n_jobs : int, optional

    Attributes
    ----------
    forest_ : RandomForestClassifier
    feature_importances_ : ndarray of shape (features,)
        Mean decrease of Gini impurity.
    prior_shift_ : float
        What the class weights added to the log-odds and is taken off.
    classes_ : ndarray of shape (2,)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> ForestSignature(trees=50).fit(X, X[:, 1] > 0).feature_importances_.argmax()
    np.int64(1)
    """

    def __init__(
        self,
        *,
        trees: int = 500,
        min_samples_leaf: int = 1,
        class_weight: str | dict[Any, float] | None = None,
        prior: str = "weighted",
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.trees = trees
        self.min_samples_leaf = min_samples_leaf
        self.class_weight = class_weight
        self.prior = prior
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Tags:
        return binary_tags(super().__sklearn_tags__())

    def fit(self, X: Any, y: Any) -> Self:
        """Grow the forest on X (patients, features), y two classes."""
        X, labels, self.classes_ = check_binary(self, X, y)
        for name in ("trees", "min_samples_leaf"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be 1 or more, got {getattr(self, name)!r}")
        weight = self.class_weight
        if isinstance(weight, dict):  # the forest is grown on codes
            weight = {k: weight.get(label, 1.0) for k, label in enumerate(self.classes_)}
        self.forest_ = RandomForestClassifier(
            n_estimators=self.trees,
            min_samples_leaf=self.min_samples_leaf,
            class_weight=weight,
            random_state=random_generator_seed(self.random_state),
            n_jobs=self.n_jobs,
        ).fit(X, labels)
        self.prior_shift_ = prior_shift(self.prior, labels, self.class_weight, self.classes_)
        self.feature_importances_ = self.forest_.feature_importances_
        return self

    def predict_proba(self, X: Any) -> Float:
        """Return the probabilities of both classes, shape (patients, 2)."""
        check_is_fitted(self, "forest_")
        X = validated(self, X, reset=False)
        shares = self.forest_.predict_proba(X) * np.exp([0.0, -self.prior_shift_])
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of higher probability, shape (patients,)."""
        second = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[second.astype(int)]
