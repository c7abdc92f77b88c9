"""Missing features become the training patients' median."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gliofuse.signature._common import Float, validated

__all__ = ["MedianImputer"]


class MedianImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill missing values with each column's median; a column without any value with 0.

    Attributes
    ----------
    medians_ : ndarray of shape (features,)
        Of the training patients who have a value.

    Examples
    --------
    >>> X = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [5.0, np.nan]])
    >>> MedianImputer().fit_transform(X)[2].tolist()
    [3.0, 0.0]
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the medians of X (patients, features)."""
        X = validated(self, X, ensure_all_finite="allow-nan")
        self.medians_: Float = np.zeros(X.shape[1])
        missing = np.isnan(X)
        known = ~missing.all(axis=0)
        gaps = known & missing.any(axis=0)  # the others' medians are quicker found
        self.medians_[known & ~gaps] = np.median(X[:, known & ~gaps], axis=0)
        self.medians_[gaps] = np.nanmedian(X[:, gaps], axis=0)
        return self

    def transform(self, X: Any) -> Float:
        """Return X without missing values."""
        check_is_fitted(self, "medians_")
        X = validated(self, X, ensure_all_finite="allow-nan", reset=False)
        return np.where(np.isnan(X), self.medians_, X)
