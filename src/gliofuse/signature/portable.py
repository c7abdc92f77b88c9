"""Fitted estimators as they are handed on: without the rows of the patients they learned from."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

__all__ = ["without_patients"]

T = TypeVar("T")

#: What estimators keep of their fit and do not predict with: a value a training patient, or the
#: errors of the penalties that were tried.
_OF_THE_FIT = ("held_out_", "people", "path_")


def without_patients(model: T) -> T:
    """Return a copy of a fitted estimator that predicts the same and names no training patient.

    The person behind each row and the out-of-fold values are dropped, in every step of a chain. A
    support vector machine keeps its support vectors, which are standardised features of patients.

    Parameters
    ----------
    model : estimator, or a list, tuple or dict of estimators
        Fitted; left as it is.

    Examples
    --------
    >>> from gliofuse.signature import SVMSignature
    >>> X, y = [[0.0], [0.1], [0.2], [1.0], [1.1], [1.2]], [0, 0, 0, 1, 1, 1]
    >>> kept = without_patients(SVMSignature(C=[1.0], gamma=[1.0], folds=3).fit(X, y))
    >>> hasattr(kept, "held_out_"), kept.predict([[1.0]]).tolist()
    (False, [1])
    """
    found = copy.deepcopy(model)
    for estimator in _estimators(found):
        for name in _OF_THE_FIT:
            if name in vars(estimator):
                if name.endswith("_"):
                    delattr(estimator, name)
                else:
                    setattr(estimator, name, None)
    return found


def _estimators(value: Any) -> Iterator[BaseEstimator]:
    """Yield the estimators in a value, each before those that it holds."""
    if isinstance(value, BaseEstimator):
        yield value
        value = list(vars(value).values())
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _estimators(one)
