"""A study on feature tables: what it writes, that it resumes, and that nothing leaks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import EndpointError, ManifestError, RunError, SettingError
from gliofuse.evaluation import metrics_table
from gliofuse.evaluation.auc import apparent_aucs
from gliofuse.records import APPARENT, METRICS, THRESHOLDS, RunFolder
from gliofuse.study import read_study
from gliofuse.study.runner import run_study

from .conftest import feature_tables

pytestmark = pytest.mark.slow(minutes=0.6)


def predictions_of(folder):
    return pd.read_parquet(folder / "predictions.parquet")


def test_run_folder_holds_what_the_contract_names(tables, study_of):
    run_study(study_of(tables), tables / "run")
    names = {path.name for path in (tables / "run").iterdir()}
    assert {
        "study.yaml",
        "run.json",
        "cohort.csv",
        "excluded.csv",
        "failed_cases.csv",
        "folds.csv",
        "predictions.parquet",
        "predictions.csv",
        "metrics.csv",
        "delong.csv",
        "roc.csv",
        "confusion.csv",
        "characteristics.csv",
        "calibration.csv",
        "decision_curve.csv",
        "run.log",
    } <= names
    folds = pd.read_csv(tables / "run" / "folds.csv")
    assert not folds.duplicated(["case_id", "fold"]).any()
    metrics = pd.read_csv(tables / "run" / "metrics.csv")
    assert set(metrics["cohort"]) == {"test"}, "training patients must not count as performance"
    held_out = metrics.query("metric == 'auc' and model == 'radiomics_t1ce'").iloc[0]
    assert held_out["ci_low"] > 0.7
    assert held_out["ci_low"] < held_out["estimate"] < held_out["ci_high"]


def test_intervals_know_what_models_say_of_their_own_patients(tables, study_of):
    """The predictions of training patients are out of fold, as honest as those of the others."""
    run_study(study_of(tables), tables / "run")
    run = RunFolder(tables / "run")
    predictions, apparent = run.predictions(), run.need(APPARENT)
    training = predictions[predictions["cohort"] == "training"]
    own, others = apparent_aucs(apparent), apparent_aucs(training.drop(columns="cohort"))
    assert own["radiomics_t1ce"] > others["radiomics_t1ce"]
    auc = {"model": "radiomics_t1ce", "metric": "auc"}
    found = run.need(METRICS)
    for known, same in ((apparent, True), (training, False)):
        again = metrics_table(predictions, run.need(THRESHOLDS), bootstrap=100, apparent=known)
        low, as_run = (
            table.loc[(table[list(auc)] == pd.Series(auc)).all(axis=1), "ci_low"].item()
            for table in (again, found)
        )
        assert (low == pytest.approx(as_run, abs=1e-9)) == same


def test_study_file_round_trips(tables, study_of):
    run_study(study_of(tables), tables / "run")
    again = read_study(tables / "run" / "study.yaml")
    assert again.definition() == study_of(tables).resolved().definition()
    assert again.settings["alpha"] == 0.05, "the design's defaults are written back too"


def test_two_runs_with_one_seed_are_equal_and_another_seed_differs(tables, study_of):
    for name in ("a", "b"):
        run_study(study_of(tables), tables / name)
    pd.testing.assert_frame_equal(
        predictions_of(tables / "a"), predictions_of(tables / "b"), check_exact=True
    )
    run_study(study_of(tables, split={"folds": 3, "seed": 1}), tables / "c")
    assert not predictions_of(tables / "a").equals(predictions_of(tables / "c"))


def test_killed_run_goes_on_and_equals_an_uninterrupted_one(tables, study_of, monkeypatch):
    import gliofuse.study.runner as runner

    run_study(study_of(tables), tables / "whole")
    real, seen = runner.fit_fold, []

    def killed_at_second(task):
        if seen:
            raise KeyboardInterrupt
        seen.append(task.fold.name)
        real(task)

    monkeypatch.setattr(runner, "fit_fold", killed_at_second)
    with pytest.raises(KeyboardInterrupt):
        run_study(study_of(tables), tables / "killed")
    assert not (tables / "killed" / "predictions.parquet").exists()

    fitted = []
    monkeypatch.setattr(
        runner, "fit_fold", lambda task: (fitted.append(task.fold.name), real(task))
    )
    run_study(study_of(tables), tables / "killed")
    assert len(fitted) == 2, "the finished fold must not be fitted again"
    assert seen[0] not in fitted
    pd.testing.assert_frame_equal(
        predictions_of(tables / "whole"), predictions_of(tables / "killed"), check_exact=True
    )


def test_changed_data_is_fitted_again(tables, study_of):
    run_study(study_of(tables), tables / "run")
    before = predictions_of(tables / "run")
    table = pd.read_csv(tables / "features.csv")
    table.iloc[0, 1] += 3.0
    table.to_csv(tables / "features.csv", index=False)
    run_study(study_of(tables), tables / "run")
    assert not before.equals(predictions_of(tables / "run"))


def test_folder_of_another_study_is_refused(tables, study_of):
    run_study(study_of(tables), tables / "run")
    with pytest.raises(RunError, match="holds another study; choose another folder"):
        run_study(study_of(tables, split={"folds": 4}), tables / "run")
    (tables / "thesis").mkdir()
    (tables / "thesis" / "chapter1.txt").write_text("mine")
    with pytest.raises(RunError, match="files that are not a study's"):
        run_study(study_of(tables), tables / "thesis")


@pytest.mark.parametrize(
    "split",
    [
        {"kind": "holdout", "validation_fraction": 0.2},
        {"kind": "kfold", "folds": 3, "repeats": 2},
        {"kind": "center", "external": ["B"]},
    ],
)
def test_every_split_reaches_its_metrics(tables, study_of, split):
    run_study(study_of(tables, split=split), tables / "run")
    predictions = predictions_of(tables / "run")
    sides = predictions.groupby(["fold", "model"])["case_id"]
    assert (sides.nunique() == sides.size()).all(), "a patient stands on two sides of one fold"
    metrics = pd.read_csv(tables / "run" / "metrics.csv")
    expected = {"center": {"external"}, "kfold": {"test"}, "holdout": {"validation", "test"}}
    assert set(metrics["cohort"]) == expected[split["kind"]]
    assert metrics.query("metric == 'auc'")["n"].max() <= 60


def test_labels_of_held_out_patients_do_not_reach_the_fit(tmp_path, study_of):
    """Whatever the held-out labels are, the held-out probabilities stay the same."""
    from gliofuse.designs import FitContext
    from gliofuse.inputs import CaseData, compute_inputs
    from gliofuse.study.patients import load_patients
    from gliofuse.study.prepare import make_design

    feature_tables(tmp_path, effect={"t1": 1.5, "t1ce": 1.5})
    study = study_of(tmp_path)
    patients = load_patients(study)
    design = make_design(study, patients)
    ids = tuple(patients.features.index)
    inputs = compute_inputs(design.inputs, patients.source(tmp_path, seed=0)).values
    training, held_out = ids[::2], ids[1::2]
    predicted = []
    for swap in (False, True):
        outcome = study.endpoint.outcome(patients.clinical)[0]
        if swap:
            outcome.loc[list(held_out)] = 1 - outcome.loc[list(held_out)]
        data = CaseData(ids, inputs, patients.clinical, outcome)
        fitted = design.fit(data.subset(training), None, FitContext())
        predicted.append(fitted.predict(data.subset(held_out)))
        one = fitted.predict(data.subset(held_out[:1]).without_outcome())
        np.testing.assert_allclose(one, predicted[-1].iloc[:1], rtol=1e-12)
    pd.testing.assert_frame_equal(*predicted, check_exact=True)


def test_shuffled_labels_give_an_auc_whose_interval_covers_one_half(tmp_path, study_of):
    feature_tables(tmp_path, patients=90, effect={})
    run_study(study_of(tmp_path), tmp_path / "run")
    auc = pd.read_csv(tmp_path / "run" / "metrics.csv").query("metric == 'auc'")
    assert (auc["ci_low"] < 0.5).all()
    assert (auc["ci_high"] > 0.5).all()


def test_fusion_says_which_sequence_carries_the_effect(tmp_path, study_of):
    feature_tables(tmp_path, patients=90, sequences=("t1", "flair"), effect={"flair": 1.5})
    run_study(study_of(tmp_path), tmp_path / "run")
    weights = pd.read_csv(tmp_path / "run" / "tables" / "contributions.csv")
    mean = weights.query("model == 'radiomics_fusion'").groupby("term")["coefficient"].mean()
    assert mean["radiomics_flair"] > 3 * abs(mean["radiomics_t1"])


def test_patients_without_value_are_listed_and_left_out(tables, study_of):
    clinical = pd.read_csv(tables / "clinical.csv")
    clinical.loc[0, "grade"] = np.nan
    clinical.to_csv(tables / "clinical.csv", index=False)
    table = pd.read_csv(tables / "features.csv").drop(index=1)
    table.loc[2, "t1.whole.original_glcm_Idm"] = np.nan  # is imputed in the folds
    table.to_csv(tables / "features.csv", index=False)
    run_study(study_of(tables), tables / "run")
    excluded = pd.read_csv(tables / "run" / "excluded.csv").set_index("case_id")["reason"]
    assert set(excluded.index) == {"case-000", "case-001"}
    assert "no row in features.csv" in excluded["case-001"]
    information = json.loads((tables / "run" / "run.json").read_text())
    assert information["n_cases"] == 58


def test_users_mistakes_are_said(tables, study_of):
    with pytest.raises(EndpointError, match="garde"):
        run_study(
            study_of(tables, endpoint={"column": "garde", "positive": ">= 3"}), tables / "run"
        )
    with pytest.raises(EndpointError, match="class"):
        run_study(
            study_of(tables, endpoint={"column": "grade", "positive": ">= 9"}), tables / "run2"
        )
    with pytest.raises(SettingError, match="did you mean 'alpha'"):
        run_study(study_of(tables, settings={"alhpa": 0.1}), tables / "run3")
    with pytest.raises(SettingError, match="unknown key 'endpont'"):
        study_of(tables, endpont={"column": "grade"})
    with pytest.raises(SettingError, match=r"unknown key 'split\.fold'; did you mean 'folds'"):
        study_of(tables, split={"fold": 3})
    table = pd.read_csv(tables / "features.csv")
    pd.concat([table, table.iloc[:1]]).to_csv(tables / "features.csv", index=False)
    with pytest.raises(ManifestError, match="case-000' stands in more than one row"):
        run_study(study_of(tables), tables / "run4")


def test_unfinished_json_counts_as_unfinished(tmp_path):
    folder = RunFolder(tmp_path).fold("fold1")
    folder.path.mkdir(parents=True)
    (folder.path / "done.json").write_text('{"fingerprint": "abc"')
    assert not folder.finished("abc")
