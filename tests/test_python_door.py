"""The names that a notebook imports from gliofuse itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import gliofuse
from gliofuse.errors import InputError

pytestmark = pytest.mark.slow(minutes=0.3)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "notebook.md"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The names that the page's code leaves behind, run in an empty folder."""
    folder = tmp_path_factory.mktemp("notebook")
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for cell in code:
            exec(compile(cell, str(PAGE), "exec"), names)
        names["report"] = (folder / str(names["run"].report)).read_text(encoding="utf-8")
        names["picture"] = (folder / "roc.png").stat().st_size
    return names


def test_page_of_the_documentation_runs(notebook):
    auc = notebook["auc"]
    assert auc.loc["radiomics_t1ce", "ci_low"] > 0.6
    assert notebook["picture"] > 5000
    assert "<html" in notebook["report"]
    pd.testing.assert_frame_equal(notebook["again"].metrics, notebook["run"].metrics)


def test_several_classes_are_told_apart_where_they_differ(notebook):
    metrics = notebook["classes"].metrics
    macro = metrics.query("metric == 'macro_auc' and model == 'radiomics_fusion'").iloc[0]
    assert macro["ci_low"] > 0.5
    assert "confusion" in " ".join(notebook["classes"].figures)


def test_a_figure_that_is_not_there_is_named(notebook):
    with pytest.raises(InputError, match="no figure 'rok'"):
        notebook["run"].figure("rok")


def test_misspelt_options_and_folders_are_said(tmp_path):
    with pytest.raises(InputError, match="option 'fold' is unknown; did you mean 'folds'"):
        gliofuse.run("cohort.csv", "grade >= 3", out=tmp_path / "run", fold=3)
    with pytest.raises(InputError, match="must be an existing folder"):
        gliofuse.load_run(tmp_path / "nowhere")


def test_images_go_from_a_folder_to_features(tmp_path):
    from gliofuse.phantom import make_phantom

    make_phantom(tmp_path / "data", cases=4, seed=1, shape=(24, 28, 24), workers=1)
    cohort, _ = gliofuse.scan(tmp_path / "data", out=tmp_path / "cohort.csv")
    assert gliofuse.read_cohort(tmp_path / "cohort.csv").case_ids == cohort.case_ids
    features, failed = gliofuse.extract(cohort, settings="shape", sequences=["t1"])
    assert features.shape == (4, 14)
    assert failed.empty


def test_import_is_light():
    """Nothing heavy loads before it is used; every name of ``__all__`` is there."""
    code = (
        "import gliofuse, sys; heavy = {'numpy', 'pandas', 'torch', 'sklearn', 'matplotlib'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "[getattr(gliofuse, name) for name in gliofuse.__all__]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
