"""Study, export, load, predict: the numbers are the study's own, for each design and endpoint."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.cohort.tables import read_frame
from gliofuse.model import load_model
from gliofuse.model.cohorts import explain_patient
from gliofuse.report.patient import write_patient_report
from gliofuse.study.export import export_run

from .conftest import BINARY, SEVERAL, SURVIVAL, assert_same, held_out

pytestmark = [
    pytest.mark.slow(minutes=0.8),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]

FORMS = {
    "rdl-several": ("rdl", SEVERAL, {"folds": 2, "inner_folds": 2, "alpha": 0.3}),
    "rdl-ridge": ("rdl", BINARY, {"folds": 3, "inner_folds": 3, "alpha": 0.3, "fusion": "ridge"}),
    "imaging-clinical": ("imaging-clinical", BINARY, {"folds": 3, "selection_folds": 3}),
    "imaging-clinical-forest": (
        "imaging-clinical",
        BINARY,
        {"folds": 2, "selection_folds": 2, "classifier": "forest"},
    ),
    "deep-radiomics": ("deep-radiomics", BINARY, {"folds": 3, "trees": 10}),
    "deep-radiomics-survival": ("deep-radiomics", SURVIVAL, {"folds": 3, "trees": 10}),
    "risk-signature": (
        "risk-signature",
        SURVIVAL,
        {"folds": 3, "trees": 10, "splines": "age", "compared": "ridge"},
    ),
}


def predicted_tables(model, tables, case_ids):
    """Return predictions of patients, each from a table of its own."""
    features = read_frame(tables / "features.csv", index="case_id", numbers=True)
    clinical = read_frame(tables / "clinical.csv", index="case_id")
    found = {}
    for case_id in case_ids:
        one, failed = model.predict_table(features.loc[[case_id]], clinical)
        assert failed.empty
        found |= one
    return found


@pytest.mark.parametrize("form", FORMS)
def test_fold_of_a_table_study_says_what_the_study_said(form, of_tables, tables, tmp_path):
    design, endpoint, settings = FORMS[form]
    run = of_tables(
        endpoint=endpoint,
        design=design,
        settings=settings,
        split={"kind": "holdout", "group": "person"},
    )
    model = load_model(export_run(run, tmp_path / "model", fold="holdout"))
    case_ids = held_out(run, model.description.final_model).index
    assert_same(run, predicted_tables(model, tables, case_ids), endpoint)
    thresholds = run / "thresholds.csv"
    if endpoint is not SEVERAL:
        expected = pd.read_csv(thresholds).set_index("model")["threshold"].to_dict()
        assert model.description.thresholds == pytest.approx(expected, rel=1e-12)
    written = b"".join(p.read_bytes() for p in (tmp_path / "model").rglob("*") if p.is_file())
    assert b"case-0" not in written
    assert b"person-" not in written


def test_a_patient_is_ranked_among_those_whom_the_fits_did_not_see(table_run, of_tables, tmp_path):
    about = load_model(export_run(table_run, tmp_path / "tested")).description
    for model, quantiles in about.known_scores.items():
        own = held_out(table_run, model)["probability"]
        assert quantiles[::50] == pytest.approx(own.quantile([0, 0.5, 1.0]))
    assert about.known_scores_held_out
    nobody = of_tables(
        settings={"folds": 3, "inner_folds": 3, "alpha": 0.3}, split={"kind": "none"}
    )
    model = load_model(export_run(nobody, tmp_path / "untested"))
    assert model.description.known_scores
    assert not model.description.known_scores_held_out
    assert re.search(r"patients: \d+ negative, \d+ positive", json.dumps(model.card))


NETWORKS = {
    "rdl": (BINARY, {"radiomics": "original", "epochs": 1, "folds": 2, "inner_folds": 2}),
    "shape-resnet": (BINARY, {"epochs": 1, "slice_size": 32}),
    "single-network": (BINARY, {"network": "se-resnet18-3d", "training": {"epochs": 1}}),
    "imaging-clinical": (
        BINARY,
        {"radiomics": "original", "allow_random": True, "folds": 2, "selection_folds": 2},
    ),
    "deep-radiomics": (SURVIVAL, {"radiomics": "original", "epochs": 1, "trees": 10, "folds": 3}),
}


@pytest.fixture
def shallow(shallow_networks):
    with shallow_networks():
        yield


@pytest.mark.parametrize("design", NETWORKS)
@pytest.mark.usefixtures("shallow")
def test_fold_of_images_says_what_the_study_said(design, phantom, run_study_on, tmp_path):
    endpoint, settings = NETWORKS[design]
    run = run_study_on(
        {"cohort": str(phantom / "cohort.csv")},
        design=design,
        endpoint=endpoint,
        settings=settings,
        covariates=["age_years", "sex"],
        compute={"workers": 1, "device": "cpu", "cache": str(phantom / "cache")},
    )
    model = load_model(export_run(run, tmp_path / "model", fold="holdout"))
    case_ids = held_out(run, model.description.final_model).index[:3]
    cohort = read_manifest(phantom / "cohort.csv")
    found = {name: model.predict_case(cohort[name]) for name in case_ids}
    if design == "single-network":
        (name,) = case_ids[:1]
        heat = explain_patient(model, found[name], cohort[name], tmp_path / "out")
        assert len(heat) == 1
        page = write_patient_report(
            found[name], model.description, tmp_path / "out", case=cohort[name], heat=heat
        ).read_text(encoding="utf-8")
        assert "Where the networks look" in page
        assert all(label in page for label in heat)
    table = pd.read_parquet(run / "predictions.parquet")
    table[table["case_id"].isin(case_ids)].to_parquet(run / "predictions.parquet")
    assert_same(run, found, endpoint)
