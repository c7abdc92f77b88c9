"""Folders of runs, folds and comparisons: whole or not there, typed, refused when foreign."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from gliofuse.cohort import SplitSettings
from gliofuse.errors import InputError, RunError
from gliofuse.records import (
    COMPARISON,
    DONE,
    HEAT_SHARES,
    METRICS,
    NOMOGRAM,
    RUN,
    ComparedDesign,
    ComparisonFolder,
    ComparisonRecord,
    DesignRecord,
    FoldRecord,
    ModelRecord,
    Nomogram,
    NomogramTerm,
    RunFolder,
    RunRecord,
)

MODELS = (
    ModelRecord(name="radiomics_t1", label="Radiomics T1", kind="radiomics", group="t1"),
    ModelRecord(name="clinical", label="Clinical", kind="clinical", role="rival"),
    ModelRecord(name="fusion", label="Fusion", kind="fusion", role="final"),
)


def record(**changes):
    given = {
        "gliofuse_version": "0.1.0",
        "design": DesignRecord(name="imaging-clinical", title="Imaging score"),
        "models": MODELS,
        "endpoint": {"kind": "binary", "column": "grade", "positive": ">= 3"},
        "endpoint_text": "grade >= 3",
        "split": SplitSettings(kind="kfold", folds=3),
        "n_cases": 3,
        "class_counts": {"0": 1, "1": 2},
        "settings_hash": "abc",
    }
    return RunRecord(**{**given, **changes})


def predictions(fold="fold1"):
    return pd.DataFrame(
        {"case_id": ["a", "b"], "fold": fold, "cohort": "test", "model": "m"}
        | {"y_true": [0, 1], "probability": [0.1, 0.9]}
    )


@pytest.fixture
def run(tmp_path):
    return RunFolder.open(tmp_path / "run", "abc")


def test_records_are_read_back_alike(run):
    run.write(RUN, record())
    assert run.record == record()
    assert run.record.final.name == "fusion"
    assert [model.name for model in run.record.rivals] == ["clinical"]
    nomogram = Nomogram(
        outcome="grade >= 3",
        fitted_on="the training patients",
        intercept=-1.5,
        terms=(
            NomogramTerm(name="age", label="age", coefficients=(0.1,), min=20, max=80),
            NomogramTerm(name="sex", label="sex", levels={"F": 0, "M": 1}),
        ),
    )
    run.write(NOMOGRAM, nomogram, model="clinical")
    assert run.nomograms() == {"clinical": nomogram}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": MODELS[:2]}, r"one model must have the role 'final' \(got 0\)"),
        ({"models": (*MODELS, MODELS[0])}, "models must have different names"),
        ({"split": {"kind": "thirds"}}, "split"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        record(**changes)


def test_a_nomogram_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="term 'age' needs min and max, or levels"):
        NomogramTerm(name="age", label="age", coefficients=(0.1,))
    with pytest.raises(ValueError, match=r"term 'age' needs 3 coefficients \(got 1\)"):
        NomogramTerm(name="age", label="age", coefficients=(0.1,), knots=(1, 2, 3, 4), min=0, max=5)
    term = NomogramTerm(name="age", label="age", coefficients=(0.1,), min=20, max=80)
    with pytest.raises(ValueError, match="a Cox nomogram needs the baseline's survival"):
        Nomogram(outcome="died", fitted_on="all", link="cox", terms=(term,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"run\.json is broken or was written by another version"),
        ("[]", r"run\.json is broken or was written by another version"),
        ('{"models": ["rdl"], "final_model": "rdl"}', r"another version of gliofuse \(.*run again"),
    ],
)
def test_an_old_or_broken_record_is_said_in_one_line(run, content, message):
    run.place(RUN).write_text(content)
    with pytest.raises(InputError, match=message) as error:
        _ = run.record
    assert "\n" not in str(error.value)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"run\.json is missing"):
        _ = RunFolder(tmp_path).record
    with pytest.raises(InputError, match="must be an existing folder, got"):
        _ = RunFolder(tmp_path / "nothing").record
    with pytest.raises(InputError, match=r"compare\.json is missing"):
        _ = ComparisonFolder(tmp_path).record
    assert RunFolder(tmp_path).read(METRICS) is None


def test_another_study_or_foreign_files_are_refused_unless_forced(run, tmp_path):
    run.write(RUN, record())
    assert RunFolder.open(run.path, "abc") == run
    with pytest.raises(RunError, match="holds another study; choose another folder"):
        RunFolder.open(run.path, "other")
    RunFolder.open(run.path, "other", force=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("mine")
    with pytest.raises(RunError, match="files that are not a study's"):
        RunFolder.open(tmp_path / "thesis", "abc")


def test_a_study_that_was_stopped_goes_on(run):
    run.write_study({"name": "Müller", "split": {"folds": 3}})
    (run.path / "excluded.csv").write_text("case_id,reason\n")
    assert RunFolder.open(run.path, "abc").study() == {"name": "Müller", "split": {"folds": 3}}


def test_another_studys_old_record_still_tells_them_apart(run):
    run.place(RUN).write_text(json.dumps({"models": ["rdl"], "settings_hash": "abc"}))
    RunFolder.open(run.path, "abc")
    with pytest.raises(RunError, match="another study"):
        RunFolder.open(run.path, "other")


def test_a_fold_counts_once_its_record_stands(run):
    fold = run.fold("fold1")
    assert not fold.finished("f")
    chosen = pd.DataFrame({"model": ["m"], "feature": ["t1.whole.x"], "coefficient": [0.5]})
    own = pd.DataFrame({"anything": [1]})
    tables = {"selected_features": chosen, "of_the_designs_own": own}
    fold.write_results(predictions(), tables, FoldRecord(fingerprint="f", seconds=1.5))
    assert fold.finished("f")
    assert not fold.finished("g")
    assert fold.record.seconds == 1.5
    assert set(fold.tables) == {"selected_features", "of_the_designs_own"}
    fold.place(DONE).write_text('{"fingerprint": "f"')
    assert not fold.finished("f")


def test_a_fold_that_is_done_again_keeps_nothing_of_before(run):
    fold = run.fold("fold1")
    own = pd.DataFrame({"anything": [1]})
    fold.write_results(predictions(), {"old": own}, FoldRecord(fingerprint="f"))
    wrong = pd.DataFrame({"model": ["m"]})
    with pytest.raises(RunError, match=r"tables/selected_features\.csv: column 'feature'"):
        fold.write_results(predictions(), {"selected_features": wrong}, FoldRecord(fingerprint="g"))
    assert not fold.finished("f")
    assert not fold.finished("g")
    fold.write_results(predictions(), {"new": own}, FoldRecord(fingerprint="g"))
    assert list(fold.tables) == ["new"]


def test_folds_are_gathered_with_their_names(run):
    chosen = pd.DataFrame({"model": ["m"], "feature": ["t1.whole.x"], "coefficient": [0.5]})
    own = pd.DataFrame({"anything": [1]})
    for name in ("fold2", "fold1"):
        tables = {"selected_features": chosen, "own": own} if name == "fold1" else {}
        run.fold(name).write_results(predictions(name), tables, FoldRecord(fingerprint="f"))
    (run.path / "folds" / "fold3").mkdir()
    assert [fold.name for fold in run.folds()] == ["fold1", "fold2"]
    run.gather(run.folds())
    assert run.predictions()["fold"].tolist() == ["fold1", "fold1", "fold2", "fold2"]
    assert (run.path / "predictions.csv").is_file()
    gathered = pd.read_csv(run.path / "tables" / "selected_features.csv")
    assert gathered["fold"].tolist() == ["fold1"]
    assert pd.read_csv(run.path / "tables" / "own.csv").columns.tolist() == ["anything", "fold"]


def test_times_add_up_over_stops(run):
    assert run.seconds() == {}
    run.write_seconds({"radiomic features": 1.234, "fits": 2.0})
    assert run.seconds() == {"radiomic features": 1.23, "fits": 2.0}


def test_feature_tables_are_found_where_they_were_written(run):
    """The name under which they are written is the one by which they are found."""
    table = pd.DataFrame(
        {"t1.whole.original_glcm_Idm": [0.5]}, index=pd.Index(["a"], name="case_id")
    )
    run.write_features("deep", "ab12", table, {"network": "resnet34"})
    run.write_features("radiomic", "cd34", table, {"settings": {"setting": {"binCount": 32}}})
    assert [(found.kind, found.key) for found in run.feature_tables()] == [
        ("radiomic", "cd34"),
        ("deep", "ab12"),
    ]
    radiomic = run.feature_tables()[0]
    assert radiomic.place == "features/radiomic-features-cd34.parquet"
    assert (run.path / radiomic.place).is_file()
    assert radiomic.definition()["settings"]["setting"]["binCount"] == 32
    pd.testing.assert_frame_equal(radiomic.read(), table)


def test_heat_maps_are_told_apart_by_network_and_patient(run):
    for model in ("dl_t1", "dl_fusion"):
        run.heat_map_folder(model).mkdir(parents=True)
        (run.heat_map_folder(model) / "A&1.svg").write_text("<svg/>")
    (run.heat_map_folder("dl_t1") / "A&1.nii.gz").write_text("")
    found = [(heat.model, heat.case_id) for heat in run.heat_maps()]
    assert found == [("dl_fusion", "A&1"), ("dl_t1", "A&1")]
    shares = pd.DataFrame(
        {
            name: ["x" if column.kind == "text" else 1]
            for name, column in HEAT_SHARES.columns.items()
        }
    )
    run.write(HEAT_SHARES, shares, model="dl_t1")
    assert len(run.read_each(HEAT_SHARES)) == 1


def test_comparison_names_its_runs(tmp_path):
    folder = ComparisonFolder(tmp_path)
    design = ComparedDesign(name="rdl", run_folder="rdl", final_model="fusion")
    folder.write(COMPARISON, ComparisonRecord(designs=(design,)))
    assert folder.record.designs == (design,)
    assert folder.run("rdl") == RunFolder(tmp_path / "rdl")
