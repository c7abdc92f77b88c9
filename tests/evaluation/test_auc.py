"""DeLong against pROC's figures, a naive oracle, scikit-learn and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    auc_delong,
    auc_within,
    delong_matrix,
    delong_test,
    holm,
)

# pROC's data set aSAH (41 poor, 72 good outcomes) as DeLong placements: for each patient with a
# poor outcome 144 x the share of good ones below, for each good one 82 x the share of poor ones
# above. Source: pROC (R), tests/testthat/helper-deLongPlacementsCpp-expected.R at commit 13bdf2c.
# fmt: off
NDKA_POOR = [
    116, 90, 98, 110, 6, 40, 74, 134, 140, 134, 134, 58, 104, 124, 24, 36, 102, 2, 144, 124, 62,
    74, 80, 102, 128, 93, 124, 36, 142, 109, 6, 49, 124, 6, 48, 134, 76, 104, 138, 74, 110,
]
NDKA_GOOD = [
    82, 68, 72, 58, 74, 33, 74, 26, 42, 26, 28, 6, 66, 74, 48, 74, 74, 2, 46, 62, 62, 26, 80, 72,
    74, 63, 44, 72, 34, 8, 72, 74, 48, 66, 72, 44, 16, 18, 60, 50, 4, 74, 28, 62, 58, 58, 34, 80,
    28, 48, 66, 58, 26, 58, 50, 72, 62, 58, 16, 68, 48, 45, 8, 52, 48, 66, 16, 60, 38, 18, 74, 42,
]
WFNS_POOR = [
    117, 94, 128, 140, 140, 140, 140, 94, 140, 94, 37, 94, 140, 128, 128, 94, 140, 140, 140, 94,
    140, 94, 140, 94, 128, 140, 128, 128, 37, 128, 128, 94, 94, 140, 140, 94, 94, 140, 140, 140,
    140,
]
WFNS_GOOD = [
    80, 80, 80, 80, 18, 80, 66, 66, 80, 66, 66, 80, 80, 80, 66, 80, 66, 80, 80, 53, 44, 80, 44, 80,
    18, 18, 80, 80, 66, 44, 80, 80, 66, 66, 80, 66, 80, 66, 66, 80, 80, 80, 80, 66, 80, 66, 80, 80,
    53, 66, 44, 66, 80, 44, 80, 80, 18, 44, 66, 66, 80, 80, 80, 53, 80, 66, 66, 44, 44, 80, 80, 80,
]
# fmt: on
ASAH_OUTCOME = np.r_[np.ones(41), np.zeros(72)]


def _scores_with_placements(poor: list[int], good: list[int]) -> np.ndarray:
    """Return scores with the given placements: ranks of one class with the other put between."""
    values, inverse, counts = np.unique(poor, return_inverse=True, return_counts=True)
    assert len(values) == len(counts)
    mid_ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return np.r_[mid_ranks, (82 - np.array(good)) / 2 + 0.5]


@pytest.fixture(scope="module")
def asah():
    return (
        _scores_with_placements(NDKA_POOR, NDKA_GOOD),
        _scores_with_placements(WFNS_POOR, WFNS_GOOD),
    )


def _naive(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's placements by comparing every pair, as the paper defines them."""
    kernel = np.array(
        [[1.0 if x > y else 0.5 if x == y else 0.0 for y in score[~positive]]
         for x in score[positive]]
    )  # fmt: skip
    return kernel.mean(axis=1), kernel.mean(axis=0)


def test_variance_is_pROCs(asah):
    # pROC: ci.auc(aSAH$outcome, aSAH$ndka); tests/testthat/test-ci.auc.R at commit 13bdf2c
    area = auc_delong(ASAH_OUTCOME, asah[0])
    low, estimate, high = (0.501244999271703, 0.611957994579946, 0.722670989888189)
    assert area.estimate == pytest.approx(estimate, abs=1e-13)
    error = (high - low) / 2 / 1.959963984540054
    assert np.sqrt(area.variance) == pytest.approx(error, abs=1e-13)
    # on the scale of log odds, by the delta method
    odds = np.log(estimate / (1 - estimate))
    half = 1.959963984540054 * error / (estimate * (1 - estimate))
    limits = [1 / (1 + np.exp(-(odds + side * half))) for side in (-1, 1)]
    assert (area.ci_low, area.ci_high) == pytest.approx(limits, abs=1e-12)
    # helper-deLongPlacementsCpp-expected.R: theta of wfns
    assert auc_delong(ASAH_OUTCOME, asah[1]).estimate == pytest.approx(0.823678861788618)


def test_paired_test_is_pROCs(asah):
    # pROC: roc.test(r.wfns, r.ndka); tests/testthat/test-roc.test.R at commit 0bc764d
    test = delong_test(ASAH_OUTCOME, asah[1], asah[0])
    assert test.z == pytest.approx(2.79777591868904, abs=1e-12)
    assert test.p == pytest.approx(0.00514557970691098, abs=1e-13)
    assert test.ci_low == pytest.approx(0.0634011709339876, abs=1e-13)
    assert test.ci_high == pytest.approx(0.3600405634833566, abs=1e-13)
    swapped = delong_test(ASAH_OUTCOME, asah[0], asah[1])
    assert (swapped.z, swapped.p) == pytest.approx((-test.z, test.p))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)), min_size=6, max_size=40
    )
)
def test_fast_form_equals_the_naive_oracle_and_sklearn(rows):
    from sklearn.metrics import roc_auc_score

    positive, a, b = (np.array(column) for column in zip(*rows))
    positive = positive.astype(bool)
    if positive.sum() < 2 or (~positive).sum() < 2:
        return
    naive_a, naive_b = _naive(positive, a), _naive(positive, b)
    area = auc_delong(positive, a)
    assert area.estimate == pytest.approx(roc_auc_score(positive, a))
    variance = sum(v.var(ddof=1) / v.size for v in naive_a)
    assert area.variance == pytest.approx(variance, abs=1e-15)
    assert area.ci_low < area.ci_high
    assert 0 <= area.ci_low <= area.estimate <= area.ci_high <= 1

    test = delong_test(positive, a, b)
    assert test.difference == pytest.approx(naive_a[0].mean() - naive_b[0].mean())
    spread = sum((x - y).var(ddof=1) / x.size for x, y in zip(naive_a, naive_b))
    if spread > 1e-12:
        assert test.z == pytest.approx(test.difference / np.sqrt(spread))
    assert test.ci_low <= test.difference <= test.ci_high


@pytest.mark.parametrize("n", [2, 5, 20, 100])
def test_perfect_separation_keeps_an_interval_that_shrinks_with_n(n):
    y = np.r_[np.zeros(n), np.ones(n)]
    area = auc_delong(y, y)
    assert area.estimate == 1
    assert area.ci_high == 1
    assert area.method == "newcombe"
    # With nothing misranked, area >= 0.025 ** (1 / n) is what n perfect patients of one class
    # could show by luck; the interval must be of that order, neither certain nor empty.
    assert 0.3 < area.ci_low < 1 - 0.5 / n
    worst = auc_delong(y, -y)
    assert (worst.ci_low, worst.ci_high) == pytest.approx((0, 1 - area.ci_low))


def test_newcombe_interval_solves_its_equation():
    from gliofuse.evaluation.auc import newcombe_interval

    m, n, estimate = 12, 30, 0.9
    for area in newcombe_interval(estimate, m, n):
        size = (m + n) / 2 - 1
        variance = (
            area * (1 - area) * (1 + size * (1 - area) / (2 - area) + size * area / (1 + area))
        ) / (m * n)
        assert abs(estimate - area) == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)


def test_newcombe_interval_covers_where_delong_cannot():
    # Binormal AUC 0.98, 8 against 8: separation is often perfect. Seeded.
    rng = np.random.default_rng(5)
    shift = 2**0.5 * 2.0537489106318225  # sqrt(2) * qnorm(0.98)
    y = np.repeat([0, 1], 8)
    areas = [auc_delong(y, rng.normal(size=16) + shift * y) for _ in range(400)]
    perfect = [area for area in areas if area.method == "newcombe"]
    assert len(perfect) > 100
    assert all(area.ci_low < 0.98 for area in perfect)


def test_constant_score_is_no_certainty():
    area = auc_delong([0] * 10 + [1] * 10, [0.3] * 20)
    assert area.estimate == 0.5
    assert area.ci_low < 0.3
    assert area.ci_high > 0.7


def test_one_patient_of_a_class_has_an_interval():
    area = auc_delong([1, 0, 0, 0], [0.5, 0.1, 0.9, 0.2])
    assert np.isnan(area.variance)
    assert area.ci_low < area.estimate < area.ci_high


def test_two_perfect_models_of_other_ranking_are_not_certainly_equal():
    y = [0, 0, 0, 1, 1, 1]
    test = delong_test(y, [1, 2, 3, 4, 5, 6], [2, 1, 3, 4, 6, 5])
    assert test.p == 1
    assert test.ci_low < 0 < test.ci_high
    opposite = delong_test(y, [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1])
    assert opposite.difference == 1
    assert np.isnan(opposite.p)
    assert opposite.ci_low > 0


def test_identical_models_differ_by_nothing():
    test = delong_test([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.9], [0.1, 0.3, 0.4, 0.9])
    assert (test.z, test.p) == (0, 1)


def test_holm_is_statsmodels():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 30):
        p = rng.uniform(size=size) ** 3
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    with_missing = holm([0.01, np.nan, 0.02])
    np.testing.assert_allclose(with_missing, [0.02, np.nan, 0.02])


def test_delong_matrix_counts_an_external_patient_of_two_models_once():
    rng = np.random.default_rng(1)
    y = np.arange(40) % 2
    rows = [
        {"case_id": f"{cohort}{i}", "fold": fold, "cohort": cohort, "model": model,
         "y_true": y[i], "probability": y[i] * shift + rng.uniform()}
        for model, shift in (("a", 0.0), ("b", 0.5), ("c", 0.6))
        for cohort in ("training", "external")
        for fold in ("0", "1")
        for i in range(40)
    ]  # fmt: skip
    predictions = pd.DataFrame(rows)
    table = delong_matrix(predictions, "external")
    assert table[["model_a", "model_b"]].to_numpy().tolist() == [
        ["a", "b"], ["a", "c"], ["b", "c"],
    ]  # fmt: skip
    assert (table["n"] == 40).all()
    assert (table["p_holm"] >= table["p"]).all()
    # By pairs: the mean of a patient's placements in the two folds, and their variance.
    places = {}
    for model in "ab":
        both = [
            _naive(y == 1, predictions[
                (predictions["cohort"] == "external")
                & (predictions["model"] == model)
                & (predictions["fold"] == fold)
            ]["probability"].to_numpy())
            for fold in "01"
        ]  # fmt: skip
        places[model] = [(one + other) / 2 for one, other in zip(*both)]
    apart = [a - b for a, b in zip(places["a"], places["b"])]
    error = np.sqrt(sum(side.var(ddof=1) / side.size for side in apart))
    assert table.loc[0, "difference"] == pytest.approx(apart[0].mean())
    parts = [side.var(ddof=1) / side.size for side in apart]
    freedom = sum(parts) ** 2 / sum(part**2 / (side.size - 1) for part, side in zip(parts, apart))
    assert table.loc[0, "p"] == pytest.approx(2 * t.sf(abs(apart[0].mean()) / error, freedom))
    planned = delong_matrix(predictions, "external", final="b")
    assert planned[["model_a", "model_b"]].to_numpy().tolist() == [["a", "b"], ["b", "c"]]
    np.testing.assert_allclose(planned["p_holm"], holm(table["p"].iloc[[0, 2]]))
    with pytest.raises(InputError, match="no patient of cohort 'test'"):
        delong_matrix(predictions, "test")


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([0, 0, 0], [1, 2, 3], "both classes"),
        ([0, 1, 2], [1, 2, 3], "only 0 and 1"),
        ([0, 1, np.nan], [1, 2, 3], "nothing missing"),
        ([0, 1, 1], [1, np.nan, 3], "must be finite"),
        ([0, 1, 1], [1, 2], "shape"),
    ],
)
def test_bad_input_is_named(y, p, message):
    with pytest.raises(InputError, match=message):
        auc_delong(y, p)


def _folds(folds=5, size=20, repeats=1, seed=0, effect=0.0):
    """Return held-out predictions whose every fold sits at a level of its own."""
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], folds * size // 2)
    own = rng.normal(size=len(y)) + effect * y
    parts = []
    for repeat in range(repeats):
        fold = rng.permutation(len(y)) % folds
        score = own + 10 * fold
        parts.append(
            pd.DataFrame(
                {
                    "case_id": [f"p{i}" for i in range(len(y))],
                    "fold": [f"{repeat}-{f}" for f in fold],
                    "y_true": y,
                    "probability": 1 / (1 + np.exp(-score / 20)),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_within_folds_only_patients_of_one_fold_are_compared():
    table = _folds(effect=1.0)
    found = auc_within(table)
    assert found.estimate == pytest.approx(_share_of_pairs(table, ["fold"]))
    # the folds' levels hide the effect from the pooled figure
    assert auc_delong(table["y_true"], table["probability"]).estimate < found.estimate - 0.1
    assert found.ci_low < found.estimate < found.ci_high


def _share_of_pairs(table, by):
    """Return the share of pairs within a stratum that the positive patient wins, pair by pair."""
    wins = pairs = 0.0
    for _, stratum in table.groupby(by):
        for score in stratum.loc[stratum["y_true"] == 1, "probability"]:
            for other in stratum.loc[stratum["y_true"] == 0, "probability"]:
                wins += (score > other) + (score == other) / 2
                pairs += 1
    return wins / pairs


def test_a_fold_weighs_by_its_pairs_not_by_its_positives():
    one = pd.DataFrame({"fold": "1", "y_true": [1] * 9 + [0], "probability": [0.9] * 9 + [0.1]})
    two = pd.DataFrame({"fold": "2", "y_true": [1] + [0] * 9, "probability": [0.1] + [0.9] * 9})
    table = pd.concat([one, two], ignore_index=True)
    table["case_id"] = [f"p{i}" for i in range(len(table))]
    assert auc_within(table).estimate == pytest.approx(0.5)  # 9 pairs won, 9 lost


def test_unequal_strata_and_repeats_are_counted_pair_by_pair():
    rng = np.random.default_rng(8)
    y = rng.random(80) < 0.3
    parts = [
        pd.DataFrame(
            {
                "case_id": [f"p{i}" for i in range(len(y))],
                "fold": [f"{repeat}-{f}" for f in rng.integers(0, 4, len(y))],
                "center": np.repeat(list("ABBBC"), 16),
                "y_true": y.astype(int),
                "probability": (rng.normal(size=len(y)) + y).round(1) / 20 + 0.5,
            }
        )
        for repeat in range(3)
    ]
    table = pd.concat(parts, ignore_index=True)
    for by in (["fold"], ["center", "fold"]):
        assert auc_within(table, by).estimate == pytest.approx(_share_of_pairs(table, by))
    alone = table[table["fold"] == "0-0"]
    whole = auc_delong(alone["y_true"], alone["probability"])
    same = auc_within(alone, ["fold"])
    assert (same.ci_low, same.ci_high) == pytest.approx((whole.ci_low, whole.ci_high))
    assert auc_within(table[table["y_true"] == 1], ["center"]) is None


def test_within_one_fold_it_is_the_usual_auc():
    table = _folds(effect=1.0).assign(fold="1")
    assert auc_within(table) == auc_delong(table["y_true"], table["probability"])


def test_within_folds_interval_covers_the_truth():
    found = [auc_within(_folds(seed=seed)) for seed in range(150)]
    covered = np.mean([area.ci_low <= 0.5 <= area.ci_high for area in found])
    assert 0.91 <= covered <= 0.985


def test_repeats_do_not_count_a_patient_twice():
    once = auc_within(_folds(seed=3, effect=0.5))
    often = auc_within(_folds(seed=3, effect=0.5, repeats=10))
    assert often.variance > 0.5 * once.variance  # ten times the patients would leave a tenth
