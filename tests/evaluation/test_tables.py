"""Survival curves, characteristics, correlations and agreement of models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    agreement_table,
    characteristics_table,
    correlation_matrix,
    kaplan_meier,
    logrank,
    median_survival,
    misjudged_by_all,
)

# Freireich et al. 1963, remission of leukaemia in weeks (R: MASS::gehan); of the 6-MP group first
# the relapses, then the censored.
SIX_MP = [6, 6, 6, 7, 10, 13, 16, 22, 23] + [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TIME = np.array(SIX_MP + PLACEBO)
EVENT = np.array([1] * 9 + [0] * 12 + [1] * 21)
GROUP = np.array(["6-MP"] * 21 + ["placebo"] * 21)


def test_kaplan_meier_of_a_textbook_trial():
    # Kalbfleisch and Prentice 2002, table 1.2; also R: survfit(Surv(time, cens) ~ treat, gehan):
    # 6-MP: S(6) = 0.857, S(7) = 0.807, S(10) = 0.753, S(13) = 0.690, S(16) = 0.627,
    # S(22) = 0.538, S(23) = 0.448
    table = kaplan_meier(TIME, EVENT, GROUP)
    drug = table[table["group"] == "6-MP"].set_index("time")
    expected = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for week, survival in expected.items():
        assert drug.loc[week, "survival"] == pytest.approx(survival, abs=5e-4)
        assert drug.loc[week, "ci_low"] < survival < drug.loc[week, "ci_high"]
    assert drug.loc[6, ["at_risk", "events", "censored"]].tolist() == [21, 3, 1]
    assert drug.loc[0, ["survival", "at_risk"]].tolist() == [1, 21]
    # The placebo group dies out: no variance is left, and none is claimed.
    last = table[table["group"] == "placebo"].iloc[-1]
    assert last["survival"] == 0
    assert np.isnan(last[["ci_low", "ci_high"]].astype(float)).all()


def test_log_rank_and_medians_of_a_textbook_trial():
    # R: survdiff(Surv(time, cens) ~ treat, MASS::gehan): chi-square 16.8 on 1 df, p = 4e-05
    test = logrank(TIME, EVENT, GROUP)
    assert test.statistic == pytest.approx(16.79, abs=0.01)
    assert test.degrees == 1
    assert test.p == pytest.approx(4.17e-5, rel=0.01)
    # R: survfit(...): median 23 (6-MP) and 8 (placebo)
    medians = median_survival(TIME, EVENT, GROUP).set_index("group")
    assert medians["median"].to_dict() == {"6-MP": 23, "placebo": 8}
    assert medians.loc["6-MP", "ci_high"] == np.inf
    assert medians.loc["placebo", "ci_low"] < 8 < medians.loc["placebo", "ci_high"]


def test_survival_without_deaths_and_with_bad_input():
    table = kaplan_meier([5, 6], [0, 0], ["a", "a"])
    assert (table["survival"] == 1).all()
    assert table["ci_low"].iloc[1:].isna().all()
    assert np.isnan(logrank([5, 6], [0, 0], ["a", "b"]).p)
    with pytest.raises(InputError, match="two groups"):
        logrank([5, 6], [1, 0], ["a", "a"])
    with pytest.raises(InputError, match="0 or more"):
        kaplan_meier([5, -1], [1, 0], ["a", "a"])
    with pytest.raises(InputError, match="only 0 and 1"):
        kaplan_meier([5, 1], [1, np.nan], ["a", "a"])
    with pytest.raises(InputError, match="one length"):
        kaplan_meier([5, 1], [1], ["a", "a"])
    with pytest.raises(InputError, match="group must not be missing"):
        kaplan_meier([5, 1], [1, 0], ["a", None])


@pytest.fixture
def clinical():
    rng = np.random.default_rng(8)
    n = 90
    return pd.DataFrame(
        {
            "age": rng.normal(50, 12, n),
            "volume": rng.exponential(20, n),
            "sex": rng.choice(["F", "M"], n),
            "grade": rng.choice([2.0, 3.0, 4.0], n),
            "marker": np.where(rng.uniform(size=n) < 0.05, 1, 0),
            "note": [f"text {i}" for i in range(n)],
            "empty": np.nan,
        },
        index=[f"p{i}" for i in range(n)],
    )


def test_each_variable_gets_the_test_that_suits_it(clinical):
    groups = pd.Series(np.repeat(["a", "b"], 45), index=clinical.index[::-1])
    table = characteristics_table(clinical, groups)
    first = table.groupby("variable", sort=False).first()
    assert first.index.tolist() == ["age", "volume", "sex", "grade", "marker"]
    b, a = clinical.iloc[:45], clinical.iloc[45:]  # the Series runs the other way round
    expected = {
        "age": ("Mann-Whitney", stats.mannwhitneyu(a["age"], b["age"]).pvalue),
        "volume": ("Mann-Whitney", stats.mannwhitneyu(a["volume"], b["volume"]).pvalue),
    }
    for name in ("sex", "grade"):
        counts = pd.crosstab(clinical[name], groups.loc[clinical.index])
        p = stats.chi2_contingency(counts, correction=False).pvalue
        expected[name] = ("chi-square", p)
    counts = pd.crosstab(clinical["marker"], groups.loc[clinical.index])
    expected["marker"] = ("Fisher's exact", stats.fisher_exact(counts).pvalue)
    for name, (test, p) in expected.items():
        assert first.loc[name, "test"] == test
        assert first.loc[name, "p"] == pytest.approx(p), name
    assert table.loc[table["variable"] == "age", "level"].tolist() == [
        "mean (SD)", "median [quartiles]",
    ]  # fmt: skip
    assert first.loc["age", "b (n=45)"] == f"{b['age'].mean():.1f} ({b['age'].std():.1f})"
    assert table.loc[table["variable"] == "grade", "level"].tolist() == ["2", "3", "4"]


def test_more_groups_missing_values_and_rare_levels(clinical):
    clinical.loc[clinical.index[:7], "age"] = np.nan
    groups = np.tile(["A", "B", "C"], 30)
    table = characteristics_table(clinical, groups, variables=["age", "volume", "marker"])
    first = table.groupby("variable", sort=False).first()
    assert first["test"].tolist() == [
        "Kruskal-Wallis",
        "Kruskal-Wallis",
        "Fisher's exact (Monte Carlo)",
    ]
    missing = table[table["level"] == "missing"]
    assert missing["variable"].tolist() == ["age"]
    assert missing[["A (n=30)", "B (n=30)", "C (n=30)"]].iloc[0].tolist() == ["3", "2", "2"]
    again = characteristics_table(clinical, groups, variables=["age", "volume", "marker"])
    pd.testing.assert_frame_equal(table, again)
    # One group: described, not tested.
    alone = characteristics_table(clinical, ["all"] * 90, variables=["age", "sex"])
    assert alone["p"].isna().all()


def test_characteristics_refuse_what_does_not_fit(clinical):
    with pytest.raises(InputError, match="lacks the patients"):
        characteristics_table(clinical, pd.Series(["a"], index=["p0"]))
    with pytest.raises(InputError, match="one group for each of 90"):
        characteristics_table(clinical, ["a"])
    with pytest.raises(InputError, match="not be missing"):
        characteristics_table(clinical, [None] * 90)
    with pytest.raises(InputError, match=r"lacks the columns \['height'\]"):
        characteristics_table(clinical, ["a"] * 90, variables=["height"])


def test_correlations_and_their_intervals():
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    features = pd.DataFrame({"x": x, "y": x + rng.normal(size=40), "flat": 1.0})
    features.loc[0, "y"] = np.nan
    table = correlation_matrix(features).set_index(["feature_a", "feature_b"])
    expected = stats.pearsonr(features["x"][1:], features["y"][1:])
    row = table.loc[("x", "y")]
    assert row["correlation"] == pytest.approx(expected.statistic)
    interval = expected.confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low, interval.high))
    assert row["n"] == 39
    assert table.loc[("x", "x"), "correlation"] == 1
    assert np.isnan(table.loc[("x", "flat"), "ci_low"])
    ranks = correlation_matrix(features, method="spearman").set_index(["feature_a", "feature_b"])
    rank = stats.spearmanr(features["x"][1:], features["y"][1:]).statistic
    assert ranks.loc[("y", "x"), "correlation"] == pytest.approx(rank)
    assert ranks.loc[("y", "x"), "ci_low"] < rank < ranks.loc[("y", "x"), "ci_high"]
    with pytest.raises(InputError, match="pearson"):
        correlation_matrix(features, method="kendall")


def _three_models():
    judged = {
        "a": [0.9, 0.1, 0.2, 0.8, 0.6],
        "b": [0.8, 0.2, 0.3, 0.9, 0.4],
        "c": [0.7, 0.3, 0.4, 0.6, 0.7],
    }
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "case_id": [f"p{i}" for i in range(5)],
                    "fold": "0",
                    "cohort": "test",
                    "model": model,
                    "y_true": [1, 0, 1, 0, 0],
                    "probability": p,
                }
            )
            for model, p in judged.items()
        ]
    )


def test_misjudged_by_all_come_first_the_worst_before():
    table = misjudged_by_all(_three_models())
    assert table.loc[table["misjudged_by_all"], "case_id"].tolist() == ["p3", "p2"]
    assert table["n_wrong"].tolist() == [3, 3, 2, 0, 0]
    assert table.loc[0, ["a", "b", "c"]].tolist() == [0.8, 0.9, 0.6]
    # Validation patients chose the model, training patients made it: neither counts.
    predictions = pd.concat(
        [_three_models(), _three_models().assign(cohort="validation", fold="1")]
    )
    pd.testing.assert_frame_equal(misjudged_by_all(predictions), table)
    with pytest.raises(InputError, match="no test or external"):
        misjudged_by_all(_three_models().assign(cohort="validation"))
    stricter = misjudged_by_all(_three_models(), 0.95).set_index("case_id")
    assert stricter.loc[["p0", "p2"], "misjudged_by_all"].all()
    assert stricter["n_wrong"].sum() == 6


def test_kappa_is_scikit_learns():
    from sklearn.metrics import cohen_kappa_score

    predictions = _three_models()
    table = agreement_table(predictions, bootstrap=200)
    assert len(table) == 3
    called = predictions.pivot(index="case_id", columns="model", values="probability") >= 0.5
    for row in table.itertuples():
        a, b = called[row.model_a], called[row.model_b]
        assert row.kappa == pytest.approx(cohen_kappa_score(a, b))
        assert row.agreement == (a == b).mean()
    assert table["both_wrong"].tolist() == [2, 3, 2]


def test_a_very_sparse_variable_has_a_p_value():
    """Eight patients with eight values: SciPy's Monte Carlo test gives an array there."""
    clinical = pd.DataFrame({"place": list("abcdefgh")}, index=[f"p{i}" for i in range(8)])
    groups = pd.Series(["x", "y"] * 4, index=clinical.index)
    table = characteristics_table(clinical, groups)
    assert 0 < table["p"].dropna().iloc[0] <= 1


@pytest.mark.parametrize(
    ("times", "events", "expected"),
    [
        ([5, 8, 12, 20], [1, 1, 1, 1], (10, 5, np.inf)),
        ([5, 8, 12, 20, 21, 30, 31, 44], [1, 0, 1, 1, 0, 1, 1, 1], (30, 5, np.inf)),
        (list(range(1, 21)), [1] * 20, (10.5, 5, 15)),
        ([5, 8, 12, 20], [1, 1, 0, 0], (8, 5, np.inf)),
    ],
)
def test_median_and_its_limits_are_those_of_r(times, events, expected):
    """summary(survfit(Surv(t, e) ~ 1, conf.type = "log-log"))$table of survival 3.5; NA is open."""
    row = median_survival(times, events, ["a"] * len(times)).iloc[0]
    assert (row["median"], row["ci_low"], row["ci_high"]) == expected


def test_standardised_differences():
    rng = np.random.default_rng(4)
    n = 200
    clinical = pd.DataFrame(
        {
            "age": np.r_[rng.normal(50, 10, n), rng.normal(55, 12, n)],
            "sex": np.r_[rng.choice(["F", "M"], n), rng.choice(["F", "M"], n, p=[0.7, 0.3])],
            "grade": np.r_[rng.choice([2, 3, 4], n), rng.choice([2, 3, 4], n, p=[0.2, 0.2, 0.6])],
        }
    )
    groups = ["a"] * n + ["b"] * n
    found = characteristics_table(clinical, groups).groupby("variable").first()
    a, b = clinical.iloc[:n], clinical.iloc[n:]
    spread = np.sqrt((a["age"].var() + b["age"].var()) / 2)
    assert found.loc["age", "smd"] == pytest.approx(abs(a["age"].mean() - b["age"].mean()) / spread)
    p, q = (a["sex"] == "M").mean(), (b["sex"] == "M").mean()
    spread = np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert found.loc["sex", "smd"] == pytest.approx(abs(p - q) / spread)
    # Yang and Dalton, level by level: Mahalanobis' distance of the shares, whichever is left out
    coded = [np.eye(3)[part["grade"].to_numpy() - 2] for part in (a, b)]
    gap = (coded[0].mean(axis=0) - coded[1].mean(axis=0))[:2]
    mean = sum(np.cov(part[:, :2], rowvar=False, ddof=0) for part in coded) / 2
    assert found.loc["grade", "smd"] == pytest.approx(np.sqrt(gap @ np.linalg.solve(mean, gap)))
    # ten times the patients: the same difference, another p
    more = characteristics_table(pd.concat([clinical] * 10, ignore_index=True), groups * 10)
    more = more.groupby("variable").first()
    assert more.loc["sex", "smd"] == pytest.approx(found.loc["sex", "smd"])
    assert more.loc["sex", "p"] < found.loc["sex", "p"]
