"""A filter of redundant features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from gliofuse.errors import InputError
from gliofuse.signature._common import Float, check_choice, check_share, validated

__all__ = ["CorrelationFilter"]


class CorrelationFilter(SelectorMixin, BaseEstimator):
    """Of features that correlate by more than ``threshold``, keep one.

    The features are gone through in order, and one is kept if its absolute correlation with
    every feature kept before is at most ``threshold``. With y the order is by absolute
    correlation with it, so that the more informative of two is kept; without y it is the order
    of the columns. Constant columns correlate with nothing and carry nothing: they are dropped
    (the first one is kept where every column is constant).

    Parameters
    ----------
    threshold : float, default=0.9
        From 0 to 1.
    method : {"pearson", "spearman"}, default="pearson"

    Attributes
    ----------
    support_ : ndarray of bool, shape (features,)

    Examples
    --------
    >>> import numpy as np
    >>> X = np.c_[[1.0, 2, 3, 4], [2.0, 4, 6, 8.1], [1.0, 0, 1, 0]]
    >>> CorrelationFilter(0.9).fit(X).get_support()
    array([ True, False,  True])
    """

    support_: NDArray[np.bool_]

    def __init__(self, threshold: float = 0.9, *, method: str = "pearson") -> None:
        self.threshold = threshold
        self.method = method

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the features; X (patients, features), y optional (numbers or two classes)."""
        X = validated(self, X, ensure_min_samples=2)
        check_share("threshold", self.threshold)
        check_choice("method", self.method, ("pearson", "spearman"))
        values = stats.rankdata(X, axis=0) if self.method == "spearman" else X
        units, varying = _unit_columns(values)
        order = np.arange(X.shape[1])
        if y is not None:
            merit = np.abs(units.T @ _target(y, X.shape[0], self.method))
            order = np.argsort(-merit.round(12), kind="stable")
        kept = np.empty((int(varying.sum()), X.shape[0]))
        count = 0
        support = np.zeros(X.shape[1], dtype=bool)
        for j in order[varying[order]]:
            column = units[:, j]
            if count == 0 or np.abs(kept[:count] @ column).max() <= self.threshold:
                kept[count] = column
                count += 1
                support[j] = True
        if count == 0:
            support[0] = True
        self.support_ = support
        return self

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self, "support_")
        return self.support_


def _unit_columns(values: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Return centred columns of length one (0 where constant), and which ones vary."""
    varying = values.max(axis=0) > values.min(axis=0)
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    varying &= length > 0
    return np.where(varying, centred / np.where(varying, length, 1.0), 0.0), varying


def _target(y: Any, patients: int, method: str) -> Float:
    target = np.asarray(y)
    if target.ndim != 1 or target.size != patients:
        raise InputError(
            f"y must hold one value a patient: got shape {target.shape} for {patients} patients"
        )
    if not np.issubdtype(target.dtype, np.number):
        target = np.unique(target, return_inverse=True)[1]
    target = target.astype(np.float64)
    if method == "spearman":
        target = stats.rankdata(target)
    return target - target.mean()
