"""Area under the ROC curve with DeLong's variance, over all patients or within strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation._checks import check_binary, normal_quantile
from gliofuse.evaluation.inference import logit_limits, method_name, variance_with_refits
from gliofuse.evaluation.pairs import FoldPairs, fold_pairs

__all__ = ["AUC", "apparent_aucs", "auc_delong", "auc_within"]

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
        Where the patients have trained each other's models, what refitting adds is in it.
    method : str
        ``"delong"``, or ``"newcombe"`` where the variance says nothing; with ``"_refits"``
        where the patients have trained each other's models.
    """

    estimate: float
    ci_low: float
    ci_high: float
    variance: float
    method: str = "delong"


def auc_delong(y: ArrayLike, p: ArrayLike, *, confidence: float = 0.95) -> AUC:
    """Return the AUC with DeLong's variance and an interval on the scale of its log odds.

    The fast form from mid-ranks, O(n log n). In simulations of 20 to 150 patients and areas of 0.5
    to 0.99 the interval covered in 92 to 98 %, where DeLong's normal one covers in 81 to 92 % at
    an area of 0.9. Where the variance is 0 (perfect separation, or the same score for everyone)
    or a class holds one patient, the interval is Newcombe's method 5, a score-type interval that
    always has a width. No area has a lower limit above that of perfect separation.

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
    Qin G, Hotilovac L. Stat Methods Med Res 2008; 17: 207-221 (the scale).
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


def auc_within(
    predictions: pd.DataFrame,
    by: Sequence[str] = ("fold",),
    *,
    refits: bool = False,
    apparent: float = 1.0,
    confidence: float = 0.95,
) -> AUC | None:
    """Return the AUC of pairs of patients who agree in the columns ``by``: a fold, a centre.

    The AUC over patients of several folds also compares patients whom different models predicted,
    which are not calibrated alike: where they have learned little, that pulls it below 0.5. Here
    every pair of a positive and a negative patient of one stratum counts once, so that a stratum
    weighs by its pairs: the estimate is the share of pairs in which the positive patient has the
    higher score, and over repeats the mean of the single repeats' AUCs. The variance is DeLong's
    over patients, of a patient's mean placement, weighing by the pairs that hold it; with
    ``refits`` it is that of pairs (:mod:`gliofuse.evaluation.pairs`) and what refitting adds.

    Parameters
    ----------
    predictions : DataFrame
        case_id, y_true, probability and the columns ``by``, of one model on one cohort.
    by : sequence of str
    refits : bool
        Whether these patients have trained each other's models, as
        :func:`~gliofuse.evaluation.shares_training` tells: the interval then holds the variance
        that refitting adds, and is about the mean true AUC of the fitted models.
    apparent : float
        The same models' AUC on the patients whom they learned from (:func:`apparent_aucs`), 1 where
        it isn't known; with ``refits`` the interval is the shorter the less they over-fit.
    confidence : float

    Returns
    -------
    AUC or None
        None where no stratum holds patients of both classes.

    References
    ----------
    Airola A, et al. Comput Stat Data Anal 2011; 55: 1828-1844 (the bias of pooling).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcdef"), "center": list("AAABBB"), "y_true": [1, 1, 0, 1, 0, 0],
    ...     "probability": [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]})
    >>> auc_within(table, ["center"]).estimate
    0.5
    """
    if refits:
        pairs = fold_pairs(predictions, by)
        if pairs is None:
            return None
        return from_pairs(pairs, apparent=apparent, confidence=confidence)
    placed = place_within(predictions, by)
    return None if placed is None else from_placed(placed, confidence=confidence)


def apparent_aucs(apparent: pd.DataFrame | None) -> dict[object, float]:
    """Return each model's AUC on the patients whom it was fitted on, of pairs of one fold.

    Parameters
    ----------
    apparent : DataFrame, optional
        case_id, fold, model, y_true and what the fitted model says, probability. The training rows
        of a study's predictions will not do: there other fits may have predicted.

    Returns
    -------
    dict
        By model; empty where nothing is known.
    """
    if apparent is None:
        return {}
    found = {}
    for model, rows in apparent.groupby("model", observed=True):
        placed = place_within(rows.assign(case_id=np.arange(len(rows))), ("fold",))
        if placed is not None:
            found[model] = float(placed.loc[placed["y_true"] == 1, "place"].mean())
    return found


def place_within(predictions: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame | None:
    """Return the placements whose mean over either class is :func:`auc_within`.

    Parameters
    ----------
    predictions : DataFrame
    by : sequence of str

    Returns
    -------
    DataFrame or None
        ``y_true`` and ``place``, of a patient in several strata the mean by pairs; index
        ``case_id``.
    """
    positive, score = check_binary(
        predictions["y_true"], predictions["probability"], both_classes=False
    )
    stratum = predictions.groupby(list(by), observed=True).ngroup().to_numpy()
    place, pairs = np.full(score.size, np.nan), np.zeros(score.size)
    for number in range(stratum.max() + 1):
        own = np.flatnonzero(stratum == number)
        above, below = own[positive[own]], own[~positive[own]]
        if above.size and below.size:
            sides = placements(positive[own], score[own])
            place[above], place[below] = sides
            pairs[above], pairs[below] = below.size, above.size
    known = pairs > 0
    if not known.any():
        return None
    placed = predictions.loc[known, ["case_id", *by, "y_true"]]
    placed = placed.assign(place=place[known], pairs=pairs[known])
    patients = mean_by_pairs(placed)
    label, place, pairs = (patients[name].to_numpy() for name in ("y_true", "place", "pairs"))
    scaled = np.empty(label.size)
    for side in (label == 1, label == 0):
        scaled[side] = scaled_by_pairs(place[side], pairs[side])
    return pd.DataFrame({"y_true": label, "place": scaled}, index=patients.index)


def mean_by_pairs(placed: pd.DataFrame, keys: Sequence[str] = ("case_id",)) -> pd.DataFrame:
    """Return a row a patient: the mean placement by pairs, the sum of the pairs, the label."""
    rows = placed.assign(won=placed["place"] * placed["pairs"])
    sums = rows.groupby(list(keys), observed=True)[["won", "pairs"]].sum()
    labels = rows.drop_duplicates(list(keys)).set_index(list(keys))["y_true"]
    return sums.assign(y_true=labels, place=sums.pop("won") / sums["pairs"])


def scaled_by_pairs(place: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return placements whose plain mean, and its variance, are those weighted by ``pairs``.

    The variance of a weighted mean is that of the weighted deviations from it; with equal weights
    the placements stay what they are.
    """
    mean = np.average(place, weights=pairs)
    return np.asarray(mean + pairs / pairs.mean() * (place - mean))


def from_placed(placed: pd.DataFrame, *, confidence: float) -> AUC:
    """Return the area that is the mean of what :func:`place_within` gave, with its interval."""
    return from_placements(*_of_sides(placed), confidence)


def variance_of_placed(placed: pd.DataFrame) -> float:
    """Return DeLong's variance, of what :func:`place_within` gave."""
    return sum(variance_of_mean(side) for side in _of_sides(placed))


def freedom_of_placed(placed: pd.DataFrame) -> float:
    """Return the degrees of freedom of :func:`variance_of_placed`."""
    sides = _of_sides(placed)
    return satterthwaite([variance_of_mean(one) for one in sides], [one.size - 1 for one in sides])


def satterthwaite(variances: Sequence[float], freedoms: Sequence[int]) -> float:
    """Return the degrees of freedom of a sum of independent estimated variances.

    References
    ----------
    Satterthwaite FE. Biometrics Bull 1946; 2: 110-114.

    Examples
    --------
    >>> satterthwaite([0.5, 0.5], [9, 9])
    18.0
    """
    spread = sum(own**2 / freedom for own, freedom in zip(variances, freedoms) if freedom)
    return sum(variances) ** 2 / spread if spread else np.inf


def _of_sides(placed: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    positive = placed["y_true"].to_numpy() == 1
    place = placed["place"].to_numpy()
    return place[positive], place[~positive]


def from_pairs(pairs: FoldPairs, *, apparent: float = 1.0, confidence: float) -> AUC:
    """Return the area of patients who have trained each other's models, with its interval."""
    return area_with_interval(
        pairs.estimate,
        pairs.variance,
        pairs.sizes,
        refits=True,
        averaged=pairs.averaged,
        apparent=apparent,
        folds=pairs.folds,
        confidence=confidence,
    )


def from_placements(of_positives: np.ndarray, of_negatives: np.ndarray, confidence: float) -> AUC:
    """Return the area that is the mean of the placements of patients of one model."""
    variance = variance_of_mean(of_positives) + variance_of_mean(of_negatives)
    sizes = of_positives.size, of_negatives.size
    return area_with_interval(float(of_positives.mean()), variance, sizes, confidence=confidence)


def area_with_interval(
    estimate: float,
    variance: float,
    sizes: tuple[int, int],
    *,
    refits: bool = False,
    averaged: float = 0.0,
    apparent: float = 1.0,
    folds: int | None = None,
    confidence: float = 0.95,
) -> AUC:
    """Return an area with the interval that its variance and sizes allow, see auc_delong.

    ``variance`` is that under fitted models; ``refits``, ``averaged``, ``apparent`` and
    ``folds`` as in :func:`~gliofuse.evaluation.inference.logit_limits`.
    """
    if not variance > NO_VARIANCE:
        low, high = newcombe_interval(estimate, *sizes, confidence=confidence)
        method = method_name("newcombe", refits=refits)
        return AUC(estimate, low, high, max(variance, 0.0), method)
    low, high = logit_limits(
        estimate,
        variance,
        refits=refits,
        averaged=averaged,
        apparent=apparent,
        folds=folds,
        confidence=confidence,
    )
    if refits:
        variance = variance_with_refits(
            estimate, variance, averaged=averaged, apparent=apparent, folds=folds
        )
    furthest, _ = newcombe_interval(1.0, *sizes, confidence=confidence)
    low, high = min(low, furthest), max(high, 1 - furthest)
    return AUC(estimate, low, high, variance, method_name("delong", refits=refits))


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
    """Return the variance of the mean of one placement of each patient; NaN for a single one."""
    if placement.size < 2:
        return float("nan")
    return float(placement.var() / (placement.size - 1))


def mid_ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
