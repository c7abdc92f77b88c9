"""Proper scores of the probabilities of several classes, patient by patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gliofuse.evaluation.multiclass._checks import check_classes

__all__ = ["brier_scores", "log_losses"]

# A class that was called impossible and came true costs 36, not infinity.
_LEAST_CHANCE = float(np.finfo(float).eps)


def brier_scores(y: ArrayLike, p: ArrayLike, classes: Sequence[str]) -> np.ndarray:
    """Return each patient's Brier score over all classes: 0 is best, 2 worst.

    The sum over the classes of the squared difference between probability and outcome (0 or 1),
    as Brier wrote it. With two classes it is twice the score of the binary tables.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str

    Returns
    -------
    ndarray of shape (n,)

    References
    ----------
    Brier GW. Mon Weather Rev 1950; 78: 1-3.

    Examples
    --------
    >>> brier_scores(["3"], [[0.5, 0.5, 0.0]], ["2", "3", "4"]).tolist()
    [0.5]
    """
    codes, chance = check_classes(y, p, classes)
    outcome = codes[:, None] == np.arange(chance.shape[1])
    return np.asarray(((chance - outcome) ** 2).sum(axis=1))


def log_losses(y: ArrayLike, p: ArrayLike, classes: Sequence[str]) -> np.ndarray:
    """Return minus the natural logarithm of the probability of each patient's class.

    0 is best; guessing all k classes alike costs log(k). Probabilities below 2.2e-16 count as
    that.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> log_losses(["2", "3"], [[1, 0, 0], [0.25, 0.5, 0.25]], ["2", "3", "4"]).round(3).tolist()
    [0.0, 0.693]
    """
    codes, chance = check_classes(y, p, classes)
    own = chance[np.arange(codes.size), codes]
    return np.asarray(0.0 - np.log(np.maximum(own, _LEAST_CHANCE)))
