"""Groups of patients, missing values and complete cases of a study, to the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError, ManifestError
from gliofuse.evaluation import auc_within
from gliofuse.records import MISSING, SAMPLE_SIZE, SUBGROUPS, RunFolder
from gliofuse.report import summarise
from gliofuse.study.options import study_from_options
from gliofuse.study.runner import run_study

from .conftest import feature_tables

pytestmark = pytest.mark.slow(minutes=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("groups")
    feature_tables(base)
    clinical = pd.read_csv(base / "clinical.csv")
    clinical.loc[[0, 20, 45], "age"] = np.nan
    clinical.loc[[7], "sex"] = None
    clinical.to_csv(base / "clinical.csv", index=False)
    return base


@pytest.fixture(scope="module")
def design():
    return {
        "design": "imaging-clinical",
        "covariates": ["age", "sex"],
        "settings": {"folds": 3, "selection_folds": 3},
        "evaluation": {"bootstrap": 100, "subgroups": ["sex", "age"]},
    }


def test_groups_missing_values_and_sample_size_reach_the_report(folder, study_of, design):
    run_study(study_of(folder, **design), folder / "run")
    run = RunFolder(folder / "run")
    final = run.record.final.name
    table = run.read(SUBGROUPS)
    own = table[table["model"] == final].set_index(["variable", "group"])
    assert own.index.get_level_values("variable").unique().tolist() == ["sex", "age"]
    predictions = pd.read_parquet(folder / "run" / "predictions.parquet")
    held_out = predictions[(predictions["cohort"] == "test") & (predictions["model"] == final)]
    clinical = pd.read_csv(folder / "clinical.csv").set_index("id")
    women = held_out[held_out["case_id"].map(clinical["sex"]) == "F"]
    expected = auc_within(women, refits=True)
    assert own.loc[("sex", "F"), "n"] == len(women)
    assert own.loc[("sex", "F"), "auc"] == pytest.approx(expected.estimate)
    assert own.loc["age", "n"].sum() == 57  # three have no age
    missing = run.read(MISSING).set_index("variable")
    assert missing["n_missing"].to_dict() == {"age": 3, "sex": 1}
    assert "median" in missing.loc["age", "imputed"]
    assert "most frequent" in missing.loc["sex", "imputed"]
    sizes = run.read(SAMPLE_SIZE)
    counted = sizes[sizes["criterion"] == "parameters"]
    assert (counted["present"] == 26).all()  # 24 features, the age, one level of sex
    assert (sizes.loc[sizes["criterion"] == "shrinkage", "present"] == 40).all()
    page = summarise(folder / "run")
    assert page["missing"]["n_missing"] == 4
    limits = {entry["title"]: entry["text"] for entry in page["limitations"]}
    assert "26 parameters could have entered" in limits["Few patients for the candidates"]
    (cohort,) = page["subgroups"]
    assert cohort["models"][0]["label"] == run.record.final.label
    assert {row["variable"] for row in cohort["models"][0]["rows"]} == {"Sex", "Age"}


def test_few_patients_counts_the_patients_who_were_tested(folder, study_of, design):
    study = study_of(folder, **{**design, "split": {"kind": "holdout", "test_fraction": 0.3}})
    run_study(study, folder / "holdout")
    page = summarise(folder / "holdout")
    limits = {entry["title"]: entry["text"] for entry in page["limitations"]}
    assert "the rarer class has 6 patients" in limits["Few patients"]  # not the cohort's 20


def test_complete_cases_leave_out_and_say_so(folder, study_of, design):
    run_study(study_of(folder, complete_cases=True, **design), folder / "complete")
    run = RunFolder(folder / "complete")
    assert run.record.n_cases == 56
    reasons = pd.read_csv(folder / "complete" / "excluded.csv")["reason"].value_counts().to_dict()
    assert reasons == {"no age (complete cases only)": 3, "no sex (complete cases only)": 1}
    assert run.read(MISSING)["n_missing"].sum() == 0
    assert summarise(folder / "complete")["missing"]["complete_cases"]


def test_mistakes_are_told_before_the_fits(folder, study_of, design):
    def judged(*columns):
        changed = {**design, "evaluation": {"bootstrap": 100, "subgroups": list(columns)}}
        run_study(study_of(folder, **changed), folder / "mistake")

    with pytest.raises(ManifestError, match=r"subgroups: no clinical column 'sexx'.*'sex'"):
        judged("sexx")
    clinical = pd.read_csv(folder / "clinical.csv")
    clinical.assign(site="A").to_csv(folder / "clinical.csv", index=False)
    try:
        with pytest.raises(InputError, match="column 'site' holds 'A' alone"):
            judged("site")
    finally:
        clinical.to_csv(folder / "clinical.csv", index=False)


def test_options_reach_the_study(folder):
    study = study_from_options(
        features=folder / "features.csv",
        clinical=folder / "clinical.csv",
        id_column="id",
        endpoint="grade >= 3",
        covariates="age,sex",
        subgroups="sex,age",
        complete_cases=True,
        folds=5,
        external="B",
        group="id",
    )
    assert study.evaluation.subgroups == ["sex", "age"]
    assert study.complete_cases
    assert (study.split.kind, study.split.folds) == ("kfold", 5)
    assert (study.split.external, study.split.group) == (["B"], "id")
