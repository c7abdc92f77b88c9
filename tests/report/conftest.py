"""Folders that real studies wrote: small ones, on feature tables and on phantom images."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

VOID = {"meta", "img", "input", "br", "link", "hr"}


def write_tables(folder, *, first_id="p00", column="age", center="A", patients=54, seed=0):
    """Write features.csv and clinical.csv of patients in whom t1ce tells the grade."""
    rng = np.random.default_rng(seed)
    grade = np.repeat([2, 3, 4], patients // 3)
    high = (grade >= 3).astype(float)
    ids = [first_id, *(f"p{number:02d}" for number in range(1, len(grade)))]
    features = {
        f"{sequence}.whole.original_{name}": rng.normal(size=len(grade)) + shift * high
        for sequence, effect in (("t1", 0.0), ("t1ce", 1.2))
        for name, shift in (
            ("glcm_Contrast", effect),
            ("glcm_Idm", effect / 2),
            ("firstorder_Mean", effect),
            ("glszm_ZoneEntropy", 0.0),
            ("gldm_DependenceEntropy", 0.0),
        )
    }
    pd.DataFrame(features, index=pd.Index(ids, name="id")).to_csv(folder / "features.csv")
    clinical = pd.DataFrame(
        {
            "id": ids,
            "grade": grade.astype(float),
            column: rng.integers(20, 80, len(grade)) + 8 * high,
            "sex": rng.choice(["F", "M"], len(grade)),
            "center": rng.choice([center, "B"], len(grade)),
            "os_days": rng.exponential(2200 / grade).round() + 1,
            "died": rng.random(len(grade)) < 0.7,
        }
    )
    clinical.loc[[5, 6], "grade"] = np.nan
    clinical.to_csv(folder / "clinical.csv", index=False)


def table_study(folder, design="rdl", **changes):
    """Return a study on a folder's tables."""
    from gliofuse.study import check_study

    settings = {"rdl": {"inner_folds": 3}, "imaging-clinical": {"selection_folds": 3}}
    given = {
        "name": f"{design} on a table",
        "design": design,
        "table": {"features": "features.csv", "clinical": "clinical.csv", "id_column": "id"},
        "endpoint": {"kind": "binary", "column": "grade", "positive": ">= 3"},
        "covariates": ["age", "sex"],
        "survival": {"time": "os_days", "event": "died"},
        "split": {"kind": "kfold", "folds": 3},
        "settings": {"folds": 3, **settings.get(design, {})},
        "evaluation": {"bootstrap": 100},
        "compute": {"workers": 1},
    }
    return check_study({**given, **changes}, base=folder)


@pytest.fixture(scope="session")
def comparison(tmp_path_factory):
    """A comparison of rdl and imaging-clinical on a feature table, with its reports."""
    from gliofuse.report import write_comparison_report, write_report
    from gliofuse.study.compare import compare_designs

    base = tmp_path_factory.mktemp("tables")
    write_tables(base)
    studies = {name: table_study(base, name) for name in ("rdl", "imaging-clinical")}
    compare_designs(studies, base / "out", command="gliofuse compare")
    for name in studies:
        write_report(base / "out" / name)
    write_comparison_report(base / "out")
    return base / "out"


@pytest.fixture(scope="session")
def rdl_run(comparison):
    """A run of rdl on a feature table: radiomics alone, three folds."""
    return comparison / "rdl"


@pytest.fixture(scope="session")
def clinical_run(comparison):
    """A run of imaging-clinical with a nomogram and survival."""
    return comparison / "imaging-clinical"


@pytest.fixture(scope="session")
def image_run(tmp_path_factory):
    """A run of rdl from phantom images without networks; one patient's image is broken."""
    from gliofuse.phantom import make_phantom
    from gliofuse.report import write_report
    from gliofuse.study import check_study
    from gliofuse.study.runner import run_study

    base = tmp_path_factory.mktemp("images")
    make_phantom(base, cases=25, seed=3, shape=(24, 28, 24), effect=3.0, workers=1)
    manifest = pd.read_csv(base / "cohort.csv")
    (base / manifest.loc[2, "t1ce"]).write_bytes(b"no image")
    study = {
        "name": "phantom",
        "cohort": str(base / "cohort.csv"),
        "design": "rdl",
        "sequences": ["t1", "t1ce"],
        "endpoint": {"column": "grade", "positive": ">= 3"},
        "split": {"kind": "holdout", "seed": 0},
        "settings": {"radiomics": "original", "networks": "none", "folds": 3, "inner_folds": 2},
        "evaluation": {"bootstrap": 100},
        "compute": {"workers": 1},
    }
    run_study(check_study(study), base / "run")
    write_report(base / "run")
    return base / "run"


@pytest.fixture
def copied(tmp_path):
    """Return a function that copies a folder, so that a test may change it."""

    def copy(folder: Path) -> Path:
        return shutil.copytree(folder, tmp_path / f"{folder.name}-copy")

    return copy


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out: the page's words are what is tested."""
    monkeypatch.setattr("gliofuse.report.page.draw_all", lambda drawings, folder: ({}, []))


class Page(HTMLParser):
    """Collects what a test asks for, and checks that every element is closed in its order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.loads = [], [], [], []
        self.scripts = 0
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag != "a":
            self.loads += [values[key] for key in ("src", "href", "xlink:href") if values.get(key)]
        self.scripts += tag == "script"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.fixture(scope="session")
def page_of():
    """Return a function that reads a folder's report as text and as elements."""

    def read(folder: Path) -> tuple[str, Page]:
        text = (folder / "report.html").read_text(encoding="utf-8")
        return text, Page(text)

    return read
