"""A patient's page says what the prediction says, and shows the patient's images."""

from __future__ import annotations

import math
import re
import shutil

import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.errors import InputError
from gliofuse.evaluation import nomogram_points
from gliofuse.model import load_model
from gliofuse.report.patient import write_patient_report
from gliofuse.report.pdf import BROWSERS, find_browser, print_pdf
from gliofuse.study.export import export_run


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


def test_page_of_images(image_model, phantom, tmp_path):
    loaded = load_model(image_model)
    case = read_manifest(phantom / "cohort.csv").cases[0]
    found = loaded.predict_case(case)
    page = write_patient_report(found, loaded.description, tmp_path, case=case, card=loaded.card)
    said, source = text_of(page), page.read_text(encoding="utf-8")
    assert f"{found.probability:.2f} probability of the positive class" in said
    assert f"Called {found.final.called}" in said
    assert "The patient's right is on the left" in said
    assert page.read_text(encoding="utf-8").count("data:image/png;base64") == 1
    assert (tmp_path / "images.png").stat().st_size > 5000
    assert "size of the tumour" in said or "size and place of the tumour" in said  # the flags
    for term in found.final.contributions:
        assert term.term in source
    assert "http://" not in re.sub(r"http://www.w3.org[^\"' ]*", "", source)


def test_page_of_a_table_says_what_is_unusual(table_model, tables, tmp_path):
    loaded = load_model(table_model)
    features = pd.read_csv(tables / "features.csv", index_col="case_id").iloc[:2] * 40
    found, _ = loaded.predict_table(features)
    one = next(iter(found.values()))
    assert one.warnings
    page = write_patient_report(one, loaded.description, tmp_path, card=loaded.card)
    said = text_of(page)
    assert all(re.sub(r"\s+", " ", warning)[:60] in said for warning in one.warnings)
    auc = next(
        row
        for row in loaded.card["quantitative_analysis"]["performance_metrics"]
        if row["type"] == "auc"
    )
    assert f"AUC {auc['value']:.2f}" in said


def test_the_nomogram_marks_the_patient_where_the_model_says(of_tables, tables, tmp_path):
    run = of_tables(design="imaging-clinical", settings={"folds": 3, "selection_folds": 3})
    loaded = load_model(export_run(run, tmp_path / "model", fold="holdout"))
    features = pd.read_csv(tables / "features.csv", index_col="case_id").iloc[:3]
    clinical = pd.read_csv(tables / "clinical.csv", index_col="case_id")
    found, _ = loaded.predict_table(features, clinical)
    model = loaded.description.nomogram
    scale = nomogram_points(model)
    terms = {term.name for term in model.terms}
    for one in found.values():
        predictor = math.log(one.probability / (1 - one.probability))
        points = scale.of_patient(one.clinical, predictor)
        assert set(points) == terms
        chance = scale.probabilities_at(sum(points.values()))[""]
        assert chance == pytest.approx(one.probability, rel=1e-9)
    first = next(iter(found.values()))
    assert "On the nomogram" in text_of(write_patient_report(first, loaded.description, tmp_path))
    assert scale.of_patient({}, 0.0) is None, "more than one value is not known"


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no browser on PATH")
def test_a_page_is_printed(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<p>words</p>", encoding="utf-8")
    assert print_pdf(page).read_bytes().startswith(b"%PDF")


def test_without_a_browser_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(InputError, match="install Chromium, Chrome or Edge"):
        find_browser()


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "=cmd|' /C calc'!A0"])
def test_a_strange_name_does_no_harm(table_model, tables, tmp_path, value):
    loaded = load_model(table_model)
    features = pd.read_csv(tables / "features.csv", index_col="case_id").iloc[:1]
    found, _ = loaded.predict_table(features.set_axis([value]))
    page = write_patient_report(found[value], loaded.description, tmp_path)
    assert "<script>alert" not in page.read_text(encoding="utf-8")
