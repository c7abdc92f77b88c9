"""The checklists: complete, numbered as published, honest about what is open."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import gliofuse.report.checklists as checklists
from gliofuse.report.checklists.answers import ANSWERS

_FILES = sorted(Path(checklists.__file__).parent.glob("*.yaml"))


def _items(path):
    return [
        item
        for section in yaml.safe_load(path.read_text(encoding="utf-8"))["sections"]
        for item in section["items"]
    ]


def test_numbers_of_items_are_the_publications():
    """TRIPOD+AI has 27 items with 52 parts (BMJ 2024;385:e078378), CLEAR 58 (Insights Imaging
    2023;14:75)."""
    numbers = {path.stem: [item["number"] for item in _items(path)] for path in _FILES}
    assert numbers["clear"] == [str(number) for number in range(1, 59)]
    tripod = numbers["tripod_ai"]
    assert len(tripod) == len(set(tripod)) == 52
    main = list(dict.fromkeys(int(number.rstrip("abcdefg")) for number in tripod))
    assert main == list(range(1, 28))


def test_every_answer_is_asked_for_and_exists():
    asked = {item["answer"] for path in _FILES for item in _items(path) if "answer" in item}
    assert asked == set(ANSWERS)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_texts_are_short(path):
    assert all(len(item["text"]) < 100 for item in _items(path))


def test_an_empty_run_leaves_results_open():
    summary = dict.fromkeys(
        (
            "characteristics", "selected_features", "calibration", "decision_curve", "nomogram",
            "contributions", "gradcam", "thresholds", "final", "primary",
        )
    )  # fmt: skip
    summary |= {
        "study": {}, "cohorts": [], "feature_tables": [], "models": [], "endpoint": "grade",
        "design": {"title": "A design"}, "split": {"words": "Not recorded."},
        "provenance": {"gliofuse_version": None},
        "patients": {
            "centers": [], "excluded": [], "n_excluded": 0, "positive": None, "negative": None,
            "analysed": 0,
        },
    }  # fmt: skip
    tripod, clear = checklists.filled_checklists(summary)
    status = {item["number"]: item["status"] for item in tripod["items"]}
    for number in ("17", "18a", "20b", "21", "22", "23a", "13", "12e"):
        assert status[number] == "open"
    status = {item["number"]: item["status"] for item in clear["items"]}
    for number in ("22", "23", "24", "25", "46", "47"):
        assert status[number] == "open"
