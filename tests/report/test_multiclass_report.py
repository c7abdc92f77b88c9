"""The report of an endpoint of several classes, of a study that a design of one's own ran."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from gliofuse.records import CALIBRATION_SUMMARY, METRICS, RunFolder
from gliofuse.report import summarise, write_comparison_report, write_report

from .conftest import table_study, write_tables

pytestmark = pytest.mark.slow(minutes=0.2)

DESIGN = """
import pandas as pd
from sklearn.linear_model import LogisticRegression

from gliofuse.cohort import MulticlassEndpoint
from gliofuse.designs import Design, DesignSettings, FittedDesign, Model
from gliofuse.inputs import RadiomicFeatures
from gliofuse.radiomics import RadiomicsSettings


class Settings(DesignSettings):
    final: str = "t1ce"


class Grades(Design):
    name = "grades"
    title = "Grades by logistic regression"
    Settings = Settings
    endpoints = (MulticlassEndpoint,)

    @property
    def models(self):
        return tuple(
            Model(f"m_{s}", f"Model of {s}", "radiomics", s,
                  "final" if s == self.settings.final else "rival")
            for s in self.available.sequences
        )

    @property
    def inputs(self):
        bank = RadiomicsSettings.preset("original")
        return (RadiomicFeatures(bank, ("whole",), self.available.sequences, "minmax"),)

    def features(self, data, model):
        table = data.table(self.inputs[0])
        return table.loc[:, table.columns.str.startswith(f"{model.group}.")]

    def fit(self, training, validation, context):
        y = training.y
        return Fitted(self, {
            m: LogisticRegression().fit(self.features(training, m), y) for m in self.models
        })


class Fitted(FittedDesign):
    def __init__(self, design, fitted):
        super().__init__(design)
        self.fitted = fitted

    def predict(self, data):
        ids = pd.Index(data.case_ids, name="case_id")
        return pd.concat({
            model.name: pd.DataFrame(
                fitted.predict_proba(self.design.features(data, model)), index=ids,
                columns=[f"probability_{name}" for name in fitted.classes_],
            )
            for model, fitted in self.fitted.items()
        }, axis=1)
"""
GRADES = ["2", "3", "4"]
LABELS = ["grade 2", "grade 3", "grade 4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A comparison of two settings of the design, with its reports."""
    from gliofuse.study.compare import compare_designs

    base = tmp_path_factory.mktemp("grades")
    write_tables(base)
    (base / "grades.py").write_text(DESIGN, encoding="utf-8")
    endpoint = {"kind": "multiclass", "column": "grade", "classes": [2, 3, 4]}
    studies = {
        name: table_study(
            base, str(base / "grades.py"), endpoint=endpoint, settings={"final": final}
        )
        for name, final in (("contrast", "t1ce"), ("plain", "t1"))
    }
    compare_designs(studies, base / "out")
    for name in studies:
        write_report(base / "out" / name)
    write_comparison_report(base / "out")
    return base / "out"


@pytest.fixture(scope="module")
def run(folder):
    return folder / "contrast"


@pytest.fixture(scope="module")
def summary(run):
    return summarise(run)


@pytest.fixture(scope="module")
def held_out(run):
    table = pd.read_parquet(run / "predictions.parquet")
    return table.query("cohort == 'test' and model == 'm_t1ce'")


def test_page_has_the_sections_of_several_classes(run, page_of):
    text, page = page_of(run)
    assert len(page.ids) == len(set(page.ids))
    assert "Main result" in text
    assert "Macro AUC" in text
    for words in (
        "Each class against the rest", "Confusion matrices", "ROC curves of Model of t1ce",
        "Calibration of each class against the rest", "The final model class by class",
        "Survival", "CLEAR checklist",
    ):  # fmt: skip
        assert words in text
    for heading in ("Decision curve", "Clinical impact", "Nomogram and calculator"):
        assert f"{heading}</h" not in text
    assert "<b>Not drawn</b>" not in text
    names = {path.name for path in (run / "figures").iterdir()}
    assert {"forest.svg", "roc_test.svg", "confusion_test.svg", "calibration_test.svg"} <= names


def test_headline_is_the_macro_auc(run, summary):
    json.dumps(summary)
    row = RunFolder(run).read(METRICS).query("metric == 'macro_auc' and model == 'm_t1ce'")
    head = summary["overview"]["headline"]
    assert head["metric"] == "macro_auc"
    assert head["estimate"] == row["estimate"].iloc[0]
    assert (head["low"], head["high"]) == (row["ci_low"].iloc[0], row["ci_high"].iloc[0])
    assert head["patients"] == "52 patients (grade 2: 16, grade 3: 18, grade 4: 18)"
    assert summary["patients"]["classes"] == [
        {"label": "grade 2", "n": 16}, {"label": "grade 3", "n": 18},
        {"label": "grade 4", "n": 18},
    ]  # fmt: skip


def test_no_class_is_shown_bare(folder, run, summary, page_of):
    heads = [name.split(" (")[0] for name in summary["characteristics"]["groups"]]
    assert heads == LABELS
    survival = {plot["groups"]: plot["curves"] for plot in summary["survival"]}
    assert [curve["label"] for curve in survival["class"]] == LABELS
    assert {curve["label"] for curve in survival["called"]} <= {f"called {x}" for x in LABELS}
    for place in (run, folder):
        text, _ = page_of(place)
        for bare in GRADES:
            assert f'<th scope="row">{bare}</th>' not in text
            assert f"<td>{bare}</td>" not in text.split("Patients per part")[0]
    assert summary["characteristics"]["endpoint_columns"] == ["grade"]
    assert "Left out: grade (the endpoint itself)." in page_of(run)[0]


def test_table_of_models_holds_the_figures_over_all_classes(summary):
    (cohort,) = summary["performance"]["cohorts"]
    assert cohort["metrics"][0] == "macro_auc"
    assert "auc" not in cohort["rows"][0]["cells"], "the AUC of a class is no figure of the model"
    assert cohort["has_tests"]
    assert all((row["p"] is None) == row["final"] for row in cohort["rows"])


def test_each_class_has_its_auc(summary, held_out):
    """The AUCs of single classes are the share of pairs of one fold that are in order."""
    (cohort,) = summary["class_auc"]
    row = next(row for row in cohort["rows"] if row["final"])
    for name, cell in zip(GRADES, row["cells"], strict=True):
        wins = []
        for _, fold in held_out.groupby("fold"):
            own = fold["y_true"] == name
            of_class, rest = (fold.loc[side, f"probability_{name}"] for side in (own, ~own))
            wins += [(a > b) + 0.5 * (a == b) for a in of_class for b in rest]
        assert cell["estimate"] == pytest.approx(np.mean(wins))
        assert cell["low"] <= cell["estimate"] <= cell["high"]
    assert [entry["n"] for entry in cohort["classes"]] == [16, 18, 18]


def test_confusion_matrix_has_true_rows_and_called_columns(summary, held_out):
    probabilities = held_out[[f"probability_{name}" for name in GRADES]].to_numpy()
    called = np.array(GRADES)[probabilities.argmax(axis=1)]
    (cohort,) = summary["class_confusion"]
    own = next(matrix for matrix in cohort["matrices"] if matrix["model"] == "m_t1ce")
    expected = confusion_matrix(held_out["y_true"], called, labels=GRADES)
    assert own["counts"] == expected.tolist()


def test_a_curve_a_class_is_drawn_of_the_final_model(summary):
    (figure,) = summary["class_roc"]
    assert figure["model"] == "m_t1ce"
    assert [curve["label"] for curve in figure["curves"]] == LABELS
    for curve in figure["curves"]:
        assert (curve["false_positive_rate"][0], curve["true_positive_rate"][0]) == (0, 0)
        assert (curve["false_positive_rate"][-1], curve["true_positive_rate"][-1]) == (1, 1)


def test_calibration_is_told_class_by_class(run, summary):
    found = summary["class_calibration"]
    assert [panel["label"] for panel in found["cohorts"][0]["panels"]] == LABELS
    table = RunFolder(run).read(CALIBRATION_SUMMARY)
    rows = [row for row in found["rows"] if row["final"]]
    assert [row["class"] for row in rows] == LABELS
    slope = found["columns"].index("slope")
    own = table[table["model"] == "m_t1ce"].set_index("class")["slope"]
    for row in rows:
        assert row["values"][slope]["estimate"] == own[row["class"].removeprefix("grade ")]


def test_comparison_of_several_classes(folder, page_of):
    text, page = page_of(folder)
    assert len(page.ids) == len(set(page.ids))
    assert "<b>Not drawn</b>" not in text
    assert "difference in Macro AUC" in text
    assert "Patients whom all designs misjudge</h2>" in text
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {"roc_test_contrast.svg", "roc_test_plain.svg", "confusion_test.svg"} <= names


@pytest.fixture(scope="module")
def built_in(tmp_path_factory):
    """A run of rdl on three grades: a part of each model for each class."""
    from gliofuse.study.runner import run_study

    base = tmp_path_factory.mktemp("rdl")
    write_tables(base)
    endpoint = {"kind": "multiclass", "column": "grade", "classes": [2, 3, 4]}
    run_study(table_study(base, "rdl", endpoint=endpoint), base / "run")
    return base / "run"


def test_parts_of_a_model_for_each_class_are_told_apart(built_in):
    """Coefficients of different classes are never averaged with each other."""
    table = pd.read_csv(built_in / "tables" / "contributions.csv", dtype={"class": str})
    found = {entry["label"]: entry["terms"] for entry in summarise(built_in)["contributions"]}
    assert list(found) == [f"Radiomics fusion ({name})" for name in LABELS]
    own = table[(table["class"] == "4") & (table["term"] == "radiomics_t1ce=4")]
    term = next(t for t in found["Radiomics fusion (grade 4)"] if t["term"] == "radiomics_t1ce=4")
    assert term["label"] == "Radiomics T1ce (grade 4)"
    assert term["values"] == pytest.approx(own["coefficient"].tolist())
    chosen = summarise(built_in)["selection"]["models"]
    assert {(entry["model"], entry["class"]) for entry in chosen} <= {
        (f"radiomics_{sequence}", name) for sequence in ("t1", "t1ce") for name in GRADES
    }
    assert all(len(feature["label"]) for entry in chosen for feature in entry["features"])
