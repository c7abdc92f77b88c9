"""Area under the ROC curve with DeLong's variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation._checks import check_binary, normal_quantile

__all__ = ["AUC", "auc_delong", "auc_within", "auc_within_folds"]

# Below this a variance of the AUC is rounding, not sampling: (1 / number of pairs)^2 of the
# largest cohort anyone evaluates is far above it.
NO_VARIANCE = 1e-15


@dataclass(frozen=True)
class AUC:
    """An area under the ROC curve with its interval.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
    variance : float
        DeLong's; 0 where every placement is equal, NaN with fewer than two patients in a class.
    method : str
        ``"delong"``, or ``"newcombe"`` where DeLong's variance says nothing.
    """

    estimate: float
    ci_low: float
    ci_high: float
    variance: float
    method: str = "delong"


def auc_delong(y: ArrayLike, p: ArrayLike, *, confidence: float = 0.95) -> AUC:
    """Return the AUC with DeLong's confidence interval (normal, cut off at 0 and 1).

    The fast form from mid-ranks, O(n log n). Where the variance is 0 (perfect separation, or the
    same score for everyone) or a class holds one patient, DeLong's interval would have no width
    and would be read as certainty; the interval is then Newcombe's method 5, a score-type
    interval that always has a width and shrinks with the number of patients.

    Parameters
    ----------
    y : array-like of shape (n,)
        Labels, 0 or 1; both present.
    p : array-like of shape (n,)
        Probabilities or any score that grows with the chance of 1. Missing values are refused.
    confidence : float

    Raises
    ------
    InputError
        If a label or score is missing, or only one class is present.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988; 44: 837-845.
    Sun X, Xu W. IEEE Signal Process Lett 2014; 21: 1389-1393 (mid-ranks).
    Newcombe RG. Stat Med 2006; 25: 559-573 (method 5).

    Examples
    --------
    >>> auc_delong([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).estimate
    0.75
    >>> perfect = auc_delong([0] * 10 + [1] * 10, range(20))
    >>> perfect.method, round(perfect.ci_low, 2), perfect.ci_high
    ('newcombe', 0.8, 1.0)
    """
    positive, score = check_binary(y, p)
    of_positives, of_negatives = placements(positive, score)
    return from_placements(of_positives, of_negatives, confidence)


def auc_within_folds(predictions: pd.DataFrame, *, confidence: float = 0.95) -> AUC | None:
    """Return the AUC of pairs of patients whom the same fold's model predicted.

    The pooled AUC of a cross-validation also compares patients across folds, whose models are not
    calibrated alike: where a model has learned little, that pulls it below 0.5. Here a pair counts
    where one fold's model predicted both, see :func:`auc_within`; a patient whom several folds
    predict (repeats) counts once, with the pairs of all of them.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, y_true, probability of one model on one cohort.
    confidence : float

    Returns
    -------
    AUC or None
        None where fewer than two folds hold patients of both classes.

    References
    ----------
    Airola A, et al. Comput Stat Data Anal 2011; 55: 1828-1844 (the bias of pooling).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcd"), "fold": list("1122"), "y_true": [0, 1, 0, 1],
    ...     "probability": [0.1, 0.2, 0.8, 0.9]})
    >>> auc_within_folds(table).estimate
    1.0
    """
    folds = [fold for _, fold in predictions.groupby("fold") if fold["y_true"].nunique() == 2]
    return auc_within(predictions, ("fold",), confidence=confidence) if len(folds) > 1 else None


def auc_within(
    predictions: pd.DataFrame, by: Sequence[str], *, confidence: float = 0.95
) -> AUC | None:
    """Return the AUC of pairs of patients who agree in the columns ``by``: a fold, a centre.

    Every such pair of a positive and a negative patient counts once, so that a stratum weighs by
    its pairs: the estimate is the share of pairs in which the positive patient has the higher
    score. The interval is DeLong's over patients, a patient weighing by the pairs that hold it.

    Parameters
    ----------
    predictions : DataFrame
        case_id, y_true, probability and the columns ``by``, of one model on one cohort.
    by : sequence of str
    confidence : float

    Returns
    -------
    AUC or None
        None where no stratum holds patients of both classes.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcdef"), "center": list("AAABBB"), "y_true": [1, 1, 0, 1, 0, 0],
    ...     "probability": [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]})
    >>> auc_within(table, ["center"]).estimate
    0.5
    """
    patients = place_within(predictions, by)
    if patients is None:
        return None
    of_positives, of_negatives = (
        patients.loc[patients["y_true"] == label, "place"].to_numpy() for label in (1, 0)
    )
    return from_placements(of_positives, of_negatives, confidence)


def place_within(predictions: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame | None:
    """Return ``y_true`` and ``place`` by ``case_id``, what :func:`auc_within` is the mean of."""
    placed = []
    for _, stratum in predictions.groupby(list(by)):
        if stratum["y_true"].nunique() < 2:
            continue
        positive, score = check_binary(stratum["y_true"], stratum["probability"])
        place, pairs = np.empty(len(stratum)), np.empty(len(stratum))
        place[positive], place[~positive] = placements(positive, score)
        pairs[positive], pairs[~positive] = (~positive).sum(), positive.sum()
        placed.append(stratum[["case_id", "y_true"]].assign(place=place, pairs=pairs))
    if not placed:
        return None
    patients = mean_by_pairs(pd.concat(placed))
    for _, side in patients.groupby("y_true"):
        scaled = scaled_by_pairs(side["place"].to_numpy(), side["pairs"].to_numpy())
        patients.loc[side.index, "place"] = scaled
    return patients[["y_true", "place"]]


def mean_by_pairs(placed: pd.DataFrame) -> pd.DataFrame:
    """Return a row a patient: the mean placement by pairs, the sum of the pairs, the label."""
    rows = placed.assign(won=placed["place"] * placed["pairs"])
    patients = rows.groupby("case_id").agg(
        y_true=("y_true", "first"), won=("won", "sum"), pairs=("pairs", "sum")
    )
    return patients.assign(place=patients.pop("won") / patients["pairs"])


def scaled_by_pairs(place: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return placements whose plain mean, and its variance, are those weighted by ``pairs``.

    The variance of a weighted mean is that of the weighted deviations from it; with equal weights
    the placements stay what they are.
    """
    mean = np.average(place, weights=pairs)
    return np.asarray(mean + pairs / pairs.mean() * (place - mean))


def from_placements(of_positives: np.ndarray, of_negatives: np.ndarray, confidence: float) -> AUC:
    estimate = float(of_positives.mean())
    variance = variance_of_mean(of_positives) + variance_of_mean(of_negatives)
    if not variance > NO_VARIANCE:
        low, high = newcombe_interval(
            estimate, of_positives.size, of_negatives.size, confidence=confidence
        )
        return AUC(estimate, low, high, max(variance, 0.0), "newcombe")
    half = normal_quantile(confidence) * np.sqrt(variance)
    return AUC(estimate, float(max(0, estimate - half)), float(min(1, estimate + half)), variance)


def placements(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return DeLong's placement values of the positives and of the negatives, each in input order.

    A positive's is the share of negatives below it, a negative's the share of positives above
    it; ties count half. The mean of either is the AUC.
    """
    ranks = mid_ranks(score)
    above, below = score[positive], score[~positive]
    of_positives = (ranks[positive] - mid_ranks(above)) / below.size
    of_negatives = 1 - (ranks[~positive] - mid_ranks(below)) / above.size
    return of_positives, of_negatives


def newcombe_interval(
    estimate: float, n_positive: int, n_negative: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's method 5 interval of an AUC, which has a width even at 0 and 1.

    It is the set of areas that lie within z standard errors of the estimate, the standard error
    being Hanley's and McNeil's at the area in question, with both class sizes less one replaced
    by half the patients less one.
    """
    z = normal_quantile(confidence)
    mean_size = (n_positive + n_negative) / 2 - 1

    def excess(area: float) -> float:
        spread = 1 + mean_size * ((1 - area) / (2 - area) + area / (1 + area))
        variance = area * (1 - area) * spread / (n_positive * n_negative)
        return float((estimate - area) ** 2 - z**2 * variance)

    return _root(excess, 0.0, estimate), _root(excess, 1.0, estimate)


def _root(function: object, outer: float, inner: float) -> float:
    """Return where ``function`` turns from positive at ``outer`` to negative towards ``inner``."""
    from scipy.optimize import brentq

    if outer == inner:
        return outer
    nudge = 1e-9 * (outer - inner)
    return float(brentq(function, outer, inner + nudge))


def variance_of_mean(placement: np.ndarray) -> float:
    """Return the variance of the mean of the placements; NaN for a single one."""
    if placement.size < 2:
        return float("nan")
    return float(placement.var(ddof=1) / placement.size)


def mid_ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
