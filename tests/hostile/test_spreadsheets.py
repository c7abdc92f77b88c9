"""Words that a spreadsheet would run are shown as words, and come back as they were."""

from __future__ import annotations

import pandas as pd
import pytest

from gliofuse.cohort import Case, Cohort, read_manifest, write_manifest
from gliofuse.cohort.tables import read_frame
from gliofuse.files import as_cell, from_cell, write_csv
from gliofuse.records import EXCLUDED

FORMULAS = ['=HYPERLINK("x")', "+cmd|' /C calc'!A0", "-a", "@SUM(1)", "=1+1"]


@pytest.mark.parametrize("word", [*FORMULAS, "-3.5", "+1e4", "'quoted'", "grade", "", "-"])
def test_words_come_back(word):
    assert from_cell(as_cell(word)) == word
    assert as_cell(as_cell(word)) == as_cell(word), "written twice it is written once"


def test_no_cell_of_a_table_begins_a_formula(tmp_path):
    table = pd.DataFrame({"case_id": FORMULAS, "reason": FORMULAS, "number": [-1.5] * 5})
    write_csv(tmp_path / "t.csv", table)
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert all(line.lstrip('"').startswith("'") for line in lines)
    assert all(line.endswith(",-1.5") for line in lines)
    EXCLUDED.write(tmp_path / "excluded.csv", table[["case_id", "reason"]])
    pd.testing.assert_frame_equal(
        EXCLUDED.load(tmp_path / "excluded.csv"), table[["case_id", "reason"]]
    )
    again = read_frame(tmp_path / "t.csv", index="case_id")
    assert list(again.index) == FORMULAS
    assert list(again["reason"]) == FORMULAS


def test_a_manifest_comes_back(tmp_path):
    image = tmp_path / "t1.nii.gz"
    image.touch()
    cohort = Cohort((Case("=p", {"t1": image}, clinical={"@note": "+more"}),))
    write_manifest(cohort, tmp_path / "cohort.csv")
    assert "\n'=p," in (tmp_path / "cohort.csv").read_text(encoding="utf-8")
    again = read_manifest(tmp_path / "cohort.csv")
    assert again.case_ids == ("=p",)
    assert again["=p"].clinical == {"@note": "+more"}
