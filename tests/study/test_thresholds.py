"""Which rule of thresholds a study, a design and a comparison take."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import roc_curve

from gliofuse.errors import SettingError
from gliofuse.records import THRESHOLDS, RunFolder
from gliofuse.report import summarise
from gliofuse.study.compare import compare_designs
from gliofuse.study.runner import run_study

from .conftest import feature_tables

pytestmark = [
    pytest.mark.slow(minutes=0.2),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]

CLINICAL = {
    "design": "imaging-clinical",
    "covariates": ["age", "sex"],
    "settings": {"folds": 3, "selection_folds": 3},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("thresholds")
    feature_tables(base)
    return base


def test_the_design_has_a_rule_that_the_study_overrides(folder, study_of):
    assert study_of(folder, **CLINICAL).resolved().threshold == "youden"
    assert study_of(folder, design="rdl").resolved().threshold == "half"
    given = {"threshold": "half", "bootstrap": 100}
    assert study_of(folder, **CLINICAL, evaluation=given).resolved().threshold == "half"
    several = {"kind": "multiclass", "column": "grade", "classes": [2, 3, 4]}
    assert study_of(folder, **CLINICAL, endpoint=several).resolved().threshold == "half"


def test_thresholds_are_youdens_on_the_training_patients_of_each_fold(folder, study_of):
    split = {"kind": "kfold", "folds": 3, "stratify": ["sex"]}
    study = study_of(folder, **CLINICAL, evaluation={"bootstrap": 100}, split=split)
    run_study(study, folder / "run")
    run = RunFolder(folder / "run")
    assert run.record.threshold == "youden"
    assert run.study()["evaluation"]["threshold"] == "youden"
    predictions = run.predictions()
    training = predictions[predictions["cohort"] == "training"]
    found = run.need(THRESHOLDS).set_index(["fold", "model"])["threshold"]
    for key, own in training.groupby(["fold", "model"]):
        false, true, _ = roc_curve(own["y_true"], own["probability"])
        called = own["probability"] >= found[key]
        sensitivity = called[own["y_true"] == 1].mean()
        specificity = (~called)[own["y_true"] == 0].mean()
        assert sensitivity + specificity - 1 == pytest.approx((true - false).max())
    page = summarise(folder / "run")
    assert page["thresholds"]["learned"]
    assert "like composition (class and sex)" in page["patients"]["split"]["words"]
    assert "stratified by class and sex" in page["patients"]["split"]["short"]


def test_a_comparison_has_one_rule(folder, study_of, tmp_path):
    options = {"settings": {"folds": 3}, "evaluation": {"bootstrap": 100}}
    rdl = study_of(folder, design="rdl", **options)
    clinical = study_of(folder, **{**CLINICAL, **options})
    compare_designs({"rdl": rdl, "clinical": clinical}, tmp_path / "half")
    assert (pd.read_csv(tmp_path / "half" / "thresholds.csv")["threshold"] == 0.5).all()
    assert RunFolder(tmp_path / "half" / "clinical").record.threshold == "half"
    odd = study_of(folder, design="rdl", evaluation={"threshold": "youden"})
    half = study_of(folder, **{**CLINICAL, "evaluation": {"threshold": "half"}})
    with pytest.raises(SettingError, match=r"different thresholds \(half, youden\); name one"):
        compare_designs({"rdl": odd, "clinical": half}, tmp_path / "both")
