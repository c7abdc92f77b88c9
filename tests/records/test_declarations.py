"""The declarations against what a real study writes, and the page that is made from them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliofuse.records.catalogue import COMPARISON_FILES, FOLD_FILES, RUN_FILES
from gliofuse.records.files import TableFile
from gliofuse.records.page import run_folder_page

pytestmark = pytest.mark.slow(minutes=0.1)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "run-folder.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A comparison of one study on a feature table, with clinical variables and survival."""
    from gliofuse.study import check_study
    from gliofuse.study.compare import compare_designs

    base = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    grade = np.repeat([2, 3, 4], 14)
    ids = pd.Index([f"p{number:02d}" for number in range(len(grade))], name="id")
    features = {
        f"t1ce.whole.original_glcm_F{number}": rng.normal(size=len(grade)) + 0.7 * (grade >= 3)
        for number in range(6)
    }
    pd.DataFrame(features, index=ids).to_csv(base / "features.csv")
    clinical = {
        "grade": grade,
        "age": rng.integers(20, 80, len(grade)),
        "os_days": rng.exponential(900, len(grade)).round() + 1,
        "died": rng.integers(0, 2, len(grade)),
    }
    pd.DataFrame(clinical, index=ids).to_csv(base / "clinical.csv")
    given = {
        "design": "imaging-clinical",
        "table": {"features": "features.csv", "clinical": "clinical.csv", "id_column": "id"},
        "endpoint": {"kind": "binary", "column": "grade", "positive": ">= 3"},
        "covariates": ["age"],
        "survival": {"time": "os_days", "event": "died"},
        "split": {"kind": "kfold", "folds": 3},
        "settings": {"folds": 3, "selection_folds": 3},
        "evaluation": {"bootstrap": 100},
        "compute": {"workers": 1},
    }
    study = check_study(given, base=base)
    compare_designs({"imaging-clinical": study}, base / "out")
    return base / "out"


def places(run):
    return (
        (run.parent, COMPARISON_FILES),
        (run, RUN_FILES),
        (run / "folds" / "fold1", FOLD_FILES),
    )


def test_every_file_of_a_real_study_is_declared(folder):
    run = folder / "imaging-clinical"
    for place, files in places(run):
        patterns = [
            re.sub(r"\\{\w+\\}", "[^/]+", re.escape(file.path)) + "(/.*)?" for file in files
        ]
        for path in place.rglob("*"):
            name = path.relative_to(place).as_posix()
            if path.is_file():
                assert any(re.fullmatch(pattern, name) for pattern in patterns), name


def test_every_table_of_a_real_study_keeps_its_declaration(folder):
    seen = 0
    for place, files in places(folder / "imaging-clinical"):
        for file in files:
            if not isinstance(file, TableFile):
                continue
            found = file.all_in(place)
            assert found or file.optional, f"{file.path} is not optional, and the study lacks it"
            for path in found:
                file.check(file.load(path))
                seen += 1
    assert seen > 30


def test_page_is_made_from_the_declarations():
    assert PAGE.read_text(encoding="utf-8") == run_folder_page(), (
        "run: python -m gliofuse.records > docs/run-folder.md"
    )
    for file in RUN_FILES:
        assert f"`{file.path}`" in run_folder_page()
