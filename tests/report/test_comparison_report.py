"""The report of several designs on one cohort."""

from __future__ import annotations

import base64

import pandas as pd
import pytest

from gliofuse.errors import InputError
from gliofuse.records import (
    CHARACTERISTICS,
    CONTACT_SHEET,
    DELONG,
    MISJUDGED,
    ComparisonFolder,
)
from gliofuse.report import write_comparison_report

pytestmark = pytest.mark.slow(minutes=0.2)

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_designs_stand_side_by_side(comparison, page_of):
    text, _ = page_of(comparison)
    for heading in (
        "What was compared", "Patients", "Results", "What this comparison cannot tell",
        "Can the probabilities be used?", "Patients whom all designs misjudge",
        "Agreement between designs", "The designs", "Time and memory", "Settings and versions",
    ):  # fmt: skip
        assert f"{heading}</h2>" in text
    for name in ("imaging-clinical", "rdl"):
        assert f'<th scope="row">{name}' in text
    assert "Radiomics fusion" in text
    assert "The cross-validated paired test" in text
    assert "3.5 (5 folds or fewer) to 4 times (10 or more) the variance of fitted models" in text
    assert (comparison / "figures" / "roc_test.svg").exists()
    assert "<b>Not drawn</b>" not in text
    assert 'class="final"' not in text, "no design is preferred"


def test_figures_are_those_of_the_table(comparison, page_of):
    text, _ = page_of(comparison)
    metrics = pd.read_csv(comparison / "metrics.csv").query("metric == 'auc'")
    for value in metrics["estimate"]:
        assert f"{value:.3f}" in text


def test_patients_whom_all_misjudge_are_shown_with_pictures(comparison, copied, page_of, undrawn):
    folder = ComparisonFolder(copied(comparison))
    table = folder.read(MISJUDGED)
    table["misjudged_by_all"] = [True, True] + [False] * (len(table) - 2)
    table.loc[0, "case_id"] = "<b>p</b>"
    folder.write(MISJUDGED, table)
    folder.place(CONTACT_SHEET).write_bytes(PIXEL)
    write_comparison_report(folder.path)
    text, page = page_of(folder.path)
    assert f"2 patients of {len(table)}" in text
    assert "<td>&lt;b&gt;p&lt;/b&gt;</td>" in text
    assert any(load.startswith("data:image/png") for load in page.loads)
    folder.write(MISJUDGED, table.assign(misjudged_by_all=False))
    write_comparison_report(folder.path)
    assert f"None of {len(table)} patients is misjudged by all designs" in page_of(folder.path)[0]


def test_methods_split_versions_and_patients_stand_in_the_page(comparison, page_of):
    text, _ = page_of(comparison)
    folder = ComparisonFolder(comparison)
    runs = [folder.run(name).record for name in ("rdl", "imaging-clinical")]
    assert "The patients were cut into 3 parts" in text
    assert "3-fold cross-validation, seed 0" in text
    assert "The figures pool the predictions of 3 models, one a fold" in text
    assert f"<b>{runs[0].n_cases}</b> analysed" in text
    for row in folder.run("rdl").need(CHARACTERISTICS)["variable"]:
        assert row in text
    for run in runs:
        assert run.settings_hash in text
        assert run.design.citation in text
        assert f"gliofuse {run.gliofuse_version}, Python {run.python}" in text
        assert all(f"{name} {version}" in text for name, version in run.packages.items())
    assert "publication reports" not in text


@pytest.mark.parametrize("p", [0.2, 0.01])
def test_a_difference_is_claimed_only_by_its_test(comparison, copied, page_of, undrawn, p):
    folder = ComparisonFolder(copied(comparison))
    table = folder.need(DELONG).assign(p=0.001, p_holm=p, ci_low=-0.1, ci_high=0.32)
    folder.write(DELONG, table)
    write_comparison_report(folder.path)
    text = page_of(folder.path)[0]
    assert ("tell no pair of designs apart" in text) == (p > 0.05)
    assert ("That does not make them alike: differences of up to 0.32" in text) == (p > 0.05)
    assert ("tell 1 of 1 pair of designs apart by AUC (p adjusted by Holm &lt; 0.05)" in text) == (
        p < 0.05
    )
    assert "intervals overlap" not in text


def test_comparison_without_its_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="gliofuse compare"):
        write_comparison_report(tmp_path)
