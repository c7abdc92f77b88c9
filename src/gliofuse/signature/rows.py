"""Sums over a patient's columns that do not depend on who else is in the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["weighted_sums"]


def weighted_sums(X: ArrayLike, coefficients: ArrayLike) -> NDArray[np.float64]:
    """Return ``X @ coefficients``, each row's to the last digit the same in any table.

    A matrix product adds up in an order that depends on the number of rows, so that a patient who
    is predicted alone would differ from the same one in a cohort.

    Parameters
    ----------
    X : array-like of shape (patients, columns)
    coefficients : array-like of shape (columns,)

    Examples
    --------
    >>> weighted_sums([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])
    array([12., 34.])
    """
    rows = np.ascontiguousarray(X, dtype=np.float64)
    result: NDArray[np.float64] = (rows * np.asarray(coefficients, dtype=np.float64)).sum(axis=1)
    return result
