"""What the figures of several classes ask of classes, probabilities and their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError, did_you_mean
from gliofuse.evaluation.predictions import pool_columns

__all__ = ["check_classes", "pool_classes", "reason_unusable", "usable_classes"]

# Averages of float32 probabilities add up to 1 far better than this; percentages and scores don't.
_SUM_TOLERANCE = 1e-3


def check_classes(
    y: ArrayLike, p: ArrayLike, classes: Sequence[str], *, name: str = "y"
) -> tuple[np.ndarray, np.ndarray]:
    """Return each patient's class as a number, and the probabilities as floats.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes.
    p : array-like of shape (n, k)
        A probability of each class, in the order of ``classes``; a row adds up to 1.
    classes : sequence of str
        Two or more different names.
    name : str
        Of ``y`` in messages.

    Returns
    -------
    ndarray of int, shape (n,)
    ndarray of float, shape (n, k)

    Raises
    ------
    InputError
        If a class is unknown or missing, or a probability is missing, out of range or doesn't
        belong to rows that add up to 1.
    """
    names = [str(value) for value in classes]
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f"classes must be two or more different names, got {names}")
    labels = np.asarray(y, dtype=object)
    chance = np.asarray(p, dtype=float)
    if labels.ndim != 1 or labels.size == 0:
        raise InputError(f"{name} must hold one class a patient, got shape {labels.shape}")
    if chance.shape != (labels.size, len(names)):
        raise InputError(
            f"probabilities must have the shape {(labels.size, len(names))} of patients and "
            f"classes, got {chance.shape}"
        )
    number = {value: place for place, value in enumerate(names)}
    codes = np.array([number.get(str(label), -1) for label in labels])
    if (codes < 0).any():
        odd = labels[codes < 0][0]
        raise InputError(
            f"{name} must hold only the classes {names} and nothing missing, got {odd!r}: "
            f"{did_you_mean(str(odd), names)}"
        )
    if not np.isfinite(chance).all():
        lacking = int((~np.isfinite(chance).all(axis=1)).sum())
        raise InputError(
            f"probabilities must be finite, got {lacking} patients with a missing or infinite "
            f"one of {labels.size}; list those patients as excluded instead"
        )
    sums = chance.sum(axis=1)
    if chance.min() < 0 or chance.max() > 1 or np.abs(sums - 1).max() > _SUM_TOLERANCE:
        worst = int(np.argmax(np.abs(sums - 1)))
        raise InputError(
            "probabilities must lie between 0 and 1 and add up to 1 for each patient, got "
            f"{chance.min():g} to {chance.max():g} and a sum of {sums[worst]:g}; give the "
            "probabilities of all classes"
        )
    return codes, chance


def pool_classes(
    predictions: pd.DataFrame, columns: Mapping[str, str], *, include_training: bool = False
) -> pd.DataFrame:
    """Return one row per cohort, model and patient, probabilities averaged over a patient's rows.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true (the class's name) and the probabilities.
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    include_training : bool

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.pool_columns`; y_true is text.
    """
    pooled = pool_columns(
        predictions,
        outcomes=("y_true",),
        averaged=tuple(columns.values()),
        include_training=include_training,
    )
    return pooled.assign(y_true=pooled["y_true"].astype(str))


def usable_classes(codes: np.ndarray, n_classes: int) -> list[int]:
    """Return the numbers of the classes that can be told from the rest."""
    sizes = np.bincount(codes, minlength=n_classes)
    return [k for k in range(n_classes) if not reason_unusable(int(sizes[k]), codes.size)]


def reason_unusable(n_class: int, n: int) -> str:
    """Return why a class of ``n_class`` among ``n`` patients has no AUC; empty if it has one.

    One patient's rank is no measure of a model: averaged in, it would weigh as much as the AUC of
    a class of fifty and its spread could not be estimated.
    """
    if n_class == 0:
        return "no patient of the class"
    if n_class == 1:
        return "a single patient of the class"
    return "every patient is of the class" if n_class == n else ""
