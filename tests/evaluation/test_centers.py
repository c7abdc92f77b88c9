"""Figures within centres, their summary over centres, and the centre as a giveaway."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import parse_endpoint
from gliofuse.errors import InputError
from gliofuse.evaluation import (
    auc_delong,
    center_alone,
    center_summary,
    cramers_v,
    delong_matrix,
    group_levels,
    metrics_table,
    performance_by_group,
    random_effects,
)
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.evaluation.predictions import called_rows

# R 4.x, metafor 3.8.1: rma(yi, vi, method = "DL", test = "adhoc") and
# predict(..., pi.type = "riley"): estimate, bounds, tau2, I2 (per cent), prediction bounds.
METAFOR = [
    (
        [0.8, 1.2, 1.9, 0.3],
        [0.04, 0.09, 0.02, 0.3],
        [1.13087029111, -0.02024156573, 2.28198214795, 0.42996093750, 88.36705202312],
        [-2.091217989, 4.352958572],
    ),
    (
        [0.8, 1.2, 1.0],
        [0.2, 0.3, 0.25],
        [0.9729729730, -0.2521961994, 2.1981421454, 0.0, 0.0],
        [-2.6450857733, 4.5910317193],
    ),
]


@pytest.mark.parametrize(("estimates", "variances", "mean", "prediction"), METAFOR)
def test_random_effects_are_metafors(estimates, variances, mean, prediction):
    found = random_effects(estimates, variances)
    ours = [found.estimate, found.ci_low, found.ci_high, found.tau2, 100 * found.i2]
    np.testing.assert_allclose(ours, mean, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose([found.prediction_low, found.prediction_high], prediction, rtol=1e-7)


def test_tau2_is_statsmodels_on_random_inputs():
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(0)
    for k in (2, 3, 8):
        y, v = rng.normal(size=k), rng.uniform(0.01, 0.5, k)
        theirs = combine_effects(y, v, method_re="chi2")
        ours = random_effects(y, v)
        assert ours.tau2 == pytest.approx(max(0.0, theirs.tau2), abs=1e-12)
    two = random_effects([0.1, 0.2], [0.1, 0.1])
    assert np.isnan(two.prediction_low)
    with pytest.raises(InputError, match="two or more estimates with variances above 0"):
        random_effects([0.1, 0.2], [0.1, 0.0])


def null_centers(seed=0, size=40, prevalence=None):
    """Two centres, each predicted at the other's prevalence by a model that knows nothing."""
    rng = np.random.default_rng(seed)
    prevalence = prevalence or {"A": 0.8, "B": 0.15}
    truth = {
        f"{name}{i}": int(i < round(share * size))
        for name, share in prevalence.items()
        for i in range(size)
    }
    rows = [
        {
            "case_id": case_id,
            "fold": f"external-{out}",
            "cohort": "external" if case_id[0] == out else "training",
            "model": "m",
            "y_true": label,
            "probability": np.clip(prevalence["AB".replace(out, "")] + rng.normal() / 20, 0, 1),
        }
        for out in prevalence
        for case_id, label in truth.items()
    ]
    return pd.DataFrame(rows), pd.Series({case_id: case_id[0] for case_id in truth})


def test_models_of_other_centres_are_not_pooled():
    table, centers = null_centers()
    values = metrics_table(table, bootstrap=100, centers=centers).set_index("metric")
    assert values.loc["auc_pooled", "estimate"] < 0.25  # what the pool makes of no signal
    within = values.loc["auc_within_centers"]
    assert within["ci_low"] < 0.5 < within["ci_high"]
    others = [
        metrics_table(found, bootstrap=100, centers=where).set_index("metric")["estimate"]
        for found, where in map(null_centers, range(1, 12))
    ]
    mean = pd.DataFrame(others).mean()
    assert mean["auc_pooled"] < 0.25
    assert mean["auc_within_centers"] == pytest.approx(0.5, abs=0.08)
    evaluation = evaluation_of(parse_endpoint("grade >= 3"))
    names = set(values.index)
    assert evaluation.headline_among("external", names) == "auc_within_centers"
    assert evaluation.headline_among("test", names) == "auc"
    tables = evaluation.tables(table, judged=["m"], bootstrap=100, centers=centers)
    assert "roc" not in tables  # one curve over both models would be as wrong
    assert tables["centers"]["center"].tolist() == ["A", "B"]
    assert tables["center_summary"]["n_centers"].tolist() == [2]


def test_a_table_of_centres_is_each_centre_by_itself():
    rng = np.random.default_rng(3)
    ids = [f"p{i}" for i in range(90)]
    y = rng.integers(0, 2, 90)
    table = pd.DataFrame(
        {
            "case_id": ids,
            "fold": "0",
            "cohort": "external",
            "model": "m",
            "y_true": y,
            "probability": np.clip(0.3 * y + rng.random(90) * 0.7, 0, 1),
        }
    )
    centers = pd.Series(np.repeat(["C", "A", "B"], 30), index=ids)
    found = performance_by_group(called_rows(table), centers).set_index("group")
    assert found.index.tolist() == ["C", "A", "B"]  # the groups' own order
    for center, own in table.groupby(centers.to_numpy()):
        area = auc_delong(own["y_true"], own["probability"])
        row = found.loc[center]
        assert row[["auc", "auc_low", "auc_high"]].tolist() == pytest.approx(
            [area.estimate, area.ci_low, area.ci_high]
        )
        called = own["probability"] >= 0.5
        assert row["sensitivity"] == pytest.approx(called[own["y_true"] == 1].mean())
        assert row["specificity"] == pytest.approx((~called)[own["y_true"] == 0].mean())
        ratio = own["y_true"].mean() / own["probability"].mean()
        assert row["observed_expected"] == pytest.approx(ratio)
    summary = center_summary(found.reset_index()).iloc[0]
    areas = found["auc"].to_numpy()
    variances = found["auc_variance"].to_numpy() / (areas * (1 - areas)) ** 2
    expected = random_effects(np.log(areas / (1 - areas)), variances)
    assert summary["auc"] == pytest.approx(1 / (1 + np.exp(-expected.estimate)))
    assert summary["auc_low"] < summary["auc"] < summary["auc_high"]


def test_a_centre_without_variance_does_not_stop_the_summary():
    rows = pd.DataFrame(
        {
            "cohort": "external",
            "model": "m",
            "auc": [1.0, 0.7, np.nan],
            "auc_variance": [0.0, 0.01, np.nan],
            "n": [12, 40, 5],
            "n_positive": [6, 20, 5],
        }
    )
    found = center_summary(rows).iloc[0]
    assert found["n_centers"] == 2
    assert 0.5 < found["auc"] < 1
    assert found["auc_low"] < found["auc"]


def test_the_test_within_centres_is_delongs_with_one_and_ignores_their_levels():
    rng = np.random.default_rng(5)
    ids = [f"p{i}" for i in range(80)]
    y, center = rng.integers(0, 2, 80), np.repeat([0, 1], 40)
    score = {m: rng.normal(size=80) + shift * y for m, shift in (("a", 0.3), ("b", 1.0))}
    frames = [
        pd.DataFrame(
            {"case_id": ids, "fold": "0", "cohort": "external", "model": m, "y_true": y}
            | {"probability": 1 / (1 + np.exp(-value / 10))}
        )
        for m, value in score.items()
    ]
    table = pd.concat(frames, ignore_index=True)
    by = ("center", "fold")
    one = delong_matrix(table.assign(center="A"), "external", by=by)
    pd.testing.assert_frame_equal(one, delong_matrix(table, "external"), rtol=1e-9)
    levels = table.copy()  # each centre's probabilities on a level of their own
    levels["probability"] = levels["probability"] / 2 + np.tile(center, 2) / 2
    names = np.tile(center.astype(str), 2)
    plain = delong_matrix(table.assign(center=names), "external", by=by)
    shifted = delong_matrix(levels.assign(center=names), "external", by=by)
    pd.testing.assert_frame_equal(plain, shifted)
    pooled = delong_matrix(levels, "external")
    assert shifted["auc_b"].iloc[0] > pooled["auc_b"].iloc[0] + 0.05


def test_the_centre_alone_is_learned_in_the_fold():
    table, centers = null_centers()
    outside = center_alone(table, centers).iloc[0]  # never trained on the centre that it predicts
    assert np.isnan(outside["auc"])
    assert outside["cramers_v"] > 0.5
    rng = np.random.default_rng(1)
    center, fold = np.repeat(list("AB"), 50), np.tile(np.arange(5), 20)
    y = (rng.random(100) < np.where(center == "A", 0.85, 0.1)).astype(int)
    parts = []
    for f in range(5):
        part = pd.DataFrame({"case_id": [f"p{i}" for i in range(100)], "y_true": y})
        part["cohort"] = np.where(fold == f, "test", "training")
        parts.append(part.assign(fold=str(f), model="m", probability=0.5))
    inside = pd.concat(parts, ignore_index=True)
    telling = center_alone(inside, pd.Series(center, index=[f"p{i}" for i in range(100)])).iloc[0]
    hits = y[center == "A"].mean(), y[center == "B"].mean()
    assert telling["auc"] > 0.8
    assert telling["auc"] == pytest.approx((1 + hits[0] - hits[1]) / 2, abs=0.08)
    names = pd.Series(rng.permutation(center), index=[f"p{i}" for i in range(100)])
    assert abs(center_alone(inside, names).iloc[0]["auc"] - 0.5) < 0.2


def test_cramers_v_without_bias():
    from scipy.stats.contingency import association

    a, b = np.repeat(list("AB"), 500), np.r_[np.zeros(400), np.ones(500), np.zeros(100)]
    plain = association(pd.crosstab(a, b).to_numpy(), method="cramer")
    assert cramers_v(a, b) == pytest.approx(plain, abs=1e-3)  # no bias in a thousand patients
    rng = np.random.default_rng(2)
    many = [cramers_v(rng.integers(0, 12, 60), rng.integers(0, 2, 60)) for _ in range(200)]
    assert np.mean(many) < 0.15  # uncorrected about 0.43
    assert cramers_v(["A"] * 5, [0, 1, 0, 1, 0]) == 0.0


def test_levels_of_a_column():
    ages = pd.Series([30.0, 50, 61, 70, 44, 65, np.nan], index=list("abcdefg"), name="age")
    levels = group_levels(ages)
    assert levels["b"] == "up to 55.5"
    assert pd.isna(levels["g"])
    assert levels.dropna().unique().tolist() == ["up to 55.5", "above 55.5"]
    assert group_levels(pd.Series([2, 3, 2, 4])).unique().tolist() == ["2", "3", "4"]
    assert group_levels(pd.Series(["M", "F"])).tolist() == ["F", "M"]
    crowded = group_levels(pd.Series([1, 2, 3, 4, 5, *[6] * 9]))
    assert crowded.value_counts().to_dict() == {"above 5": 9, "up to 5": 5}
    with pytest.raises(InputError, match="column 'sex' holds 'F' alone"):
        group_levels(pd.Series(["F", "F"], name="sex"))
    with pytest.raises(InputError, match="'note' has 30 different words, more than 20"):
        group_levels(pd.Series([f"word {i}" for i in range(30)], name="note"))
