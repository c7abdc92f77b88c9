"""The pairs of patients that a cross-validation compares, and how chance moves the share won.

With few patients a fold, DeLong's variance is too large: a patient's placement rests on the few
patients of the other class in the fold, and their chance is counted once more with each placement
(1.2 times the variance with six of each class a fold, 1.4 times with three, no signal). The
variance of a sum over pairs is known without that. Let w_ij be 1 where positive patient i has a
higher score than negative patient j, a half where they tie, for the P pairs of all folds, and A
its mean. The square of P A is the sum of w_ij w_kl over all pairs of pairs. Those that share a
patient and those that don't are told apart: where nothing is shared, the mean of w_ij w_kl
estimates the squared expectation of A without bias, and

    variance = A^2 - mean of w_ij w_kl over pairs of pairs without a common patient

the variance, the models being given. It holds for any values w, the difference of two models'
among them, and needs no fold with two patients of a class. Since neither class' part of it is
ever negative, it is not taken for less than (mean of w_ij^2 - A^2) / P.

References
----------
Bamber D. J Math Psychol 1975; 12: 387-415 (one fold).
Hoeffding W. Ann Math Stat 1948; 19: 293-325 (the parts of a U-statistic's variance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import check_binary

__all__ = ["FoldPairs", "fold_pairs"]


@dataclass(frozen=True)
class FoldPairs:
    """Which pairs a model has won, in each fold of each repeat.

    Parameters
    ----------
    repeats : tuple of tuple of ndarray
        By repeat and fold, or the part of a fold whose patients may be compared: for each positive
        patient (rows) and negative patient (columns) 1 where the positive one has the higher
        score, a half for a tie; or the difference of two models.
    sizes : tuple of int
        Positive and negative patients.
    folds : int
        Of a repeat; those without a pair are left out.
    """

    repeats: tuple[tuple[np.ndarray, ...], ...]
    sizes: tuple[int, int]
    folds: int

    @property
    def estimate(self) -> float:
        """The mean over all pairs of all repeats."""
        return _mean([won for folds in self.repeats for won in folds])

    @property
    def variance(self) -> float:
        """Of the estimate of one repeat, its models being given; NaN where it can't be told."""
        return float(np.mean([_variance(folds) for folds in self.repeats]))

    @property
    def averaged(self) -> float:
        """How much of one repeat's variance the mean over the repeats takes away.

        A repeat's variance is that of the mean over all divisions of the patients and that between
        divisions, which the repeats show; of the latter R repeats leave the R-th part.
        """
        number = len(self.repeats)
        if number < 2:
            return 0.0
        between = np.var([_mean(folds) for folds in self.repeats], ddof=1)
        return float(between * (1 - 1 / number))

    def minus(self, other: FoldPairs) -> FoldPairs:
        """Return the difference of two models on the same patients and folds, in one order."""
        pairs = zip(self.repeats, other.repeats, strict=True)
        return FoldPairs(
            tuple(tuple(a - b for a, b in zip(*folds, strict=True)) for folds in pairs),
            self.sizes,
            self.folds,
        )


def fold_pairs(predictions: pd.DataFrame, by: Sequence[str]) -> FoldPairs | None:
    """Return the pairs of patients who agree in the columns ``by``; None where there are none.

    Parameters
    ----------
    predictions : DataFrame
        case_id, y_true, probability and the columns ``by``, of one model on one cohort.
    by : sequence of str
    """
    positive, score = check_binary(
        predictions["y_true"], predictions["probability"], both_classes=False
    )
    cases = predictions["case_id"].to_numpy()
    stratum = predictions.groupby(list(by), observed=True).ngroup().to_numpy()
    fold = predictions["fold"].to_numpy() if "fold" in by else stratum
    repeats: list[list[np.ndarray]] = []
    seen: list[set[str]] = []
    folds: list[set[object]] = []
    known = np.zeros(score.size, dtype=bool)
    for number in range(stratum.max() + 1):
        own = np.flatnonzero(stratum == number)
        above, below = own[positive[own]], own[~positive[own]]
        if not (above.size and below.size):
            continue
        known[own] = True
        if not seen or seen[-1] & set(cases[own]):  # somebody is judged again
            repeats.append([])
            seen.append(set())
            folds.append(set())
        seen[-1] |= set(cases[own])
        folds[-1].add(fold[own[0]])
        repeats[-1].append((1 + np.sign(score[above][:, None] - score[below])) / 2)
    if not repeats:
        return None
    sizes = len(set(cases[known & positive])), len(set(cases[known & ~positive]))
    return FoldPairs(tuple(map(tuple, repeats)), sizes, max(map(len, folds)))


def _mean(folds: Sequence[np.ndarray]) -> float:
    return float(sum(won.sum() for won in folds) / sum(won.size for won in folds))


def _variance(folds: Sequence[np.ndarray]) -> float:
    pairs = sum(won.size for won in folds)
    mean = _mean(folds)
    squares = sum((won**2).sum() for won in folds)
    # Over pairs of pairs with a common patient, each pair with itself among them.
    sharing = -squares
    for won in folds:
        sharing += (won.sum(axis=1) ** 2).sum() + (won.sum(axis=0) ** 2).sum()
    of_sharing = sum(won.size * (sum(won.shape) - 1) for won in folds)
    apart = pairs**2 - of_sharing
    if apart <= 0:
        return float("nan")
    variance = (sharing - of_sharing * mean**2) / apart
    return float(max(variance, (squares / pairs - mean**2) / pairs))
