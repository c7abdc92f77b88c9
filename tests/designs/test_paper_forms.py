"""Each design in its paper's full form, on two of its sequences: every model fits and predicts."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from gliofuse.designs import find_design

pytestmark = pytest.mark.slow(minutes=2)

#: What makes a quick run fit all of the paper's models; one epoch shows that they run.
FULL = {
    "rdl": {"networks": "all", "epochs": 1, "folds": 3, "inner_folds": 2},
    "deep-radiomics": {"ablate": True, "epochs": 1, "folds": 3},
    "shape-resnet": {"comparators": True, "ablate": True, "epochs": 1, "slice_size": 32},
    "imaging-clinical": {"compare_classifiers": True, "folds": 3, "selection_folds": 2},
}


@pytest.mark.parametrize("design", FULL)
def test_every_model_of_the_paper_is_fitted(design, fewer_of, run_design):
    manifest = fewer_of(24 if design == "rdl" else 16)  # rdl has inner folds
    folder = run_design(
        design, manifest=manifest, settings=FULL[design], sequences=["t1ce", "flair"]
    )
    run = json.loads((folder / "run.json").read_text())
    names = {model["name"] for model in run["models"]}
    papers = set(find_design(design).paper.results["model"])
    absent = {name for name in papers if name.endswith(("_t1", "_t2"))}
    assert papers - absent <= names
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert set(predictions["model"]) == names
    assert predictions["probability"].between(0, 1).all()
    patients = predictions.query("cohort == 'test'").groupby("model")["case_id"].nunique()
    assert patients.nunique() == 1
