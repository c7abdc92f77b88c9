"""Which class a patient is called, and how often that is right: confusion, rates and kappa."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError, did_you_mean
from gliofuse.evaluation._frame import grouped
from gliofuse.evaluation.inference import shares_training
from gliofuse.evaluation.multiclass._checks import check_classes, pool_classes
from gliofuse.evaluation.rates import rate

__all__ = ["class_rates", "cohen_kappa", "confusion_counts", "confusion_counts_table"]

RATES = ("sensitivity", "specificity", "precision")


def confusion_counts(y: ArrayLike, p: ArrayLike, classes: Sequence[str]) -> pd.DataFrame:
    """Return how many patients of each class are called what.

    A patient is called the class of the largest probability; of equal ones the first in order.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str

    Returns
    -------
    DataFrame of shape (k, k)
        Rows: true classes; columns: called ones.

    Examples
    --------
    >>> p = [[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]
    >>> confusion_counts(["2", "3", "3"], p, ["2", "3", "4"]).values.tolist()
    [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    """
    codes, chance = check_classes(y, p, classes)
    return pd.DataFrame(
        counts_of(codes, called_classes(chance), len(classes)),
        index=pd.Index(classes, name="y_true"),
        columns=pd.Index(classes, name="called"),
    )


def confusion_counts_table(
    predictions: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    confidence: float = 0.95,
    include_training: bool = False,
) -> pd.DataFrame:
    """Return the confusion matrix of every cohort and model, a row a cell.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true and the probabilities; pooled to a row a patient.
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    confidence : float
    include_training : bool

    Returns
    -------
    DataFrame
        cohort, model, y_true, called, n, share (of the patients of the true class; NaN if there
        is none), ci_low, ci_high (Wilson), apparent.
    """
    pooled = pool_classes(predictions, columns, include_training=include_training)
    rows, sharing = [], shares_training(predictions)
    for cohort, model, group in grouped(pooled):
        counts = confusion_counts(group["y_true"], group[list(columns.values())], tuple(columns))
        for true, line in counts.iterrows():
            size = int(line.sum())
            for called, count in line.items():
                share, low, high, _ = rate(
                    count, size, refits=cohort in sharing, confidence=confidence
                )
                rows.append((cohort, model, true, called, int(count), share, low, high))
    names = ["cohort", "model", "y_true", "called", "n", "share", "ci_low", "ci_high"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(apparent=table["cohort"] == "training")


def class_rates(
    y: ArrayLike, p: ArrayLike, classes: Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return sensitivity, specificity and precision of each class, with Wilson's intervals.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n, k)
    classes : sequence of str
    confidence : float

    Returns
    -------
    DataFrame
        class, metric, estimate, ci_low, ci_high, n, n_class. NaN where there is nobody to count:
        no patient of the class (sensitivity), all of it (specificity), none called it
        (precision).
    """
    codes, chance = check_classes(y, p, classes)
    counts = counts_of(codes, called_classes(chance), len(classes))
    return rates_of_counts(counts, classes, confidence=confidence).drop(columns="interval")


def rates_of_counts(
    counts: np.ndarray, classes: Sequence[str], *, refits: bool = False, confidence: float = 0.95
) -> pd.DataFrame:
    """Return :func:`class_rates` of a confusion matrix (k, k), with ``interval``."""
    total = counts.sum()
    rows = []
    for k, name in enumerate(classes):
        of_class, called, right = counts[k].sum(), counts[:, k].sum(), counts[k, k]
        left_alone = total - of_class - called + right
        parts = ((right, of_class), (left_alone, total - of_class), (right, called))
        for metric, (count, size) in zip(RATES, parts, strict=True):
            found = rate(count, size, refits=refits, confidence=confidence)
            rows.append((name, metric, *found, round(total), round(of_class)))
    columns = ["class", "metric", "estimate", "ci_low", "ci_high", "interval", "n", "n_class"]
    return pd.DataFrame(rows, columns=columns)


def cohen_kappa(counts: ArrayLike, *, weights: str | None = None) -> np.ndarray:
    """Return Cohen's kappa between the true and the called classes.

    Parameters
    ----------
    counts : array-like of shape (..., k, k)
        Confusion matrices.
    weights : None or "quadratic"
        None counts every confusion alike; ``"quadratic"`` by the square of how many places apart
        the classes stand, for ordered classes such as grades.

    Returns
    -------
    ndarray of shape (...)
        NaN where everyone is of one class and called so: there is no chance agreement to exceed.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960; 20: 37-46, and Psychol Bull 1968; 70: 213-220 (weighted).

    Examples
    --------
    >>> cohen_kappa([[20, 5], [10, 15]]).round(6)
    np.float64(0.4)
    """
    if weights not in (None, "quadratic"):
        raise InputError(
            f"weights must be None or 'quadratic': {did_you_mean(str(weights), ['quadratic'])}"
        )
    matrix = np.asarray(counts, dtype=float)
    places = np.arange(matrix.shape[-1])
    apart = (places[:, None] - places) ** 2.0 if weights else 1.0 * (places[:, None] != places)
    true, called = matrix.sum(axis=-1), matrix.sum(axis=-2)
    expected = true[..., :, None] * called[..., None, :]
    n = matrix.sum(axis=(-2, -1))
    disagreement = n * (matrix * apart).sum(axis=(-2, -1))
    by_chance = (expected * apart).sum(axis=(-2, -1))
    ratio = np.full(n.shape, np.nan)
    np.divide(disagreement, by_chance, out=ratio, where=by_chance > 0)
    return 1 - ratio[()]


def called_classes(chance: np.ndarray) -> np.ndarray:
    """Return the number of the most probable class of each patient; of equal ones the first."""
    return np.asarray(chance.argmax(axis=1))


def counts_of(codes: np.ndarray, called: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the confusion matrix (k, k) of class numbers: rows true, columns called."""
    cells = np.bincount(codes * n_classes + called, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)
