"""Whether the probability of each class comes true: the binary figures, class against rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation.calibration import calibration_curve, calibration_summary
from gliofuse.evaluation.multiclass._checks import check_classes, reason_unusable
from gliofuse.evaluation.roc import roc_points

__all__ = ["class_calibration_curves", "class_calibration_summary", "class_roc_points"]


def class_calibration_curves(
    y: ArrayLike,
    p: ArrayLike,
    classes: Sequence[str],
    *,
    bootstrap: int = 500,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return :func:`~gliofuse.evaluation.calibration_curve` of each class against the rest.

    Each class is judged by itself; that the probabilities add up to 1 is not used. Classes with
    fewer than two patients have no rows.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models.
    confidence : float

    Returns
    -------
    DataFrame
        class, predicted, observed, ci_low, ci_high.

    References
    ----------
    Van Hoorde K, et al. Stat Med 2014; 33: 2585-2596 (class-wise calibration of several classes).
    """
    return _each_class(
        y,
        p,
        classes,
        lambda member, chance: calibration_curve(
            member, chance, bootstrap=bootstrap, seed=seed, refits=refits, confidence=confidence
        ),
    )


def class_calibration_summary(
    y: ArrayLike,
    p: ArrayLike,
    classes: Sequence[str],
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return :func:`~gliofuse.evaluation.calibration_summary` of each class against the rest.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n, k)
    classes : sequence of str
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models.
    confidence : float

    Returns
    -------
    DataFrame
        class and the columns of the binary summary, one row a class; the Brier score is that of
        the class against the rest. A class with fewer than two patients has NaN and a note.
    """
    codes, _ = check_classes(y, p, classes)
    found = _each_class(
        y,
        p,
        classes,
        lambda member, chance: calibration_summary(
            member, chance, bootstrap=bootstrap, seed=seed, refits=refits, confidence=confidence
        ),
    )
    sizes = np.bincount(codes, minlength=len(classes))
    table = found.set_index("class").reindex(list(classes)) if len(found) else pd.DataFrame()
    if table.empty:
        return table
    for name, size in zip(classes, sizes, strict=True):
        if note := reason_unusable(int(size), codes.size):
            table.loc[name, "note"] = note
    table["n"], table["n_positive"] = codes.size, sizes
    return table.reset_index()


def class_roc_points(
    y: ArrayLike,
    p: ArrayLike,
    classes: Sequence[str],
    *,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return :func:`~gliofuse.evaluation.roc_points` of each class against the rest.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n, k)
    classes : sequence of str
    refits : bool
        Whether these patients have trained each other's models.
    confidence : float

    Returns
    -------
    DataFrame
        class and the columns of the binary table; no rows of classes with fewer than two
        patients.
    """
    return _each_class(
        y,
        p,
        classes,
        lambda member, chance: roc_points(member, chance, refits=refits, confidence=confidence),
    )


def _each_class(
    y: ArrayLike,
    p: ArrayLike,
    classes: Sequence[str],
    function: Callable[[np.ndarray, np.ndarray], pd.DataFrame],
) -> pd.DataFrame:
    codes, chance = check_classes(y, p, classes)
    parts = []
    for number, name in enumerate(classes):
        member = codes == number
        if not reason_unusable(int(member.sum()), codes.size):
            table = function(member, chance[:, number])
            table.insert(0, "class", name)
            parts.append(table)
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
