"""One-vs-rest and macro AUC against scikit-learn, a double loop, the jackknife and two classes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from gliofuse.errors import InputError
from gliofuse.evaluation import auc_delong, auc_within, delong_matrix, delong_test
from gliofuse.evaluation.multiclass import (
    hand_till,
    macro_auc,
    macro_auc_matrix,
    macro_auc_test,
    macro_auc_within,
    one_vs_rest_auc,
)

NAMES = np.array(["2", "3", "4", "astro", "oligo"], dtype=object)


def patients(seed, n=60, k=3, ties=False, strength=1.0, models=1):
    """Classes by name and probabilities; every class has at least two patients."""
    rng = np.random.default_rng(seed)
    codes = np.r_[np.repeat(np.arange(k), 2), rng.integers(0, k, n - 2 * k)]
    found = []
    for _ in range(models):
        chance = np.exp(rng.normal(0, 1, (n, k)) + strength * (codes[:, None] == np.arange(k)))
        chance /= chance.sum(axis=1, keepdims=True)
        if ties:
            chance = np.round(chance * 8) + 1
            chance /= chance.sum(axis=1, keepdims=True)
        found.append(chance)
    return NAMES[codes], *found, tuple(NAMES[:k])


def naive(y, p, classes):
    """Macro AUC and patients' contributions by loops over pairs, from the written formula."""
    n = len(y)
    areas, contribution = [], np.zeros(n)
    for k, name in enumerate(classes):
        own, rest = np.flatnonzero(y == name), np.flatnonzero(y != name)
        wins = np.array([[(p[i, k] > p[j, k]) + 0.5 * (p[i, k] == p[j, k]) for j in rest]
                         for i in own])  # fmt: skip
        areas.append(wins.mean())
        for place, i in enumerate(own):
            contribution[i] += (wins[place].mean() - wins.mean()) * n / len(own) / len(classes)
        for place, j in enumerate(rest):
            contribution[j] += (wins[:, place].mean() - wins.mean()) * n / len(rest) / len(classes)
    return np.mean(areas), contribution


def naive_variance(contribution, y, classes):
    variance = 0.0
    for name in classes:
        own = contribution[y == name]
        variance += len(own) * (own.var(ddof=1) + own.mean() ** 2) / len(y) ** 2
    return variance


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [3, 4, 5])
def test_areas_are_scikit_learns(k, ties):
    for seed in range(5):
        y, p, classes = patients(seed, k=k, ties=ties)
        single = one_vs_rest_auc(y, p, classes)
        for number, name in enumerate(classes):
            expected = roc_auc_score(y == name, p[:, number])
            assert single.loc[number, "estimate"] == pytest.approx(expected, abs=1e-12)
        options = {"labels": list(classes), "average": "macro"}
        ovr = roc_auc_score(y, p, multi_class="ovr", **options)
        assert macro_auc(y, p, classes).estimate == pytest.approx(ovr, abs=1e-12)
        # One-vs-one as scikit-learn has it is Hand's and Till's M.
        ovo = roc_auc_score(y, p, multi_class="ovo", **options)
        assert hand_till(y, p, classes).estimate == pytest.approx(ovo, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_variance_is_that_of_the_written_formula(k, ties):
    for seed in range(4):
        y, p, classes = patients(seed, n=40, k=k, ties=ties)
        area = macro_auc(y, p, classes)
        estimate, contribution = naive(y, p, classes)
        variance = naive_variance(contribution, y, classes)
        assert area.estimate == pytest.approx(estimate, abs=1e-12)
        assert area.variance == pytest.approx(variance, rel=1e-9)
        assert area.method == "delong"
        odds = np.log(estimate / (1 - estimate))
        half = 1.959963984540054 * np.sqrt(variance) / (estimate * (1 - estimate))
        limits = [1 / (1 + np.exp(-(odds + side * half))) for side in (-1, 1)]
        assert (area.ci_low, area.ci_high) == pytest.approx(limits, abs=1e-12)


def test_paired_test_is_that_of_the_written_formula():
    for seed in range(4):
        y, a, b, classes = patients(seed, n=40, k=4, ties=seed % 2 == 0, models=2)
        test = macro_auc_test(y, a, b, classes)
        (area_a, ours), (area_b, theirs) = (naive(y, p, classes) for p in (a, b))
        assert (test.auc_a, test.auc_b) == pytest.approx((area_a, area_b), abs=1e-12)
        error = np.sqrt(naive_variance(ours - theirs, y, classes))
        assert test.z == pytest.approx((area_a - area_b) / error, rel=1e-9)
        assert test.p == pytest.approx(2 * norm.sf(abs(test.z)), rel=1e-9)
        assert test.ci_high - test.ci_low == pytest.approx(2 * 1.959963984540054 * error)


@pytest.mark.parametrize("function", [macro_auc, hand_till])
def test_variance_is_near_the_jackknifes(function):
    # The jackknife leaves out one patient at a time and knows nothing of placements.
    for seed in range(3):
        y, p, classes = patients(seed, n=90, k=3)
        left = [
            function(np.delete(y, i), np.delete(p, i, axis=0), classes).estimate
            for i in range(len(y))
        ]
        jackknife = (len(y) - 1) * np.var(left)
        assert function(y, p, classes).variance == pytest.approx(jackknife, rel=0.06)


def test_standard_error_is_near_the_bootstraps():
    rng = np.random.default_rng(4)
    y, p, classes = patients(8, n=120, k=3)
    drawn = [rng.integers(0, len(y), len(y)) for _ in range(800)]
    spread = np.std([macro_auc(y[rows], p[rows], classes).estimate for rows in drawn])
    assert np.sqrt(macro_auc(y, p, classes).variance) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize("n", [60, 150])
def test_interval_covers_as_often_as_it_says(n):
    # 400 cohorts: the share that covers has a standard error of 1.1 per cent. The truth is the
    # macro AUC of a cohort of 60,000 of the same mixture.
    rng = np.random.default_rng(n)
    mixture = (0.35, 0.25, 0.4)

    def cohort(size):
        codes = rng.choice(3, size, p=mixture)
        chance = np.exp(rng.normal(0, 1, (size, 3)) + (codes[:, None] == np.arange(3)))
        return NAMES[codes], chance / chance.sum(axis=1, keepdims=True)

    truth = macro_auc(*cohort(60_000), NAMES[:3]).estimate
    areas = [macro_auc(*cohort(n), NAMES[:3]) for _ in range(400)]
    covered = np.mean([area.ci_low <= truth <= area.ci_high for area in areas])
    assert 0.91 <= covered <= 0.98
    claimed = np.sqrt(np.mean([area.variance for area in areas]))
    assert claimed == pytest.approx(np.std([area.estimate for area in areas]), rel=0.1)


def test_equal_models_differ_as_often_as_chance():
    rng = np.random.default_rng(12)
    found = []
    for _ in range(400):
        codes = np.r_[0, 0, 1, 1, 2, 2, rng.choice(3, 74)]
        shared = rng.normal(0, 1, (80, 3)) + 1.2 * (codes[:, None] == np.arange(3))
        a, b = (np.exp(shared + rng.normal(0, 0.8, (80, 3))) for _ in range(2))
        test = macro_auc_test(
            NAMES[codes],
            a / a.sum(axis=1, keepdims=True),
            b / b.sum(axis=1, keepdims=True),
            NAMES[:3],
        )
        found.append(test.p)
    assert 0.02 <= np.mean(np.array(found) < 0.05) <= 0.085


@pytest.mark.parametrize("ties", [False, True])
def test_two_classes_are_the_binary_figures(ties):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        codes = np.r_[0, 0, 1, 1, rng.integers(0, 2, 36)]
        # Eighths are exact in floating point: 1 - p has the ties of p.
        scores = [(rng.integers(0, 1024, 40) + 1024 * codes) / 4096 for _ in range(2)]
        if ties:
            scores = [np.round(score * 8) / 8 for score in scores]
        both = [np.column_stack([1 - score, score]) for score in scores]
        y, classes = NAMES[codes], ("2", "3")
        single = auc_delong(codes, scores[0])
        for area in (macro_auc(y, both[0], classes), hand_till(y, both[0], classes)):
            assert area.estimate == pytest.approx(single.estimate, abs=1e-14)
            assert area.variance == pytest.approx(single.variance, rel=1e-12)
            assert area.ci_low == pytest.approx(single.ci_low, abs=1e-12)
            assert area.ci_high == pytest.approx(single.ci_high, abs=1e-12)
        row = one_vs_rest_auc(y, both[0], classes).iloc[1]
        assert row[["estimate", "ci_low", "ci_high"]].tolist() == [
            single.estimate, single.ci_low, single.ci_high,
        ]  # fmt: skip
        ours = macro_auc_test(y, both[0], both[1], classes)
        theirs = delong_test(codes, scores[0], scores[1])
        for name, value in vars(theirs).items():
            assert getattr(ours, name) == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_perfect_separation_has_a_width():
    y = NAMES[np.repeat([0, 1, 2], [6, 10, 20])]
    p = np.where(y[:, None] == NAMES[:3], 0.8, 0.1)
    area = macro_auc(y, p, NAMES[:3])
    assert (area.estimate, area.method) == (1.0, "newcombe")
    # As the binary interval of the smallest class against all others.
    single = auc_delong(y == "2", p[:, 0])
    assert (area.ci_low, area.ci_high) == (single.ci_low, 1.0)
    assert 0.5 < hand_till(y, p, NAMES[:3]).ci_low < area.ci_low < 1
    test = macro_auc_test(y, p, p, NAMES[:3])
    assert (test.difference, test.p, test.ci_low, test.ci_high) == (0, 1, 0, 0)
    for row in ([0.7, 0.2, 0.1], [0.8, 0.15, 0.05]):  # as perfect, by another ranking
        other = p.copy()
        other[0] = row
        test = macro_auc_test(y, p, other, NAMES[:3])
        assert (test.difference, test.p) == (0, 1)
        assert test.ci_low < 0 < test.ci_high


def test_tiny_classes_are_left_out_and_said():
    y, p, classes = patients(3, n=40, k=4)
    lone = np.flatnonzero(y == "3")[1:]
    y, p = np.delete(y, lone), np.delete(p, lone, axis=0)
    keep = y != "4"
    y, p = y[keep], p[keep]
    table = one_vs_rest_auc(y, p, classes).set_index("class")
    assert table["note"].tolist() == [
        "", "a single patient of the class", "no patient of the class", "",
    ]  # fmt: skip
    assert table["estimate"].isna().tolist() == [False, True, True, False]
    area = macro_auc(y, p, classes)
    assert area.classes == ("2", "astro")
    assert area.estimate == pytest.approx(table["estimate"].mean(), abs=1e-12)
    assert 0 < area.variance < 0.1
    pair = np.isin(y, ["2", "astro"])
    expected = np.mean(
        [roc_auc_score(y[pair] == name, p[pair, k]) for name, k in (("2", 0), ("astro", 3))]
    )
    assert hand_till(y, p, classes).estimate == pytest.approx(expected, abs=1e-12)


def test_one_class_beside_one_patient_and_alone():
    p = np.full((4, 3), 1 / 3)
    area = macro_auc(["2", "2", "2", "3"], p, NAMES[:3])
    assert (area.estimate, area.classes, area.method) == (0.5, ("2",), "newcombe")
    assert area.ci_high - area.ci_low > 0.5
    assert np.isnan(hand_till(["2", "2", "2", "3"], p, NAMES[:3]).estimate)
    with pytest.raises(InputError, match=r"others beside it, got \{'2': 4, '3': 0, '4': 0\}"):
        macro_auc(["2"] * 4, p, NAMES[:3])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 5), ties=st.booleans())
def test_order_of_patients_and_names_of_classes_do_not_count(seed, k, ties):
    y, p, other, classes = patients(seed, n=30, k=k, ties=ties, models=2)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(y)), rng.permutation(k)
    renamed = np.array([f"class {name}" for name in y], dtype=object)[rows]
    order = tuple(f"class {classes[column]}" for column in columns)
    for function in (macro_auc, hand_till):
        before = function(y, p, classes)
        after = function(renamed, p[rows][:, columns], order)
        assert after.estimate == pytest.approx(before.estimate, abs=1e-12)
        assert after.variance == pytest.approx(before.variance, rel=1e-9, abs=1e-15)
        assert 0 <= after.ci_low <= after.estimate <= after.ci_high <= 1
    before = macro_auc_test(y, p, other, classes)
    after = macro_auc_test(renamed, other[rows][:, columns], p[rows][:, columns], order)
    assert after.difference == pytest.approx(-before.difference, abs=1e-12)
    assert after.p == pytest.approx(before.p, rel=1e-6)


def prediction_table(y, p, classes, **keys):
    table = pd.DataFrame(p, columns=[f"probability_{name}" for name in classes])
    table.insert(0, "y_true", y)
    table.insert(0, "case_id", [f"p{i:03d}" for i in range(len(y))])
    return table.assign(**{"cohort": "test", "fold": "0", "model": "m"} | keys)


def test_matrix_tests_every_pair_with_holm():
    y, *p, classes = patients(5, n=70, k=3, models=3)
    columns = {name: f"probability_{name}" for name in classes}
    predictions = pd.concat(
        [prediction_table(y, chance, classes, model=f"m{i}") for i, chance in enumerate(p)]
    )
    shuffled = predictions.sample(frac=1, random_state=0)
    table = macro_auc_matrix(shuffled, "test", columns)
    order = list(pd.unique(shuffled["model"]))
    assert table[["model_a", "model_b"]].values.tolist() == [
        list(pair) for pair in combinations(order, 2)
    ]
    for row in table.itertuples():
        a, b = (p[int(name[1])] for name in (row.model_a, row.model_b))
        test = macro_auc_test(y, a, b, classes)
        assert row.difference == pytest.approx(test.difference)
        assert test.p <= row.p <= test.p + 0.02  # Student's distribution instead of the normal
        assert row.n == 70
    expected = np.sort(table["p"].to_numpy())
    assert table["p_holm"].min() == pytest.approx(min(1, 3 * expected[0]))
    with pytest.raises(InputError, match="no patient of cohort 'external'"):
        macro_auc_matrix(predictions, "external", columns)


def test_matrix_of_two_classes_is_the_binary_one():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 2, 50)
    tables = []
    for model in ("a", "b"):
        score = (rng.integers(0, 1024, 50) + 700 * codes) / 2048
        both = np.column_stack([1 - score, score])
        table = prediction_table(NAMES[codes], both, ("2", "3"), model=model)
        tables.append(table.assign(probability=score))
    predictions = pd.concat(tables, ignore_index=True)
    ours = macro_auc_matrix(predictions, "test", {"2": "probability_2", "3": "probability_3"})
    binary = predictions.assign(y_true=(predictions["y_true"] == "3").astype(int))
    pd.testing.assert_frame_equal(ours, delong_matrix(binary, "test"), rtol=1e-9)


def test_within_folds_only_patients_of_one_fold_are_compared():
    y, p, classes = patients(6, n=60, k=3, strength=1.5)
    columns = {name: f"probability_{name}" for name in classes}
    folds = np.arange(60) % 3
    shifted = p ** np.array([0.1, 1.0, 6.0])[folds][:, None]  # each fold's model on its own scale
    shifted /= shifted.sum(axis=1, keepdims=True)
    predictions = prediction_table(y, shifted, classes, fold=folds.astype(str))
    within = macro_auc_within(predictions, columns)
    expected = []
    for k, name in enumerate(classes):
        wins = []
        for fold in range(3):
            own = shifted[(folds == fold) & (y == name), k]
            rest = shifted[(folds == fold) & (y != name), k]
            wins += [(a > b) + 0.5 * (a == b) for a in own for b in rest]
        expected.append(np.mean(wins))
    assert within.estimate == pytest.approx(np.mean(expected), abs=1e-12)
    assert within.ci_low < within.estimate < within.ci_high
    alone = predictions[predictions["fold"] == "0"]
    whole = macro_auc(alone["y_true"], alone[list(columns.values())], classes)
    found = macro_auc_within(alone, columns)
    assert found.classes == whole.classes
    for name in ("estimate", "variance", "ci_low", "ci_high"):
        assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-12)
    # Repeats: the pairs of all of them, each patient once.
    doubled = pd.concat([predictions, predictions.assign(fold="again" + predictions["fold"])])
    again = macro_auc_within(doubled, columns)
    assert again.estimate == pytest.approx(within.estimate, abs=1e-12)
    assert again.variance == pytest.approx(within.variance, rel=1e-9)


def test_within_folds_two_classes_are_the_mean_of_the_binary_figures():
    rng = np.random.default_rng(3)
    codes, folds = rng.integers(0, 2, 45), np.arange(45) % 2
    score = (rng.integers(0, 1024, 45) + 500 * codes) / 2048
    both = np.column_stack([1 - score, score])
    predictions = prediction_table(NAMES[codes], both, ("2", "3"), fold=folds.astype(str))
    ours = macro_auc_within(predictions, {"2": "probability_2", "3": "probability_3"})
    binary = predictions.assign(y_true=codes, probability=score)
    reverse = predictions.assign(y_true=1 - codes, probability=1 - score)
    single = [auc_within(table) for table in (binary, reverse)]
    assert ours.estimate == pytest.approx(np.mean([area.estimate for area in single]), abs=1e-12)
    assert ours.variance == pytest.approx(single[0].variance, rel=0.02)
    # A class that only one fold's patients have is compared there; folds without it don't count.
    rare = predictions.assign(probability_4=0.0)
    rare.loc[rare.index[rare["fold"] == "1"][:3], "y_true"] = "4"
    columns = {name: f"probability_{name}" for name in ("2", "3", "4")}
    assert macro_auc_within(rare, columns).classes == ("2", "3", "4")


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        (["2", "5"], [[0.5, 0.5], [0.5, 0.5]], r"only the classes \['2', '3'\].*got '5'"),
        (["2", None], [[0.5, 0.5], [0.5, 0.5]], "nothing missing, got None"),
        (["2", "3"], [[0.5, 0.5], [0.5, np.nan]], "1 patients with a missing"),
        (["2", "3"], [[0.5, 0.5], [0.9, 0.9]], "a sum of 1.8"),
        (["2", "3"], [[1.5, -0.5], [0.5, 0.5]], "got -0.5 to 1.5"),
        (["2", "3"], [0.5, 0.5], r"shape \(2, 2\) of patients and classes, got \(2,\)"),
    ],
)
def test_what_is_no_class_or_probability_is_refused(y, p, message):
    with pytest.raises(InputError, match=message):
        macro_auc(y, p, ("2", "3"))


def test_classes_must_differ():
    with pytest.raises(InputError, match="two or more different names, got"):
        macro_auc(["2"], [[1.0, 0.0]], ("2", "2"))
