"""No command writes over a file that is not its own, and options without effect are refused."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from gliofuse.cli import app
from gliofuse.errors import GliofuseError, InputError, SettingError
from gliofuse.files import check_output
from gliofuse.records import FoldFolder, FoldRecord
from gliofuse.study.options import study_from_options
from gliofuse.study.prepare import plan_study
from gliofuse.study.settings import check_study, read_study


def refused(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, GliofuseError), done.output
    return str(done.exception)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_text("case_id,t1\np1,a.nii.gz\n")
    return path


def test_findings_do_not_replace_the_manifest(manifest):
    before = manifest.read_text(encoding="utf-8")
    assert "what the command reads" in refused("cohort", "check", manifest, "-o", manifest)
    assert manifest.read_text(encoding="utf-8") == before


def test_findings_replace_earlier_findings_and_nothing_else(manifest, tmp_path):
    out = tmp_path / "findings.csv"
    for _ in range(2):
        done = CliRunner().invoke(app, ["cohort", "check", str(manifest), "-o", str(out)])
        assert done.exit_code == 1, done.output  # the image is missing
    thesis = tmp_path / "thesis.csv"
    thesis.write_text("years of work\n")
    assert "not written by this" in refused("cohort", "check", manifest, "-o", thesis)
    assert thesis.read_text(encoding="utf-8") == "years of work\n"


def test_notes_of_a_scan_do_not_replace_the_clinical_table(tmp_path):
    (tmp_path / "data" / "p1").mkdir(parents=True)
    table = tmp_path / "clinical.csv"
    table.write_text("id,grade\np1,2\n")
    words = ["cohort", "scan", tmp_path / "data", "-o", tmp_path / "m.csv", "--clinical", table]
    said = refused(*words, "--id-column", "id", "--notes", table, "--overwrite")
    assert "what the command reads" in said
    assert table.read_text(encoding="utf-8").startswith("id,grade")


def test_stability_leaves_others_files_alone(manifest, tmp_path):
    out = tmp_path / "used"
    out.mkdir()
    (out / "icc.csv").write_text("somebody's\n")
    assert "give another name, or --overwrite" in refused("stability", manifest, "-o", out)
    assert (out / "icc.csv").read_text(encoding="utf-8") == "somebody's\n"


def test_own_files_and_asked_for_ones_may_be_replaced(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n")
    check_output(path, starts="x,y")
    check_output(path, overwrite=True)
    with pytest.raises(InputError, match="give another name"):
        check_output(path)
    with pytest.raises(InputError, match="what the command reads"):
        check_output(path, inputs=(None, tmp_path / "." / "a.csv"), overwrite=True)


@pytest.mark.parametrize("option", ["clinical", "id_column", "sequence"])
def test_options_of_tables_without_a_table_are_refused(option):
    with pytest.raises(SettingError, match="goes with --features"):
        study_from_options(cohort="cohort.csv", endpoint="grade >= 3", **{option: "x"})


def test_aliases_end_in_a_line(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    path = tmp_path / "study.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(SettingError, match="line 2: write the value out"):
        read_study(path)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**40])
def test_seeds_are_within_their_range(seed):
    with pytest.raises(SettingError, match=r"split\.seed"):
        check_study({"cohort": "c.csv", "endpoint": "grade >= 3", "split": {"seed": seed}})


@pytest.mark.parametrize("copy", ["same", "words"])
def test_the_endpoint_under_another_name_is_no_covariate(tmp_path, copy):
    grade = [2, 3, 4] * 10
    ids = [f"p{i}" for i in range(30)]
    features = pd.DataFrame({"id": ids, "t1.whole.a_b_C": range(30)})
    features.to_csv(tmp_path / "f.csv", index=False)
    named = grade if copy == "same" else [{2: "II", 3: "III", 4: "IV"}[g] for g in grade]
    clinical = pd.DataFrame({"id": ids, "grade": grade, "who": named, "sex": ["F", "M"] * 15})
    clinical.to_csv(tmp_path / "c.csv", index=False)
    study = {
        "table": {"features": "f.csv", "clinical": "c.csv", "id_column": "id"},
        "endpoint": "grade >= 3",
    }
    plan_study(check_study({**study, "covariates": ["sex"]}, base=tmp_path), tmp_path / "one")
    with pytest.raises(GliofuseError, match="'who' and the endpoint's 'grade' say the same"):
        plan_study(check_study({**study, "covariates": ["who"]}, base=tmp_path), tmp_path / "two")


@pytest.mark.parametrize("option", ["folds", "repeats"])
def test_options_of_a_cross_validation_without_one_are_refused(option):
    with pytest.raises(SettingError, match=f"--{option} is of a cross-validation.* holdout"):
        study_from_options(cohort="c.csv", endpoint="grade >= 3", split="holdout", **{option: 3})


def test_a_damaged_fold_is_not_taken_for_a_finished_one(tmp_path):
    fold = FoldFolder(tmp_path / "fold1")
    table = pd.DataFrame({"case_id": ["a"], "fold": "fold1", "cohort": "test", "model": "m"})
    fold.write_results(table, {}, FoldRecord(fingerprint="f", seconds=1.0, peak_memory_mb=1.0))
    assert fold.finished("f")
    (tmp_path / "fold1" / "predictions.parquet").write_bytes(b"PAR1")
    assert not fold.finished("f")
