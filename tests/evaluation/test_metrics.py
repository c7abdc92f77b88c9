"""The metrics table against scikit-learn and a loop, and the rules for pooling patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    METRICS,
    auc_delong,
    confusion,
    confusion_table,
    metrics_table,
    pool_predictions,
    roc_points,
    youden_threshold,
)


def _predictions(n=60, seed=0, models=("m",), cohort="test", fold="0"):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    parts = []
    for model in models:
        p = np.clip(0.3 * y + rng.uniform(0, 0.7, n), 0, 1)
        parts.append(
            pd.DataFrame(
                {
                    "case_id": [f"p{i:03d}" for i in range(n)],
                    "fold": fold,
                    "cohort": cohort,
                    "model": model,
                    "y_true": y,
                    "probability": p,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_estimates_are_scikit_learns():
    from sklearn import metrics as sk

    table = _predictions()
    y, p = table["y_true"], table["probability"]
    called = (p >= 0.5).astype(int)
    expected = {
        "auc": sk.roc_auc_score(y, p),
        "accuracy": sk.accuracy_score(y, called),
        "sensitivity": sk.recall_score(y, called),
        "specificity": sk.recall_score(y, called, pos_label=0),
        "precision": sk.precision_score(y, called),
        "apca": sk.balanced_accuracy_score(y, called),
        "brier": sk.brier_score_loss(y, p),
    }
    found = metrics_table(table, bootstrap=200).set_index("metric")
    assert tuple(found.index) == METRICS[:-2]  # one fold: nothing is pooled
    for name, value in expected.items():
        assert found.loc[name, "estimate"] == pytest.approx(value), name
        assert found.loc[name, "ci_low"] < value < found.loc[name, "ci_high"], name
    assert (found["n"] == 60).all()
    assert (found["n_positive"] == y.sum()).all()
    area = auc_delong(y, p)
    assert tuple(found.loc["auc", ["ci_low", "ci_high"]]) == (area.ci_low, area.ci_high)


def test_vectorised_bootstrap_agrees_with_a_plain_loop():
    table = _predictions(n=80, seed=3)
    y, p = table["y_true"].to_numpy(), table["probability"].to_numpy()
    rng = np.random.default_rng(11)
    replicates = []
    for _ in range(2000):
        index = np.r_[
            rng.choice(np.flatnonzero(y == 1), (y == 1).sum()),
            rng.choice(np.flatnonzero(y == 0), (y == 0).sum()),
        ]
        replicates.append(((p[index] - y[index]) ** 2).mean())
    found = metrics_table(table).set_index("metric").loc["brier"]
    low, high = np.quantile(replicates, [0.025, 0.975])
    width = high - low  # two bootstraps of 2,000 differ by a few hundredths of the width
    assert found["ci_low"] == pytest.approx(low, abs=0.08 * width)
    assert found["ci_high"] == pytest.approx(high, abs=0.08 * width)


def test_rates_have_wilsons_intervals():
    from statsmodels.stats.proportion import proportion_confint

    table = _predictions(n=80, seed=3)
    y, called = table["y_true"] == 1, table["probability"] >= 0.5
    found = metrics_table(table, bootstrap=100).set_index("metric")
    for name, count, size in (
        ("accuracy", (y == called).sum(), 80),
        ("sensitivity", (y & called).sum(), y.sum()),
        ("specificity", (~y & ~called).sum(), (~y).sum()),
        ("precision", (y & called).sum(), called.sum()),
    ):
        limits = proportion_confint(count, size, method="wilson")
        assert found.loc[name, ["ci_low", "ci_high"]].tolist() == pytest.approx(limits), name
        assert found.loc[name, "interval"] == "wilson"
    # Newcombe's method 10 for the mean of two shares of different patients
    parts = [found.loc[name] for name in ("sensitivity", "specificity")]
    below = np.hypot(*(part["estimate"] - part["ci_low"] for part in parts)) / 2
    assert found.loc["apca", "ci_low"] == pytest.approx(found.loc["apca", "estimate"] - below)


def test_repeats_give_the_mean_of_single_repeats_and_training_rows_tell_a_cross_validation():
    rng = np.random.default_rng(6)
    table = _predictions(n=60, seed=6)
    parts = []
    for repeat in range(3):
        place = rng.permutation(60) % 4
        noisy = np.clip(table["probability"] + rng.normal(0, 0.2, 60), 0, 1)
        for fold in range(4):
            side = np.where(place == fold, "test", "training")
            parts.append(table.assign(fold=f"{repeat}-{fold}", cohort=side, probability=noisy))
    everything = pd.concat(parts, ignore_index=True)
    found = metrics_table(everything, bootstrap=200).set_index("metric")
    assert set(found["interval"]) == {"delong_refits", "wilson_refits", "bootstrap_refits", ""}
    single = [
        metrics_table(own, bootstrap=200).set_index("metric")["estimate"]
        for _, own in everything.groupby(everything["fold"].str[0])
    ]
    for name in ("accuracy", "sensitivity", "specificity", "brier"):
        assert found.loc[name, "estimate"] == pytest.approx(np.mean([s[name] for s in single]))
    # every fold has a test patient of each class or not: weights by pairs differ a little
    mean = np.mean([s["auc"] for s in single])
    assert found.loc["auc", "estimate"] == pytest.approx(mean, abs=0.01)
    assert np.isnan(found.loc["auc_pooled", "ci_low"])
    # the same predictions of patients who train nothing are independent
    outside = everything[everything["cohort"] == "test"].assign(cohort="external")
    inside = everything[everything["cohort"] == "training"]
    inside = inside.assign(case_id="other" + inside["case_id"])
    apart = metrics_table(pd.concat([outside, inside]), bootstrap=200).set_index("metric")
    assert apart.loc["auc", "interval"] == "delong"
    for name in ("accuracy", "brier"):  # these models show all what they show their own: no AUC
        width = found.loc[name, "ci_high"] - found.loc[name, "ci_low"]
        assert width > 1.1 * (apart.loc[name, "ci_high"] - apart.loc[name, "ci_low"])


def test_one_seed_one_table_whatever_the_workers():
    table = _predictions(models=("a", "b"))
    first = metrics_table(table, bootstrap=300, seed=4)
    pd.testing.assert_frame_equal(first, metrics_table(table, bootstrap=300, seed=4, workers=2))
    shuffled = table.sample(frac=1, random_state=0)
    order = ["model", "metric"]
    pd.testing.assert_frame_equal(
        first.sort_values(order, ignore_index=True),
        metrics_table(shuffled, bootstrap=300, seed=4).sort_values(order, ignore_index=True),
    )
    assert not first.equals(metrics_table(table, bootstrap=300, seed=5))


def test_perfect_predictions_are_not_certain():
    y = np.arange(20) % 2
    table = _predictions(n=20).assign(y_true=y, probability=y.astype(float))
    found = metrics_table(table, bootstrap=200).set_index("metric")
    width = found["ci_high"] - found["ci_low"]
    assert (width > 0.05).all()
    # Wilson, 10 of 10: 0.7225 (statsmodels 0.14: proportion_confint(10, 10, method="wilson"))
    assert found.loc["sensitivity", "ci_low"] == pytest.approx(0.7224672, abs=1e-6)


def test_undefined_metrics_are_missing_not_zero():
    nobody = _predictions().assign(probability=0.1)
    found = metrics_table(nobody, bootstrap=100).set_index("metric")
    assert np.isnan(found.loc["precision", "estimate"])
    assert found.loc["sensitivity", "estimate"] == 0
    one_class = _predictions().assign(y_true=1)
    found = metrics_table(one_class, bootstrap=100).set_index("metric")
    for name in ("auc", "specificity", "apca"):
        assert found.loc[name, ["estimate", "ci_low", "ci_high"]].isna().all(), name
    assert np.isfinite(found.loc["accuracy", "estimate"])
    assert found.loc["accuracy", "ci_low"] < found.loc["accuracy", "estimate"]


def test_folds_are_pooled_and_repeats_averaged():
    table = pd.DataFrame(
        {
            "case_id": ["a", "b", "a", "b", "c"],
            "fold": ["r0f0", "r0f1", "r1f1", "r1f0", "r0f0"],
            "cohort": ["test"] * 4 + ["training"],
            "model": "m",
            "y_true": [0, 1, 0, 1, 1],
            "probability": [0.1, 0.6, 0.5, 0.8, 0.99],
        }
    )
    pooled = pool_predictions(table)
    assert pooled["case_id"].tolist() == ["a", "b"]
    np.testing.assert_allclose(pooled["probability"], [0.3, 0.7])
    assert pooled["predictions"].tolist() == [2, 2]
    asked = pool_predictions(table, include_training=True)
    assert asked.loc[asked["apparent"], "case_id"].tolist() == ["c"]


def test_each_patient_gets_the_threshold_of_its_own_fold():
    table = pd.DataFrame(
        {
            "case_id": ["a", "b"],
            "fold": [0, 1],
            "cohort": "test",
            "model": "m",
            "y_true": [1, 0],
            "probability": [0.3, 0.6],
        }
    )
    # Fold names come back from a CSV as numbers or text; both find their threshold.
    thresholds = pd.DataFrame({"fold": ["0", "1"], "model": "m", "threshold": [0.2, 0.7]})
    found = metrics_table(table, thresholds, bootstrap=100).set_index("metric")
    assert found.loc["accuracy", "estimate"] == 1
    assert metrics_table(table, bootstrap=100).set_index("metric").loc["accuracy", "estimate"] == 0
    with pytest.raises(InputError, match="lacks fold and model"):
        metrics_table(table, thresholds.iloc[:1], bootstrap=100)


def test_training_is_no_performance_unless_asked_and_then_marked():
    table = pd.concat([_predictions(cohort="training"), _predictions(n=30)])
    assert set(metrics_table(table, bootstrap=100)["cohort"]) == {"test"}
    asked = metrics_table(table, bootstrap=100, include_training=True)
    assert asked.loc[asked["apparent"], "cohort"].unique().tolist() == ["training"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cohort": "tset"}, "must be one of"),
        ({"probability": np.nan}, "must be finite"),
        ({"y_true": 2}, "only 0 and 1"),
        ({"case_id": "same", "y_true": 1}, "doubled rows"),
    ],
)
def test_broken_tables_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        metrics_table(_predictions().assign(**change))


def test_two_labels_for_one_patient_are_refused():
    table = pd.concat([_predictions(), _predictions(fold="1").assign(y_true=1)])
    with pytest.raises(InputError, match="two different y_true"):
        pool_predictions(table)
    with pytest.raises(InputError, match="lacks the columns"):
        pool_predictions(table.drop(columns="fold"))
    with pytest.raises(InputError, match="at least 100"):
        metrics_table(_predictions(), bootstrap=10)


def test_roc_points_are_scikit_learns():
    from sklearn.metrics import roc_curve

    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 50)
    p = rng.integers(0, 12, 50) / 12
    fpr, tpr, thresholds = roc_curve(y, p, drop_intermediate=False)
    points = roc_points(y, p)
    np.testing.assert_allclose(points["threshold"], thresholds)
    np.testing.assert_allclose(points["sensitivity"], tpr)
    np.testing.assert_allclose(1 - points["specificity"], fpr)
    assert (points["sensitivity_low"] < points["sensitivity_high"]).all()


def test_youden_is_the_best_of_every_cut():
    rng = np.random.default_rng(7)
    for _ in range(50):
        y = rng.integers(0, 2, 25)
        if y.min() == y.max():
            continue
        p = rng.integers(0, 9, 25) / 8
        found = youden_threshold(y, p)
        indices = [
            (p[y == 1] >= cut).mean() + (p[y == 0] < cut).mean() - 1
            for cut in np.linspace(-0.05, 1.05, 400)
            if (p >= cut).any() and (p < cut).any()
        ]
        reached = (p[y == 1] >= found).mean() + (p[y == 0] < found).mean() - 1
        if indices:
            assert reached == pytest.approx(max(indices))
    assert youden_threshold([0, 1], [0.4, 0.4]) == 0.4
    neighbours = [0.5, np.nextafter(0.5, 1)]
    assert confusion([0, 1], neighbours, threshold=youden_threshold([0, 1], neighbours)) == {
        "true_positive": 1, "false_positive": 0, "true_negative": 1, "false_negative": 0,
    }  # fmt: skip


def test_confusion_table_counts_patients_once():
    table = _predictions(models=("a", "b"))
    counts = confusion_table(table)
    cells = ["true_positive", "false_positive", "true_negative", "false_negative"]
    assert (counts[cells].sum(axis=1) == 60).all()
    assert counts["model"].tolist() == ["a", "b"]
