"""The base of selectors: validated fitting, and a rule for the case that nothing passes."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gliofuse.signature._common import Float, binary_tags, check_binary, check_share
from gliofuse.signature.warning import SignatureWarning

__all__ = ["LabelSelector", "UnivariateSelector"]


class LabelSelector(SelectorMixin, BaseEstimator):
    """Base of selectors that learn from a binary label; subclasses set ``support_``."""

    support_: NDArray[np.bool_]

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self, "support_")
        return self.support_

    def __sklearn_tags__(self) -> Tags:
        return binary_tags(super().__sklearn_tags__())

    def _keep_best(self, passed: NDArray[np.bool_], merit: Float, k: int, reason: str) -> None:
        """Store ``passed``, or the ``k`` columns of highest ``merit`` where none passed."""
        self.fallback_ = not bool(passed.any())
        if self.fallback_:
            passed = np.zeros(merit.size, dtype=bool)
            passed[np.argsort(-merit, kind="stable")[: max(1, k)]] = True
            warnings.warn(
                f"{type(self).__name__}: {reason}; the best {int(passed.sum())} of {merit.size} "
                "kept, so expect no better than chance from it",
                SignatureWarning,
                stacklevel=3,
            )
        self.support_ = passed


class UnivariateSelector(LabelSelector):
    """Base of selectors that keep the features whose test between the classes gives p < alpha."""

    def __init__(self, alpha: float = 0.05, *, min_features: int = 1) -> None:
        self.alpha = alpha
        self.min_features = min_features

    @abstractmethod
    def _test(self, negative: Float, positive: Float) -> tuple[Float, Float]:
        """Return statistic and p value of every column of two classes (patients, features)."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Test every feature between the two classes.

        Parameters
        ----------
        X : array-like of shape (patients, features)
            Finite numbers.
        y : array-like of shape (patients,)
            Two classes.

        Returns
        -------
        self
        """
        X, labels, self.classes_ = check_binary(self, X, y)
        check_share("alpha", self.alpha)
        statistic, p_values = self._test(X[labels == 0], X[labels == 1])
        # A feature without any spread says nothing: p = 1, never NaN.
        flat = np.isnan(p_values) | (X.max(axis=0) == X.min(axis=0))
        self.statistic_ = np.where(flat, 0.0, statistic)
        self.pvalues_ = np.where(flat, 1.0, p_values)
        self._keep_best(
            self.pvalues_ < self.alpha,
            -self.pvalues_,
            self.min_features,
            f"no feature has p < {self.alpha:g}",
        )
        return self
