"""The checklists: complete, numbered as published, answered from real runs, honest when open."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

import gliofuse.report.sections.checklists as checklists
from gliofuse.records import RunFolder
from gliofuse.report import summarise
from gliofuse.report.sections.checklists.answer import ANSWERS
from gliofuse.report.sections.checklists.extraction import Extraction

pytestmark = pytest.mark.slow(minutes=0.2)

_FILES = sorted(Path(checklists.__file__).parent.glob("*.yaml"))


def _items(path):
    return [
        item
        for section in yaml.safe_load(path.read_text(encoding="utf-8"))["sections"]
        for item in section["items"]
    ]


def _answers(folder):
    tripod, clear, _ = summarise(folder)["checklists"]
    return [{item["number"]: item for item in found["items"]} for found in (tripod, clear)]


def test_numbers_of_items_are_the_publications():
    """TRIPOD+AI has 27 items with 52 parts (BMJ 2024;385:e078378), CLEAR 58 (Insights Imaging
    2023;14:75), METRICS 30 (Insights Imaging 2024;15:8)."""
    numbers = {path.stem: [item["number"] for item in _items(path)] for path in _FILES}
    assert numbers["clear"] == [str(number) for number in range(1, 59)]
    tripod = numbers["tripod_ai"]
    assert len(tripod) == len(set(tripod)) == 52
    metrics = _items(Path(checklists.__file__).parent / "metrics.yaml")
    assert [item["number"] for item in metrics] == [str(number) for number in range(1, 31)]
    main = list(dict.fromkeys(int(number.rstrip("abcdefg")) for number in tripod))
    assert main == list(range(1, 28))


def test_every_answer_is_asked_for_and_exists(rdl_run):
    summarise(rdl_run)  # answers register when they are first needed
    asked = {item["answer"] for path in _FILES for item in _items(path) if "answer" in item}
    assert asked == set(ANSWERS)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_texts_are_short(path):
    assert all(len(item["text"]) < 100 for item in _items(path))


def test_a_run_from_images_says_how_features_were_made(image_run):
    """CLEAR 22, 23 and 25 rest on the feature table, under the name that the study gave it."""
    _, clear = _answers(image_run)
    (table,) = RunFolder(image_run).feature_tables()
    for number in ("22", "23", "24", "25", "26", "27"):
        assert clear[number]["status"] == "answered", number
    assert table.place in clear["22"]["answer"]
    assert "Not resampled" in clear["22"]["answer"]
    assert "32 grey-level bins" in clear["23"]["answer"]
    assert "PyRadiomics" in clear["25"]["answer"]
    assert clear["21"]["answer"] == "Normalisation of the images: minmax."
    features = pd.read_parquet(image_run / table.place).shape[1]
    assert f"{features:,} candidates" in clear["27"]["answer"]


def test_a_run_from_a_table_does_not_claim_settings_that_made_nothing(rdl_run):
    _, clear = _answers(rdl_run)
    for number in ("21", "22", "23", "25"):
        assert clear[number]["status"] == "partly"
        assert clear[number]["answer"] == (
            "Features were given as a table; extraction settings are not known to gliofuse."
        )


def test_settings_are_said_in_words():
    setting = {"resampledPixelSpacing": [1, 1, 2.5], "interpolator": "sitkBSpline", "binWidth": 25}
    made = Extraction("features/x.parquet", 3, "none", {"setting": setting})
    assert made.resampling == "Resampled to 1 × 1 × 2.5 mm by BSpline"
    assert made.discretisation == "Grey-level bins of width 25"


def test_the_nomogram_and_the_tests_are_answers(clinical_run, rdl_run):
    tripod, clear = _answers(clinical_run)
    assert tripod["22"]["anchor"] == "nomogram"
    assert "Imaging score" in clear["17"]["answer"]
    assert clear["41"]["status"] == "answered"
    assert _answers(rdl_run)[1]["17"]["status"] == "open"


def test_a_run_without_results_leaves_them_open(clinical_run, copied):
    folder = copied(clinical_run)
    for name in ("metrics.csv", "characteristics.csv", "delong.csv"):
        (folder / name).unlink()
    for path in (folder / "tables").iterdir():
        path.unlink()
    tripod, clear = _answers(folder)
    for number in ("18a", "20b", "22", "23a", "12e"):
        assert tripod[number]["status"] == "open", number
    for number in ("41", "43", "44", "46", "47"):
        assert clear[number]["status"] == "open", number


def test_weights_of_metrics_are_the_tools():
    """Weights by category, as the web tool of METRICS, version 1.0, rounds them."""
    given = yaml.safe_load(
        (Path(checklists.__file__).parent / "metrics.yaml").read_text(encoding="utf-8")
    )
    sums = {part["name"]: sum(item["weight"] for item in part["items"])
            for part in given["sections"]}  # fmt: skip
    expected = {
        "Study design": 0.203, "Imaging data": 0.146, "Segmentation": 0.067,
        "Image processing and feature extraction": 0.134, "Feature processing": 0.09,
        "Preparation for modelling": 0.09, "Metrics and comparison": 0.135, "Testing": 0.112,
        "Open science": 0.021,
    }  # fmt: skip
    assert sums == pytest.approx(expected)


def test_metrics_answers_what_the_run_shows(clinical_run):
    *_, metrics = summarise(clinical_run)["checklists"]
    items = {item["number"]: item for item in metrics["items"]}
    assert items["4"]["answer"] == "2 centres."
    assert "candidate parameters" in items["16"]["answer"]
    assert "Cramér's V" in items["19"]["answer"]
    assert items["22"]["status"] == "answered"
    assert items["24"]["status"] == "partly"
    assert [items[number]["status"] for number in ("6", "8", "27", "30")] == ["open"] * 4
    assert items["27"]["weight"] == 0.075
