"""What lets a study deceive itself is refused, left out or said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import parse_endpoint
from gliofuse.cohort.levels import joined_levels
from gliofuse.errors import EndpointError, GliofuseError
from gliofuse.study import check_study
from gliofuse.study.cautions import giveaways
from gliofuse.study.patients import load_patients
from gliofuse.study.prepare import plan_study
from gliofuse.study.runner import run_study


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(0)
    grade = np.arange(40) % 3 + 2
    features = pd.DataFrame(
        {f"t1ce.whole.original_glcm_F{i}": rng.normal(size=40) for i in range(4)},
        index=pd.Index([f"p{i:02}" for i in range(40)], name="id"),
    )
    clinical = pd.DataFrame(
        {
            "grade": grade,
            "age": rng.normal(50, 9, 40).round(),
            "sex": ["F", "M"] * 20,
            "os": rng.exponential(500, 40).round() + 1,
            "died": rng.integers(0, 2, 40),
        },
        index=features.index,
    )

    def study(features=features, clinical=clinical, **given):
        features.to_csv(tmp_path / "features.csv")
        clinical.to_csv(tmp_path / "clinical.csv")
        table = {"features": "features.csv", "clinical": "clinical.csv", "id_column": "id"}
        table |= given.pop("table", {})
        base = {"table": table, "endpoint": "grade >= 3", "compute": {"workers": 1}}
        return check_study({**base, **given}, base=tmp_path)

    return study, features, clinical


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"covariates": ["grade"]}, "'grade' is a column of the endpoint"),
        (
            {"covariates": ["os"], "survival": {"time": "os", "event": "died"}},
            "'os' is a column of survival",
        ),
        ({"endpoint": "os >= 730", "survival": {"time": "os", "event": "died"}}, "a cut of 'os'"),
    ],
)
def test_the_outcome_is_no_covariate(tables, given, line):
    study, *_ = tables
    with pytest.raises(EndpointError, match=line):
        study(**given)


def test_the_outcome_is_no_feature(tables):
    study, features, clinical = tables
    with pytest.raises(GliofuseError, match="'grade' says the outcome"):
        load_patients(study(features.assign(grade=clinical["grade"])))


def test_one_table_for_both_takes_only_what_is_named_as_a_feature(tables):
    study, features, clinical = tables
    both = features.join(clinical)
    found = load_patients(study(both, both, table={"clinical": "features.csv"}))
    assert list(found.features.columns) == list(features.columns)
    assert "4 columns are named as features, from" in found.notes[0]
    assert "5 others are not" in found.notes[0]
    with pytest.raises(GliofuseError, match="none of its columns is named as a feature"):
        load_patients(study(clinical, clinical, table={"clinical": "features.csv"}))


def test_one_table_may_name_features_as_pyradiomics_does(tables):
    study, features, clinical = tables
    theirs = features.set_axis(
        [str(name).split(".", 2)[2] for name in features.columns], axis=1
    ).loc[:, lambda table: ~table.columns.duplicated()]
    given = {"clinical": "features.csv", "sequence": "flair"}
    found = load_patients(study(theirs.join(clinical), clinical, table=given))
    assert list(found.features.columns) == [f"flair.whole.{name}" for name in theirs.columns]


def test_columns_that_both_tables_have_are_clinical(tables):
    study, features, clinical = tables
    found = load_patients(study(features.assign(age=clinical["age"]), clinical))
    assert list(found.features.columns) == list(features.columns)
    assert "'age' stand in clinical.csv too" in found.notes[0]


def test_a_missing_feature_loses_no_patient_and_a_missing_column_is_named(tables):
    study, features, _ = tables
    holed = features.copy()
    holed.iloc[3, 0] = np.nan
    holed.iloc[4, 1] = np.inf
    holed.iloc[:30, 3] = np.nan
    found = load_patients(study(holed))
    assert len(found.features) == 40
    assert list(found.features.columns) == list(features.columns[:3])
    assert np.isfinite(found.features.to_numpy()).sum() == 40 * 3 - 2
    said = " ".join(found.notes)
    assert f"{features.columns[3]} left out, missing in more than 50%" in said
    assert "2 missing or infinite values in" in said


def test_unknown_outcomes_are_left_out_and_lumped_ones_are_told():
    values = ["positive", "positive ", "negative", "weak", "Indeterminate", "n/a", None] * 3
    clinical = pd.DataFrame({"MGMT": values}, index=[f"p{i}" for i in range(21)])
    endpoint = parse_endpoint("MGMT == positive")
    outcome, excluded = endpoint.outcome(clinical)
    assert outcome["y_true"].value_counts().to_dict() == {1: 6, 0: 6}
    assert excluded["reason"].value_counts().to_dict() == {
        "MGMT is 'Indeterminate', which reads as unknown": 3,
        "MGMT is 'n/a', which reads as unknown": 3,
        "MGMT is missing": 3,
    }
    (said,) = endpoint.remarks(outcome, clinical)
    assert "'negative' (3), 'weak' (3) of 'MGMT' count as negative" in said
    named, _ = parse_endpoint("MGMT in {positive, Indeterminate}").outcome(clinical)
    assert named["y_true"].sum() == 9  # who asks for it by name gets it


def test_levels_that_differ_in_typing_are_one_and_said():
    clinical = pd.DataFrame({"sex": ["M", "m", " M", "F", "F", None], "age": [1, 2, 3, 4, 5, 6]})
    table, notes = joined_levels(clinical)
    assert table["sex"].tolist()[:5] == ["M", "M", "M", "F", "F"]
    assert table["age"].equals(clinical["age"])
    assert notes == ("sex: 'm' is taken for 'M'",)


def test_a_column_that_separates_the_classes_is_named():
    rng = np.random.default_rng(1)
    classes = pd.Series([0, 1] * 50)
    table = pd.DataFrame(
        {
            "copy": classes * 2.0 + 5,
            "mirrored": -classes + rng.normal(0, 0.01, 100),
            "noisy": classes + rng.normal(0, 1, 100),
            "partly": np.where(np.arange(100) < 12, classes, np.nan),
            "flat": 1.0,
        }
    )
    assert giveaways([table], classes) == [
        "copy (AUC 1.00)", "mirrored (AUC 1.00)", "partly (AUC 1.00)",
    ]  # fmt: skip
    assert giveaways([table], pd.Series([0, 1, 2, 3] * 25)) == []


def test_a_copy_of_the_outcome_stands_on_top_of_the_report(tables, tmp_path):
    from gliofuse.report import write_report

    study, features, clinical = tables
    told = features.assign(**{"t1ce.whole.original_glcm_Fx": 1.0 * (clinical["grade"] >= 3)})
    own = study(
        told,
        settings={"folds": 3, "inner_folds": 3},
        split={"kind": "holdout"},
        evaluation={"bootstrap": 100},
    )
    run_study(own, tmp_path / "run")
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    care = page[page.index("Read with care") :]
    assert "A single column tells the classes apart" in care[:1500]
    assert "t1ce.whole.original_glcm_Fx (AUC 1.00)" in care


def test_plans_say_what_was_joined(tables, tmp_path):
    from gliofuse.study.progress import Progress

    class Heard(Progress):
        def __init__(self):
            self.lines = []

        def say(self, text):
            self.lines.append(text)

    study, features, clinical = tables
    heard = Heard()
    mixed = clinical.assign(sex=["F", "f"] * 10 + ["M"] * 20)
    plan = plan_study(study(features, mixed, covariates=["sex"]), tmp_path / "run", progress=heard)
    assert set(plan.patients.clinical["sex"]) == {"F", "M"}
    assert any("sex: 'f' is taken for 'F'" in line for line in heard.lines)
