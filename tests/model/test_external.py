"""A model that was handed on is judged on patients it has never seen."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from gliofuse.cli import app
from gliofuse.errors import GliofuseError
from gliofuse.model import load_model

from .conftest import write_tables


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Return a folder with tables of other patients, one of them without an outcome."""
    folder = tmp_path_factory.mktemp("others")
    _, clinical = write_tables(folder, seed=7)
    clinical.loc[clinical.index[5], "grade"] = float("nan")
    clinical.to_csv(folder / "clinical.csv")
    return folder


def validate(model, folder, out, *more):
    words = ["evaluate", str(model), "--features", str(folder / "features.csv")]
    words += ["--clinical", str(folder / "clinical.csv"), "-o", str(out), *more]
    return CliRunner().invoke(app, words, env={"COLUMNS": "200"})


def test_figures_are_those_of_the_models_own_predictions(table_model, others, tmp_path):
    done = validate(table_model, others, tmp_path / "out")
    assert done.exit_code == 0, done.output
    clinical = pd.read_csv(others / "clinical.csv", index_col="case_id")
    known = clinical["grade"].notna()
    loaded = load_model(table_model)
    features = pd.read_csv(others / "features.csv", index_col="case_id")
    told, _ = loaded.predict_table(features[known], clinical[known])
    final = [told[case_id].probability for case_id in clinical.index[known]]
    expected = roc_auc_score(clinical["grade"][known] >= 3, final)
    metrics = pd.read_csv(tmp_path / "out" / "metrics.csv")
    own = metrics[(metrics["model"] == loaded.description.final_model)]
    assert set(own["cohort"]) == {"external"}
    auc = own.set_index("metric").loc["auc"]
    assert auc["estimate"] == pytest.approx(expected)
    assert auc["ci_low"] < auc["estimate"] <= auc["ci_high"]
    assert len(pd.read_csv(tmp_path / "out" / "excluded.csv")) == 1
    mix = pd.read_csv(tmp_path / "out" / "case_mix.csv").set_index("variable")
    assert {"age", "sex"} < set(mix.index)
    ways = pd.read_csv(tmp_path / "out" / "recalibration.csv")["how"]
    assert list(ways) == ["as handed on", "intercept", "intercept and slope"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "All of them are new to the models, which were fitted to others before." in page
    assert "were fitted;" not in page
    assert "Beside the development patients" in page


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda features, clinical: (features, clinical.drop(columns="grade")), "grade"),
        (lambda features, clinical: (features.iloc[:, 3:], clinical), "the feature table lacks"),
        (lambda features, clinical: (features, clinical.set_axis(clinical.index + "x")), "share"),
        (lambda features, clinical: (features, clinical.assign(grade=4)), "both classes"),
    ],
)
def test_tables_that_cannot_be_judged_are_refused(table_model, tmp_path, change, line):
    features, clinical = write_tables(tmp_path, patients=12)
    features, clinical = change(features, clinical)
    features.to_csv(tmp_path / "features.csv")
    clinical.rename_axis("case_id").to_csv(tmp_path / "clinical.csv")
    done = validate(table_model, tmp_path, tmp_path / "out")
    assert isinstance(done.exception, GliofuseError)
    assert line in str(done.exception)


def test_a_folder_of_something_else_is_left_alone(table_model, others, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = validate(table_model, others, tmp_path)
    assert "not a validation's" in str(done.exception)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_prediction_says_whether_to_trust_it(table_model, others):
    loaded = load_model(table_model)
    features = pd.read_csv(others / "features.csv", index_col="case_id").iloc[:3]
    clinical = pd.read_csv(others / "clinical.csv", index_col="case_id")
    strange = features * 40
    usual, _ = loaded.predict_table(features, clinical)
    odd, _ = loaded.predict_table(strange, clinical)
    for one in usual.values():
        held = one.checks["prediction_set"]
        assert set(held["classes"]) <= {"negative", "positive"}
        assert held["level"] == 0.9
    assert any("unlike the training patients" in w for one in odd.values() for w in one.warnings)
    assert not any("unlike" in w for one in usual.values() for w in one.warnings)
