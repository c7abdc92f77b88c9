"""Pairs of patients of one fold, and the variance of the share that is won."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from gliofuse.evaluation import auc_within
from gliofuse.evaluation.auc import from_placements, placements
from gliofuse.evaluation.pairs import FoldPairs, fold_pairs


def judged(rng, positives, negatives, folds, shift=0.0):
    parts = []
    for fold in range(folds):
        y = np.repeat([1, 0], [positives, negatives])
        score = rng.normal(size=y.size) + shift * y
        names = [f"{fold}-{number}" for number in range(y.size)]
        parts.append(
            pd.DataFrame({"case_id": names, "fold": fold, "y_true": y, "probability": score})
        )
    return pd.concat(parts, ignore_index=True)


def by_definition(folds):
    """Sum over all pairs of pairs, those without a common patient apart."""
    flat = [
        (fold, i, j, won[i, j])
        for fold, won in enumerate(folds)
        for i, j in product(*map(range, won.shape))
    ]
    mean = np.mean([value for *_, value in flat])
    apart = [
        a[3] * b[3]
        for a, b in product(flat, flat)
        if a[0] != b[0] or (a[1] != b[1] and a[2] != b[2])
    ]
    return mean**2 - np.mean(apart)


def test_the_variance_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    folds = tuple(rng.normal(size=shape) + 0.3 for shape in ((3, 4), (1, 5), (2, 2)))
    pairs = FoldPairs((folds,), (6, 11), len(folds))
    assert pairs.estimate == pytest.approx(np.concatenate([won.ravel() for won in folds]).mean())
    assert pairs.variance == pytest.approx(by_definition(folds), rel=1e-9)
    assert pairs.averaged == 0


@pytest.mark.parametrize("shift", [0.0, 1.8])
def test_small_folds_leave_the_variance_unbiased(shift):
    rng = np.random.default_rng(3)
    found, plain = [], []
    for _ in range(1500):
        rows = []
        for _ in range(10):  # three of each class a fold
            score = rng.normal(size=6) + shift * (np.arange(6) < 3)
            rows.append((1 + np.sign(score[:3, None] - score[3:])) / 2)
        found.append(FoldPairs((tuple(rows),), (30, 30), len(rows)))
        sides = (
            np.ravel([won.mean(axis=1) for won in rows]),
            np.ravel([won.mean(axis=0) for won in rows]),
        )
        plain.append(from_placements(*sides, 0.95).variance)
    true = np.var([pairs.estimate for pairs in found])
    assert np.mean([pairs.variance for pairs in found]) == pytest.approx(true, rel=0.08)
    assert np.mean(plain) > 1.25 * true


def test_one_fold_of_many_patients_has_delongs_variance():
    rng = np.random.default_rng(1)
    y = np.arange(400) % 2 == 1
    score = rng.normal(size=400) + y
    table = pd.DataFrame(
        {"case_id": range(400), "fold": 0, "y_true": y.astype(int), "probability": score}
    )
    delong = from_placements(*placements(y, score), 0.95)
    pairs = fold_pairs(table, ["fold"])
    assert pairs.estimate == pytest.approx(delong.estimate)
    assert pairs.variance == pytest.approx(delong.variance, rel=0.01)


def test_a_variance_is_never_less_than_that_of_the_pairs_alone():
    won = np.array([[1.0, 0.0], [0.0, 1.0]])  # rows and columns of one mean
    pairs = FoldPairs(((won, won),), (4, 4), 2)
    assert by_definition((won, won)) < 0.25 / 8
    assert pairs.variance == pytest.approx(0.25 / 8)
    one = FoldPairs(((np.array([[1.0, 0.0]]),),), (1, 2), 1)
    assert np.isnan(one.variance)


def test_repeats_are_told_apart_by_who_is_judged_again():
    rng = np.random.default_rng(5)
    first = judged(rng, 4, 5, 3)
    second = judged(rng, 4, 5, 3).assign(fold=lambda rows: rows["fold"] + 3)
    pairs = fold_pairs(pd.concat([first, second]), ["fold"])
    assert [len(folds) for folds in pairs.repeats] == [3, 3]
    assert pairs.folds == 3
    centers = first.assign(center=np.arange(len(first)) % 2)
    parts = fold_pairs(centers, ["center", "fold"])
    assert (len(parts.repeats[0]), parts.folds) == (6, 3)
    assert pairs.sizes == (12, 15)
    single = [fold_pairs(table, ["fold"]) for table in (first, second)]
    areas = [one.estimate for one in single]
    assert pairs.estimate == pytest.approx(np.mean(areas))
    assert pairs.variance == pytest.approx(np.mean([one.variance for one in single]))
    assert pairs.averaged == pytest.approx(np.var(areas, ddof=1) / 2)
    assert pairs.minus(pairs).variance == 0


def test_a_fold_of_one_class_holds_no_pairs():
    table = judged(np.random.default_rng(2), 3, 3, 2)
    table = table[~((table["fold"] == 1) & (table["y_true"] == 1))]
    assert fold_pairs(table, ["fold"]).sizes == (3, 3)
    assert fold_pairs(table[table["fold"] == 1], ["fold"]) is None
    assert auc_within(table[table["fold"] == 1], refits=True) is None
