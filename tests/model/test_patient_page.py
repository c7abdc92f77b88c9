"""A patient's page says what the prediction says, and shows the patient's images."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.model import load_model
from gliofuse.report.patient import write_patient_report


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


def test_page_of_images(image_model, phantom, tmp_path):
    loaded = load_model(image_model)
    case = read_manifest(phantom / "cohort.csv").cases[0]
    found = loaded.predict_case(case)
    page = write_patient_report(found, loaded.description, tmp_path, case=case, card=loaded.card)
    said = text_of(page)
    assert f"{found.probability:.2f} probability of the positive class" in said
    assert f"Called {found.final.called}" in said
    assert "The patient's right is on the left" in said
    assert page.read_text().count("data:image/png;base64") == 1
    assert (tmp_path / "images.png").stat().st_size > 5000
    assert "size of the tumour" in said or "size and place of the tumour" in said  # the flags
    for term in found.final.contributions:
        assert term.term in page.read_text()
    assert "http://" not in re.sub(r"http://www.w3.org[^\"' ]*", "", page.read_text())


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
    assert f"auc {auc['value']:.2f}" in said


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "=cmd|' /C calc'!A0"])
def test_a_strange_name_does_no_harm(table_model, tables, tmp_path, value):
    loaded = load_model(table_model)
    features = pd.read_csv(tables / "features.csv", index_col="case_id").iloc[:1]
    found, _ = loaded.predict_table(features.set_axis([value]))
    page = write_patient_report(found[value], loaded.description, tmp_path)
    assert "<script>alert" not in page.read_text()
