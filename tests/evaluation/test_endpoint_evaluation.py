"""The evaluation of each kind of endpoint: its tables, its seed, and how a kind is found."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import gliofuse.evaluation.endpoints as kinds
from gliofuse.cohort import BinaryEndpoint, MulticlassEndpoint
from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.evaluation import (
    agreement_table,
    calibration_curve,
    calibration_summary,
    clinical_impact,
    confusion_table,
    decision_curve,
    delong_matrix,
    metrics_table,
    misjudged_by_all,
    pool_predictions,
    roc_points,
    youden_threshold,
)
from gliofuse.evaluation.endpoints import evaluation_kinds, evaluation_of
from gliofuse.evaluation.multiclass import (
    macro_auc_matrix,
    macro_auc_within,
    multiclass_metrics_table,
)

pytestmark = pytest.mark.slow(minutes=0.2)

BINARY = BinaryEndpoint("grade", ">= 3")
GRADES = MulticlassEndpoint("grade", ("2", "3", "4"))
LETTERS = MulticlassEndpoint("grade", ("a", "b", "c"))


def binary_predictions(seed=0, n=50, models=("full", "clinical", "third")):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    fold = rng.integers(0, 3, n)
    parts = []
    for model in models:
        for number in range(3):
            p = 1 / (1 + np.exp(-rng.normal(1.2 * y - 0.6, 1)))
            keys = {"case_id": [f"p{i:02d}" for i in range(n)], "model": model, "y_true": y}
            cohort = np.where(fold == number, "test", "training")
            table = pd.DataFrame({"probability": p}).assign(**keys)
            parts.append(table.assign(cohort=cohort, fold=f"fold-{number}"))
    return pd.concat(parts, ignore_index=True)


def grade_predictions(seed=0, n=60, models=("full", "clinical")):
    rng = np.random.default_rng(seed)
    codes = np.r_[np.repeat([0, 1, 2], 5), rng.integers(0, 3, n - 15)]
    fold = np.arange(n) % 3
    parts = []
    for model in models:
        for number in range(3):
            p = np.exp(rng.normal(0, 1, (n, 3)) + 1.3 * (codes[:, None] == np.arange(3)))
            p /= p.sum(axis=1, keepdims=True)
            table = pd.DataFrame(p, columns=list(GRADES.prediction_columns))
            keys = {"case_id": [f"p{i:02d}" for i in range(n)], "model": model}
            table = table.assign(**keys, y_true=np.array(GRADES.classes, dtype=object)[codes])
            cohort = np.where(fold == number, "test", "training")
            parts.append(table.assign(cohort=cohort, fold=f"fold-{number}"))
    return pd.concat(parts, ignore_index=True)


class Told:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.stages, self.steps = [], []

    @contextmanager
    def stage(self, name, total, unit):
        self.stages.append((name, total, unit))
        yield self.steps.append


@pytest.mark.parametrize("rule", ["half", "youden"])
@pytest.mark.parametrize("seed", [0, 11])
def test_binary_tables_are_the_functions_own(rule, seed):
    predictions = binary_predictions()
    judged = ("third", "full")
    told = Told()
    tables = evaluation_of(BINARY).tables(
        predictions, judged=judged, threshold=rule, bootstrap=150, seed=seed, progress=told
    )
    assert told.stages == [("evaluating", len(tables), "tables")]
    assert told.steps == list(range(1, len(tables) + 1))
    training = predictions[predictions["cohort"] == "training"]
    thresholds = [
        (f, m, youden_threshold(g["y_true"], g["probability"]) if rule == "youden" else 0.5)
        for (f, m), g in training.groupby(["fold", "model"], sort=False)
    ]
    thresholds = pd.DataFrame(thresholds, columns=["fold", "model", "threshold"])
    pooled = pool_predictions(predictions, thresholds=thresholds)

    def each(function, models, **options):
        return pd.concat(
            [
                function(group["y_true"], group["probability"], **options).assign(
                    cohort="test", model=model
                )
                for model, group in pooled.groupby("model", sort=False)
                if model in models
            ],
            ignore_index=True,
        )

    everyone = ("full", "clinical", "third")
    chosen = pooled[pooled["model"].isin(judged)]
    expected = {
        "thresholds": thresholds,
        "metrics": metrics_table(predictions, thresholds, bootstrap=150, seed=seed),
        "confusion": confusion_table(predictions, thresholds),
        "roc": each(roc_points, everyone, refits=True),
        "delong": delong_matrix(predictions, "test").assign(cohort="test"),
        "calibration": each(calibration_curve, judged, seed=seed, refits=True),
        "calibration_summary": each(calibration_summary, judged, seed=seed, refits=True),
        "decision_curve": decision_curve(chosen, seed=seed, refits=True).assign(cohort="test"),
        "clinical_impact": each(clinical_impact, judged[:1], refits=True),
    }
    assert list(tables) == list(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(tables[name], table, check_exact=True, obj=name)
    evaluation = evaluation_of(BINARY)
    pd.testing.assert_frame_equal(
        evaluation.misjudged(predictions, thresholds), misjudged_by_all(predictions, thresholds)
    )
    pd.testing.assert_frame_equal(
        evaluation.agreement(predictions, thresholds, bootstrap=100, seed=seed),
        agreement_table(predictions, thresholds, bootstrap=100, seed=seed),
    )


@pytest.mark.parametrize(
    ("endpoint", "make"), [(BINARY, binary_predictions), (GRADES, grade_predictions)]
)
def test_the_callers_seed_reaches_every_resampled_table(endpoint, make):
    evaluation, predictions = evaluation_of(endpoint), make()
    one, same, other = (
        evaluation.tables(predictions, judged=("full",), bootstrap=100, seed=seed)
        for seed in (1, 1, 2)
    )
    for name in one:
        pd.testing.assert_frame_equal(one[name], same[name])
    resampled = {"metrics", "calibration", "calibration_summary", "decision_curve"}
    assert {name for name in one if not one[name].equals(other[name])} == resampled & set(one)
    agreement = [evaluation.agreement(predictions, bootstrap=100, seed=seed) for seed in (1, 2)]
    assert not agreement[0].equals(agreement[1])


def test_multiclass_tables():
    predictions = grade_predictions()
    told = Told()
    tables = evaluation_of(GRADES).tables(
        predictions, judged=("full",), bootstrap=150, seed=4, progress=told
    )
    assert list(tables) == [
        "metrics", "class_confusion", "roc", "delong", "calibration", "calibration_summary",
    ]  # fmt: skip
    assert told.steps == [1, 2, 3, 4, 5, 6]
    columns = dict(zip(GRADES.classes, GRADES.prediction_columns, strict=True))
    expected = multiclass_metrics_table(predictions, columns, ordered=True, bootstrap=150, seed=4)
    pd.testing.assert_frame_equal(tables["metrics"], expected)
    assert "macro_auc_pooled" in set(expected["metric"])
    delong = macro_auc_matrix(predictions, "test", columns).assign(cohort="test")
    pd.testing.assert_frame_equal(tables["delong"], delong)
    for name in ("roc", "calibration", "calibration_summary"):
        assert list(tables[name]["class"].unique()) == ["2", "3", "4"]
    assert set(tables["calibration"]["model"]) == {"full"}
    assert set(tables["roc"]["model"]) == {"full", "clinical"}
    held_out = predictions[(predictions["cohort"] == "test") & (predictions["model"] == "full")]
    area = macro_auc_within(held_out, columns, refits=True)
    metrics = tables["metrics"]
    row = metrics[(metrics["model"] == "full") & (metrics["metric"] == "macro_auc")].iloc[0]
    assert row["estimate"] == pytest.approx(area.estimate)
    # Letters have no order: no weighted kappa.
    renamed = predictions.assign(y_true=predictions["y_true"].map(dict(zip("234", "abc"))))
    renamed.columns = renamed.columns.str.translate(str.maketrans("234", "abc"))
    found = evaluation_of(LETTERS).tables(renamed, judged=("full",), bootstrap=100)
    assert "kappa_quadratic" not in set(found["metrics"]["metric"])


@pytest.mark.parametrize(
    ("endpoint", "make", "only"),
    [(BINARY, binary_predictions, 0), (GRADES, grade_predictions, "3")],
)
def test_held_out_patients_of_one_class_leave_metrics_alone(endpoint, make, only):
    predictions = make()
    single = predictions[(predictions["cohort"] == "training") | (predictions["y_true"] == only)]
    tables = evaluation_of(endpoint).tables(single, judged=("full",), bootstrap=100)
    assert len(tables["metrics"])
    assert set(tables) <= {"thresholds", "metrics", "confusion", "class_confusion"}


def test_one_model_has_nobody_to_be_compared_with():
    for endpoint, predictions in (
        (BINARY, binary_predictions(models=("full",))),
        (GRADES, grade_predictions(models=("full",))),
    ):
        tables = evaluation_of(endpoint).tables(predictions, judged=("full",), bootstrap=100)
        assert "delong" not in tables
        assert len(evaluation_of(endpoint).agreement(predictions)) == 0


@pytest.mark.parametrize(
    ("endpoint", "make"), [(BINARY, binary_predictions), (GRADES, grade_predictions)]
)
def test_headline_and_summary_are_metrics_of_all_classes(endpoint, make):
    evaluation = evaluation_of(endpoint)
    assert evaluation.summary_metrics[0] == evaluation.headline
    metrics = evaluation.tables(make(), judged=("full",), bootstrap=100)["metrics"]
    rows = metrics[metrics["model"] == "full"].set_index("metric")
    for name in evaluation.summary_metrics:
        assert np.isfinite(rows.loc[name, "estimate"])  # one row a model, no table


def test_patients_are_described_in_a_line():
    evaluation = evaluation_of(BINARY)
    predictions = binary_predictions()
    positive = int(predictions.drop_duplicates("case_id")["y_true"].sum())
    metrics = evaluation.tables(predictions, judged=("full",), bootstrap=100)["metrics"]
    assert evaluation.patients_line(metrics) == f"50 patients, {positive} positive"
    evaluation, predictions = evaluation_of(GRADES), grade_predictions()
    metrics = evaluation.tables(predictions, judged=("full",), bootstrap=100)["metrics"]
    counts = predictions.drop_duplicates("case_id")["y_true"].value_counts()
    told = ", ".join(f"grade {name}: {counts[name]}" for name in GRADES.classes)
    assert evaluation.patients_line(metrics) == f"60 patients ({told})"


def test_characteristics_compare_outcomes_or_fixed_cohorts():
    rng = np.random.default_rng(0)
    for endpoint, predictions, heads in (
        (BINARY, binary_predictions(), {"negative", "positive"}),
        (GRADES, grade_predictions(), {"grade 2", "grade 3", "grade 4"}),
    ):
        evaluation = evaluation_of(endpoint)
        cases = predictions["case_id"].unique()
        clinical = pd.DataFrame({"age": rng.normal(50, 9, len(cases)), "grade": 2}, index=cases)
        table = evaluation.characteristics(clinical, predictions, outcome_columns=["grade"])
        groups = [name.split(" (")[0] for name in table.columns if "(n=" in name]
        assert set(groups) == heads
        assert "grade" not in set(table["variable"])
        fixed = predictions[predictions["fold"] == "fold-0"]
        table = evaluation.characteristics(clinical, fixed, outcome_columns=["grade"])
        groups = {name.split(" (")[0] for name in table.columns if "(n=" in name}
        assert groups == {"test cohort", "training cohort"}
        assert "grade" in set(table["variable"])
        with pytest.raises(InputError, match="lacks 1 predicted patients, first 'p00'"):
            evaluation.characteristics(clinical.drop("p00"), predictions)
    # Of several classes the columns come in the order of the classes.
    groups = evaluation_of(GRADES).outcome_groups(grade_predictions().sample(frac=1))
    assert list(pd.unique(groups)) == ["grade 2", "grade 3", "grade 4"]


def test_training_patients_are_held_against_each_other_cohort_alone():
    from scipy.stats import mannwhitneyu

    fixed = binary_predictions().query("fold == 'fold-0'").reset_index(drop=True)
    training = fixed.loc[fixed["cohort"] == "training", "case_id"].unique()
    fixed.loc[fixed["case_id"].isin(training[::3]), "cohort"] = "validation"
    cases = fixed["case_id"].unique()
    clinical = pd.DataFrame({"age": np.random.default_rng(2).normal(50, 9, cases.size)}, cases)
    table = evaluation_of(BINARY).characteristics(clinical, fixed)
    cohort = fixed.drop_duplicates("case_id").set_index("case_id")["cohort"]
    for other in ("validation", "test"):
        samples = [
            clinical.loc[cohort[cohort == name].index, "age"] for name in ("training", other)
        ]
        expected = mannwhitneyu(*samples).pvalue
        assert table[f"p_{other}"].iloc[0] == pytest.approx(expected)
        assert table[f"p_{other}"].iloc[1:].isna().all()
    two = evaluation_of(BINARY).characteristics(clinical, fixed[fixed["cohort"] != "validation"])
    assert not [name for name in two.columns if name.startswith("p_")]


def test_columns_that_tell_the_outcome_do_not_describe_its_groups():
    rng = np.random.default_rng(1)
    evaluation, predictions = evaluation_of(GRADES), grade_predictions()
    grade = predictions.drop_duplicates("case_id").set_index("case_id")["y_true"]
    diagnosis = grade.map({"2": "diffuse", "3": "anaplastic", "4": "glioblastoma"})
    clinical = pd.DataFrame(
        {
            "grade": grade.astype(float),
            "diagnosis": diagnosis.mask(rng.random(len(grade)) < 0.2),
            "ordered_finely": grade.astype(float) + rng.random(len(grade)) / 10,
            "sex": rng.choice(["F", "M"], len(grade)),
            "mostly_unknown": diagnosis.where(np.arange(len(grade)) < 9),
            "nearly": diagnosis.mask(np.arange(len(grade)) == 0, "glioblastoma"),
        }
    )
    clinical.loc[grade.index[0], "nearly"] = "glioblastoma" if grade.iloc[0] != "4" else "diffuse"
    telling = evaluation.telling_columns(clinical, predictions, ["grade"])
    assert telling == ("grade", "diagnosis")
    table = evaluation.characteristics(clinical, predictions, outcome_columns=["grade"])
    assert set(table["variable"]) == {*clinical.columns} - {*telling}
    once = predictions[predictions["fold"] == "fold-0"]
    assert evaluation.telling_columns(clinical, once, ["grade"]) == ()


def test_held_out_groups_come_in_the_order_of_classes():
    predictions = binary_predictions()
    groups = evaluation_of(BINARY).held_out_groups(predictions, "full")
    own = predictions[(predictions["model"] == "full") & (predictions["cohort"] == "test")]
    own = own.set_index("case_id")
    assert list(pd.unique(groups["class"])) == ["negative", "positive"]
    assert list(pd.unique(groups["called"])) == ["called negative", "called positive"]
    called = own["probability"].loc[groups["called"].index] >= 0.5
    assert (called == (groups["called"] == "called positive")).all()
    thresholds = predictions[["fold", "model"]].drop_duplicates().assign(threshold=0.9)
    strict = evaluation_of(BINARY).held_out_groups(predictions, "full", thresholds)
    assert (strict["called"] == "called positive").sum() < called.sum()
    predictions = grade_predictions()
    groups = evaluation_of(GRADES).held_out_groups(predictions, "clinical")
    assert list(pd.unique(groups["class"])) == ["grade 2", "grade 3", "grade 4"]
    called = [f"called {label}" for label in GRADES.class_labels]
    assert list(pd.unique(groups["called"])) == called
    assert len(groups["called"]) == 60


@pytest.mark.parametrize(
    ("endpoint", "make", "column", "value", "message"),
    [
        (BINARY, binary_predictions, "probability", np.nan, "missing"),
        (BINARY, binary_predictions, "y_true", 2, "only 0 and 1"),
        (BINARY, binary_predictions, "cohort", "held out", "cohort must be one of"),
        (GRADES, grade_predictions, "probability_3", np.nan, "missing"),
        (GRADES, grade_predictions, "probability_3", 7.0, "add up to 1"),
        (GRADES, grade_predictions, "y_true", "5", r"only the classes \['2', '3', '4'\]"),
        (GRADES, grade_predictions, "cohort", "held out", "cohort must be one of"),
    ],
)
def test_training_rows_too_must_keep_the_contract(endpoint, make, column, value, message):
    predictions = make()
    evaluation_of(endpoint).check(predictions)
    case = predictions["case_id"].iloc[0]
    if column == "y_true":
        predictions.loc[predictions["case_id"] == case, column] = value
    else:
        predictions.loc[predictions.index[predictions["cohort"] == "training"][0], column] = value
    with pytest.raises(InputError, match=message):
        evaluation_of(endpoint).check(predictions)
    lacking = make().drop(columns=endpoint.prediction_columns[-1])
    with pytest.raises(InputError, match="predictions lacks the columns"):
        evaluation_of(endpoint).tables(lacking, judged=("full",))


def test_unknown_rules_and_kinds_say_what_there_is():
    with pytest.raises(SettingError, match=r"threshold must be 'half' or 'youden'.*youden"):
        evaluation_of(BINARY).tables(binary_predictions(), judged=("full",), threshold="yuden")
    with pytest.raises(SettingError, match="threshold 'youden' is for two classes"):
        evaluation_of(GRADES).tables(grade_predictions(), judged=("full",), threshold="youden")
    with pytest.raises(EndpointError, match=r"binery endpoint cannot be evaluated.*binary"):
        evaluation_of(SimpleNamespace(kind="binery"))
    with pytest.raises(EndpointError, match="base endpoint cannot be evaluated"):
        evaluation_of(SimpleNamespace(kind="base"))


KIND = """
from gliofuse.evaluation.endpoints.binary import BinaryEvaluation
from gliofuse.evaluation.endpoints.base import Evaluation

class RankEvaluation(Evaluation):
    headline = "rank"
    summary_metrics = ("rank",)
    check = check_threshold = tables = misjudged = agreement = None
    outcome_groups = held_out_groups = patients_line = None
"""


def test_a_new_kind_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "rank.py").write_text(KIND)
    (tmp_path / "empty.py").write_text("")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    try:
        assert {"binary", "empty", "multiclass", "rank"} <= set(evaluation_kinds())
        assert "base" not in evaluation_kinds()
        assert evaluation_of(SimpleNamespace(kind="rank")).headline == "rank"
        with pytest.raises(EndpointError, match="holds no subclass of Evaluation"):
            evaluation_of(SimpleNamespace(kind="empty"))
    finally:
        for name in ("rank", "empty"):
            sys.modules.pop(f"{kinds.__name__}.{name}", None)
