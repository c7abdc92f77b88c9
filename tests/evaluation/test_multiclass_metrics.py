"""Confusion, rates, kappa, scores and calibration of several classes against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    agreement_table,
    calibration_curve,
    calibration_summary,
    confusion,
    metrics_table,
    misjudged_by_all,
    roc_points,
)
from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation.multiclass import (
    CLASS_METRICS,
    MULTICLASS_METRICS,
    brier_scores,
    class_agreement_table,
    class_calibration_curves,
    class_calibration_summary,
    class_misjudged_by_all,
    class_rates,
    class_roc_points,
    cohen_kappa,
    confusion_counts,
    confusion_counts_table,
    log_losses,
    macro_auc,
    multiclass_metrics_table,
    one_vs_rest_auc,
)

CLASSES = ("2", "3", "4")
COLUMNS = {name: f"probability_{name}" for name in CLASSES}


def patients(seed, n=60, k=3, strength=1.0):
    rng = np.random.default_rng(seed)
    classes = np.array(["2", "3", "4", "astro", "oligo"], dtype=object)[:k]
    codes = np.r_[np.repeat(np.arange(k), 2), rng.integers(0, k, n - 2 * k)]
    chance = np.exp(rng.normal(0, 1, (n, k)) + strength * (codes[:, None] == np.arange(k)))
    return classes[codes], chance / chance.sum(axis=1, keepdims=True), tuple(classes)


def prediction_table(seed=0, models=("m",), n=60, folds=1, cohort="test"):
    parts = []
    for place, model in enumerate(models):
        y, p, classes = patients(seed, n=n)
        p = np.roll(p, place, axis=0) * 0.3 + p * 0.7 if place else p
        table = pd.DataFrame(p, columns=[COLUMNS[name] for name in classes])
        keys = {"case_id": [f"p{i:03d}" for i in range(n)], "y_true": y, "model": model}
        parts.append(table.assign(**keys, cohort=cohort, fold=(np.arange(n) % folds).astype(str)))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_counts_rates_and_scores_are_scikit_learns(k):
    for seed in range(4):
        y, p, classes = patients(seed, k=k)
        called = np.array(classes, dtype=object)[p.argmax(axis=1)]
        counts = confusion_counts(y, p, classes)
        expected = sk.confusion_matrix(y, called, labels=list(classes))
        np.testing.assert_array_equal(counts.to_numpy(), expected)
        assert cohen_kappa(expected) == pytest.approx(sk.cohen_kappa_score(y, called))
        quadratic = sk.cohen_kappa_score(y, called, labels=list(classes), weights="quadratic")
        assert cohen_kappa(expected, weights="quadratic") == pytest.approx(quadratic)
        assert log_losses(y, p, classes).mean() == pytest.approx(
            sk.log_loss(y, p, labels=list(classes))
        )
        brier = sk.brier_score_loss(y, p, labels=list(classes), scale_by_half=False)
        assert brier_scores(y, p, classes).mean() == pytest.approx(brier)
        rates = class_rates(y, p, classes).set_index(["class", "metric"])["estimate"]
        for name in classes:
            own, said = y == name, called == name
            assert rates[name, "sensitivity"] == pytest.approx(sk.recall_score(own, said))
            assert rates[name, "specificity"] == pytest.approx(sk.recall_score(~own, ~said))
            precision = sk.precision_score(own, said, zero_division=np.nan)
            assert rates[name, "precision"] == pytest.approx(precision, nan_ok=True)


def test_of_equal_probabilities_the_first_class_is_called():
    counts = confusion_counts(["4", "2"], [[0.2, 0.4, 0.4], [1 / 3] * 3], CLASSES)
    assert counts.loc["4", "3"] == counts.loc["2", "2"] == 1


def test_rates_have_wilsons_intervals_and_nobody_has_none():
    y = np.array(["2"] * 8 + ["3"] * 4, dtype=object)
    p = np.array([[0.7, 0.2, 0.1]] * 6 + [[0.2, 0.7, 0.1]] * 6)
    rates = class_rates(y, p, CLASSES).set_index(["class", "metric"])
    figures = ["estimate", "ci_low", "ci_high"]
    assert rates.loc[("2", "sensitivity"), figures].tolist() == [0.75, *wilson_interval(0.75, 8)]
    assert rates.loc[("2", "precision"), figures].tolist() == [1.0, *wilson_interval(1.0, 6)]
    assert rates.loc[("4", "specificity"), figures].tolist() == [1.0, *wilson_interval(1.0, 12)]
    assert rates.loc[[("4", "sensitivity"), ("4", "precision")], figures].isna().all(axis=None)
    assert rates.loc[("4", "precision"), "n_class"] == 0


def test_kappa_beyond_its_bounds_and_of_unknown_weights():
    assert np.isnan(cohen_kappa([[5, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert cohen_kappa([[0, 5], [5, 0]]) == -1
    stacked = cohen_kappa([[[5, 0], [0, 5]], [[5, 5], [5, 5]]])
    assert stacked.tolist() == [1, 0]
    with pytest.raises(InputError, match="weights must be None or 'quadratic'"):
        cohen_kappa([[1, 0], [0, 1]], weights="linear")


def test_an_impossible_class_that_comes_true_costs_much_but_not_everything():
    assert log_losses(["3"], [[1.0, 0.0]], ("2", "3"))[0] == pytest.approx(36.04, abs=0.01)
    assert brier_scores(["3"], [[1.0, 0.0]], ("2", "3")).tolist() == [2.0]


def test_table_has_every_figure_with_its_interval():
    y, p, classes = patients(0)
    called = np.array(classes, dtype=object)[p.argmax(axis=1)]
    table = multiclass_metrics_table(prediction_table(), COLUMNS, ordered=True, bootstrap=300)
    overall = table[table["class"] == ""].set_index("metric")
    assert tuple(overall.index) == MULTICLASS_METRICS[:-1]  # one fold: nothing within folds
    expected = {
        "macro_auc": macro_auc(y, p, classes).estimate,
        "accuracy": sk.accuracy_score(y, called),
        "balanced_accuracy": sk.balanced_accuracy_score(y, called),
        "kappa": sk.cohen_kappa_score(y, called),
        "kappa_quadratic": sk.cohen_kappa_score(y, called, weights="quadratic"),
        "brier": sk.brier_score_loss(y, p, scale_by_half=False),
        "log_loss": sk.log_loss(y, p),
    }
    for name, value in expected.items():
        assert overall.loc[name, "estimate"] == pytest.approx(value, abs=1e-12), name
    assert (overall["ci_low"] < overall["estimate"]).all()
    assert (overall["estimate"] < overall["ci_high"]).all()
    assert overall["n_class"].isna().all()
    single = table[table["class"] != ""]
    assert set(single["metric"]) == set(CLASS_METRICS)
    areas = single[single["metric"] == "auc"].set_index("class")
    expected = one_vs_rest_auc(y, p, classes).set_index("class")
    pd.testing.assert_frame_equal(
        areas[["estimate", "ci_low", "ci_high"]], expected[["estimate", "ci_low", "ci_high"]]
    )
    assert areas["n_class"].tolist() == [int((y == name).sum()) for name in classes]
    assert (table["note"] == "").all()
    assert (table["n"] == 60).all()
    unordered = multiclass_metrics_table(prediction_table(), COLUMNS, bootstrap=100)
    assert "kappa_quadratic" not in set(unordered["metric"])


def test_bootstrap_is_that_of_a_loop_over_replicates():
    y, p, classes = patients(3, n=45)
    table = prediction_table(3, n=45)
    found = multiclass_metrics_table(table, COLUMNS, ordered=True, bootstrap=400, seed=5)
    found = found[found["class"] == ""].set_index("metric")
    rng = np.random.default_rng(99)  # other draws: the limits agree but for their own chance
    called = np.array(classes, dtype=object)[p.argmax(axis=1)]
    drawn = {name: [] for name in ("kappa", "brier", "log_loss")}
    for _ in range(400):
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(y == name), (y == name).sum()) for name in classes]
        )
        drawn["kappa"].append(sk.cohen_kappa_score(y[rows], called[rows]))
        drawn["brier"].append(brier_scores(y[rows], p[rows], classes).mean())
        drawn["log_loss"].append(log_losses(y[rows], p[rows], classes).mean())
    for name, values in drawn.items():
        low, high = np.quantile(values, [0.025, 0.975])
        tolerance = 0.25 * (high - low)
        assert found.loc[name, "ci_low"] == pytest.approx(low, abs=tolerance), name
        assert found.loc[name, "ci_high"] == pytest.approx(high, abs=tolerance), name


def test_two_classes_are_the_binary_table():
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 2, 50)
    score = np.clip(rng.normal(0.35 + 0.3 * codes, 0.2), 0.01, 0.99)
    score[np.abs(score - 0.5) < 1e-3] = 0.6
    table = pd.DataFrame({"a": 1 - score, "b": score, "probability": score})
    table = table.assign(
        case_id=[f"p{i:02d}" for i in range(50)], fold="0", cohort="test", model="m",
        y_true=np.where(codes == 1, "b", "a"),
    )  # fmt: skip
    ours = multiclass_metrics_table(table, {"a": "a", "b": "b"}, bootstrap=500, seed=3)
    binary = metrics_table(table.assign(y_true=codes), bootstrap=500, seed=3).set_index("metric")
    figures = ["estimate", "ci_low", "ci_high"]
    overall = ours[ours["class"] == ""].set_index("metric")
    pairs = {"macro_auc": "auc", "hand_till": "auc", "accuracy": "accuracy"}
    for name, other in (pairs | {"balanced_accuracy": "apca"}).items():
        assert overall.loc[name, figures].tolist() == pytest.approx(
            binary.loc[other, figures].tolist(), abs=1e-12
        ), name
    # Brier's score over both classes is twice the binary one, interval and all.
    assert (overall.loc["brier", figures] / 2).tolist() == pytest.approx(
        binary.loc["brier", figures].tolist(), abs=1e-12
    )
    positive = ours[ours["class"] == "b"].set_index("metric")
    for name in ("auc", "sensitivity", "specificity", "precision"):
        assert positive.loc[name, "estimate"] == pytest.approx(binary.loc[name, "estimate"])
    counts = confusion_counts(table["y_true"], table[["a", "b"]], ("a", "b"))
    assert counts.to_numpy()[::-1, ::-1].ravel().tolist() == [
        confusion(codes, score)[name]
        for name in ("true_positive", "false_negative", "false_positive", "true_negative")
    ]


def test_seed_counts_and_workers_do_not():
    table = prediction_table(2, models=("a", "b"))
    one = multiclass_metrics_table(table, COLUMNS, bootstrap=100, seed=1)
    two = multiclass_metrics_table(table, COLUMNS, bootstrap=100, seed=1, workers=2)
    pd.testing.assert_frame_equal(one, two)
    other = multiclass_metrics_table(table, COLUMNS, bootstrap=100, seed=2)
    pd.testing.assert_series_equal(one["estimate"], other["estimate"])
    assert not one["ci_low"].equals(other["ci_low"])


def test_perfect_models_are_not_certain():
    y = np.repeat(CLASSES, [5, 10, 15])
    p = (y[:, None] == np.array(CLASSES)).astype(float)
    table = pd.DataFrame(p, columns=list(COLUMNS.values())).assign(
        case_id=[f"p{i}" for i in range(30)], y_true=y, model="m", cohort="test", fold="0"
    )
    found = multiclass_metrics_table(table, COLUMNS, ordered=True, bootstrap=100)
    found = found[found["class"] == ""].set_index("metric")
    best = {"brier": 0.0, "log_loss": 0.0}
    assert found["estimate"].to_dict() == {name: best.get(name, 1.0) for name in found.index}
    low = wilson_interval(1.0, 30)[0]
    chance = (25 + 100 + 225) / 900
    assert found.loc["accuracy", "ci_low"] == pytest.approx(low)
    below = [1 - wilson_interval(1.0, size)[0] for size in (5, 10, 15)]
    assert found.loc["balanced_accuracy", "ci_low"] == pytest.approx(1 - np.linalg.norm(below) / 3)
    assert found.loc["kappa", "ci_low"] == pytest.approx((low - chance) / (1 - chance))
    assert found.loc["brier", "ci_high"] == pytest.approx(2 * wilson_interval(0.0, 30)[1])
    assert found.loc["log_loss", ["ci_low", "ci_high"]].isna().all()
    assert 0.4 < found.loc["macro_auc", "ci_low"] < 0.9


def test_absent_and_lone_classes_are_said_and_never_crash():
    table = prediction_table(4, n=40)
    lone = table[table["y_true"] == "3"].index[1:]
    for kept, note in (
        (table.drop(lone), "3: a single patient of the class"),
        (table[table["y_true"] != "3"], "3: no patient of the class"),
    ):
        found = multiclass_metrics_table(kept, COLUMNS, bootstrap=100)
        overall = found[found["class"] == ""].set_index("metric")
        assert (overall["note"] == note).all()
        assert overall["estimate"].notna().all()
        areas = found[found["metric"] == "auc"].set_index("class")["estimate"]
        assert np.isnan(areas["3"])
        assert overall.loc["macro_auc", "estimate"] == pytest.approx(areas.mean())
        recalls = found[found["metric"] == "sensitivity"]["estimate"]
        assert overall.loc["balanced_accuracy", "estimate"] == pytest.approx(recalls.mean())
    only = multiclass_metrics_table(table[table["y_true"] == "3"], COLUMNS, bootstrap=100)
    overall = only[only["class"] == ""].set_index("metric")
    assert overall.loc[["macro_auc", "hand_till"], "estimate"].isna().all()
    sensitivity = only[(only["metric"] == "sensitivity") & (only["class"] == "3")]
    assert overall.loc["accuracy", "estimate"] == sensitivity["estimate"].item()
    assert "3: every patient is of the class" in overall["note"].iloc[0]


def test_cross_validation_adds_the_figure_within_folds_and_repeats_average():
    table = prediction_table(6, folds=3)
    found = multiclass_metrics_table(table, COLUMNS, bootstrap=100)
    assert "macro_auc_pooled" in set(found["metric"])
    again = table.assign(fold="r2" + table["fold"])
    again[list(COLUMNS.values())] = again[list(COLUMNS.values())].to_numpy()[:, [1, 2, 0]]
    both = multiclass_metrics_table(pd.concat([table, again]), COLUMNS, bootstrap=100)
    first = table[list(COLUMNS.values())].to_numpy()
    mean = (first + first[:, [1, 2, 0]]) / 2
    expected = macro_auc(table["y_true"], mean, CLASSES)
    row = both[both["metric"] == "macro_auc_pooled"].iloc[0]
    assert (row["n"], row["estimate"]) == (60, pytest.approx(expected.estimate))
    alone = multiclass_metrics_table(again, COLUMNS, bootstrap=100)
    for name in ("macro_auc", "accuracy", "balanced_accuracy", "brier", "log_loss"):
        value, *singles = (
            one.loc[one["metric"] == name, "estimate"].iloc[0] for one in (both, found, alone)
        )
        assert value == pytest.approx(np.mean(singles)), name
    training = pd.concat([table, table.assign(cohort="training", fold="t")])
    marked = multiclass_metrics_table(training, COLUMNS, bootstrap=100, include_training=True)
    assert set(marked["cohort"]) == {"test", "training"}
    assert (marked["apparent"] == (marked["cohort"] == "training")).all()
    assert set(multiclass_metrics_table(training, COLUMNS, bootstrap=100)["cohort"]) == {"test"}


def test_bad_tables_are_refused():
    table = prediction_table()
    with pytest.raises(InputError, match="bootstrap must be at least 100"):
        multiclass_metrics_table(table, COLUMNS, bootstrap=10)
    with pytest.raises(InputError, match="lacks the columns"):
        multiclass_metrics_table(table, COLUMNS | {"5": "probability_5"})
    with pytest.raises(InputError, match="doubled rows"):
        multiclass_metrics_table(pd.concat([table, table]), COLUMNS)
    other = table.assign(fold="1", y_true="2")
    with pytest.raises(InputError, match="two different y_true"):
        multiclass_metrics_table(pd.concat([table, other]), COLUMNS)


def test_confusion_table_has_a_row_a_cell():
    table = prediction_table(1, models=("a", "b"))
    found = confusion_counts_table(table, COLUMNS)
    assert len(found) == 2 * 9
    own = found[found["model"] == "a"]
    y, p, classes = patients(1)
    expected = confusion_counts(y, p, classes).to_numpy()
    np.testing.assert_array_equal(own["n"].to_numpy().reshape(3, 3), expected)
    shares = own["share"].to_numpy().reshape(3, 3)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    without = confusion_counts_table(table[table["y_true"] != "4"], COLUMNS)
    assert without.loc[without["y_true"] == "4", "share"].isna().all()


def test_each_class_is_calibrated_against_the_rest():
    y, p, classes = patients(2, n=80)
    curves = class_calibration_curves(y, p, classes, bootstrap=60, seed=4)
    summary = class_calibration_summary(y, p, classes, bootstrap=100, seed=4).set_index("class")
    points = class_roc_points(y, p, classes)
    for k, name in enumerate(classes):
        own = y == name
        for found, expected in (
            (curves, calibration_curve(own, p[:, k], bootstrap=60, seed=4)),
            (points, roc_points(own, p[:, k])),
        ):
            rows = found[found["class"] == name].drop(columns="class").reset_index(drop=True)
            pd.testing.assert_frame_equal(rows, expected)
        expected = calibration_summary(own, p[:, k], bootstrap=100, seed=4).iloc[0]
        assert summary.loc[name, list(expected.index)].tolist() == expected.tolist()


def test_calibration_of_tiny_classes_is_missing_and_said():
    y, p, classes = patients(2, n=50)
    keep = np.r_[np.flatnonzero(y != "3"), np.flatnonzero(y == "3")[:1]]
    summary = class_calibration_summary(y[keep], p[keep], classes, bootstrap=100).set_index("class")
    assert np.isnan(summary.loc["3", "slope"])
    assert summary.loc["3", "note"] == "a single patient of the class"
    assert summary.loc["3", ["n", "n_positive"]].tolist() == [keep.size, 1]
    assert set(class_calibration_curves(y[keep], p[keep], classes, bootstrap=50)["class"]) == {
        "2", "4",
    }  # fmt: skip
    alone = y == "2"
    assert class_calibration_summary(y[alone], p[alone], classes).empty
    assert class_roc_points(y[alone], p[alone], classes).empty
    # The same probabilities for everyone: no curve, but no crash.
    same = np.tile([0.2, 0.3, 0.5], (len(y), 1))
    assert len(class_calibration_curves(y, same, classes, bootstrap=50)) == 0


def test_kappa_between_models_is_scikit_learns():
    table = prediction_table(5, models=("a", "b"))
    found = class_agreement_table(table, COLUMNS, bootstrap=200).iloc[0]
    wide = table.assign(
        called=np.array(CLASSES)[table[list(COLUMNS.values())].to_numpy().argmax(axis=1)]
    ).pivot(index="case_id", columns="model", values="called")
    assert found["kappa"] == pytest.approx(sk.cohen_kappa_score(wide["a"], wide["b"]))
    assert found["agreement"] == pytest.approx((wide["a"] == wide["b"]).mean())
    truth = table.drop_duplicates("case_id").set_index("case_id")["y_true"]
    wrong = wide.ne(truth, axis=0)
    assert found["both_wrong"] == wrong.all(axis=1).sum()
    assert found["ci_low"] < found["kappa"] < found["ci_high"]


def test_misjudged_by_all_come_first_the_worst_before():
    table = prediction_table(5, models=("a", "b"))
    found = class_misjudged_by_all(table, COLUMNS)
    assert len(found) == 60
    assert found["n_wrong"].is_monotonic_decreasing
    wrong = found[["a", "b"]].ne(found["y_true"], axis=0)
    np.testing.assert_array_equal(wrong.sum(axis=1), found["n_wrong"])
    worst = found[found["misjudged_by_all"]]["case_id"]
    errors = 1 - table.set_index("case_id").apply(lambda row: row[COLUMNS[row["y_true"]]], axis=1)
    assert errors.groupby(level=0).mean().loc[worst].is_monotonic_decreasing
    with pytest.raises(InputError, match="no test or external patient"):
        class_misjudged_by_all(table.assign(cohort="training"), COLUMNS)


def test_agreement_of_two_classes_is_the_binary_one():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2, 40)
    parts = []
    for model in ("a", "b"):
        score = (rng.integers(0, 1024, 40) + 600 * codes) / 2048 + 1 / 8192
        table = pd.DataFrame({"no": 1 - score, "yes": score, "probability": score})
        keys = {"case_id": [f"p{i:02d}" for i in range(40)], "fold": "0", "cohort": "test"}
        parts.append(table.assign(**keys, model=model, y_true=np.where(codes == 1, "yes", "no")))
    table = pd.concat(parts, ignore_index=True)
    binary = table.assign(y_true=(table["y_true"] == "yes").astype(int))
    columns = {"no": "no", "yes": "yes"}
    pd.testing.assert_frame_equal(
        class_agreement_table(table, columns, bootstrap=200), agreement_table(binary, bootstrap=200)
    )
    ours, theirs = class_misjudged_by_all(table, columns), misjudged_by_all(binary)
    assert ours["case_id"].tolist() == theirs["case_id"].tolist()
    assert ours["n_wrong"].tolist() == theirs["n_wrong"].tolist()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 5))
def test_order_of_patients_and_names_of_classes_do_not_count(seed, k):
    y, p, classes = patients(seed, n=30, k=k)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(y)), rng.permutation(k)
    renamed = np.array([f"class {name}" for name in y], dtype=object)[rows]
    order = tuple(f"class {classes[column]}" for column in columns)
    before = confusion_counts(y, p, classes).to_numpy()
    after = confusion_counts(renamed, p[rows][:, columns], order).to_numpy()
    np.testing.assert_array_equal(after, before[np.ix_(columns, columns)])
    assert cohen_kappa(after) == pytest.approx(cohen_kappa(before), nan_ok=True)
    for function in (brier_scores, log_losses):
        np.testing.assert_allclose(
            function(renamed, p[rows][:, columns], order), function(y, p, classes)[rows]
        )
