"""Manifests: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import Case, Cohort, read_manifest, write_manifest
from gliofuse.errors import ManifestError

TEXT = """case_id,center,t1,t1ce,flair,mask,grade,IDH,age
004,A,images/a_t1.nii,images/a_t1ce.nii,,images/a_mask.nii,4,mutant,50.5
p2,B,images/b_t1.nii,,,,2,,NA
"""


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("a_t1", "a_t1ce", "a_mask", "b_t1"):
        (tmp_path / "images" / f"{name}.nii").touch()

    def write(text: str = TEXT, encoding: str = "utf-8"):
        path = tmp_path / "cohort.csv"
        path.write_text(text, encoding=encoding)
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_is_read(manifest, tmp_path, encoding, separator):
    cohort = read_manifest(manifest(TEXT.replace(",", separator), encoding))
    assert cohort.case_ids == ("004", "p2")
    assert cohort.sequences == ("t1", "t1ce")
    first = cohort["004"]
    assert first.images == {
        "t1": tmp_path / "images/a_t1.nii",
        "t1ce": tmp_path / "images/a_t1ce.nii",
    }
    assert first.mask == tmp_path / "images/a_mask.nii"
    assert first.clinical == {"grade": 4, "IDH": "mutant", "age": 50.5}
    assert cohort["p2"].clinical == {"grade": 2, "IDH": None, "age": None}
    clinical = cohort.clinical
    assert list(clinical) == ["center", "grade", "IDH", "age"]
    assert clinical["age"].dtype == float
    assert clinical["grade"].dtype == np.int64
    assert clinical.index.tolist() == ["004", "p2"]


def test_written_and_read_again_from_another_folder(manifest, tmp_path):
    cohort = read_manifest(manifest())
    target = tmp_path / "deep" / "down" / "again.csv"
    write_manifest(cohort, target)
    again = read_manifest(target)
    assert again.cases == cohort.cases
    assert "../../images/a_t1.nii" in target.read_text()
    assert str(tmp_path) not in target.read_text()


def test_written_beside_a_link_still_finds_the_files(manifest, tmp_path):
    cohort = read_manifest(manifest())
    (tmp_path / "real" / "place").mkdir(parents=True)
    os.symlink(tmp_path / "real" / "place", tmp_path / "link")
    write_manifest(cohort, tmp_path / "link" / "cohort.csv")
    assert read_manifest(tmp_path / "link" / "cohort.csv").cases == cohort.cases


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header and at least one row"),
        ("case_id,t1\n", "header and at least one row"),
        ("patient_id,t1\na,x.nii\n", "'case_id' is missing.*is it 'patient_id'"),
        ("case_di,t1\na,x.nii\n", "'case_id' is missing.*did you mean 'case_di'"),
        ("case_id,grade\na,3\n", "a column of images is missing: none of t1, t1ce, t2, flair"),
        ("case_id,t1,t1c\na,x.nii,y.nii\n", "unknown image column 't1c'.*did you mean 't1ce'"),
        ("case_id,t1,FLAIR\na,x.nii,\n", "unknown image column 'FLAIR'.*did you mean 'flair'"),
        ("case_id,t1,dwi\na,x.nii,y.nii.gz\n", "unknown image column 'dwi'.*allowed: t1, t1ce"),
        ("case_id,t1,t1\na,x.nii,y.nii\n", "more than one of 't1'"),
        ("case_id,t1,rCBV\na,x.nii,y.nii\n", "unknown image column 'rCBV'.*did you mean 'cbv'"),
        ("case_id,t1,t1_gd\na,x.nii,\n", "unknown image column 't1_gd'.*did you mean 't1ce'"),
        ("case_id,t1,adc\na,x.nii,812\n", "'adc' must name image files, got '812'.*adc_mean"),
        ("case_id,t1\na,x.nii\nb,\na,\n", r"more than once \(a on lines 2, 4\)"),
        ("case_id,t1\na,x.nii\n,y.nii\n", "case_id is blank on line 3"),
        ('case_id,t1\na,"x.nii\n', "line 2 is no CSV .*a quote too many or too few"),
        ("case_id,t1\na/b,x.nii\n", "must not hold slashes.*got 'a/b'"),
        ("case_id,t1\na,x.nii,3\n", "line 2 has 3 fields, the header 2"),
        ("case_id,t1\na,x.nii\nb,y.nii\n", r"2 files do not exist \(a t1: .*x\.nii; b t1: .*y"),
    ],
)
def test_what_is_refused(manifest, text, message):
    with pytest.raises(ManifestError, match=message):
        read_manifest(manifest(text))


def test_files_need_not_exist_when_asked_not_to_look(manifest):
    cohort = read_manifest(manifest("case_id,t1\na,x.nii\n"), check_files=False)
    assert cohort["a"].images["t1"].name == "x.nii"


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.csv", "no such file"), (".", "is a folder"), ("table.xlsx", "no Excel workbook")],
)
def test_what_is_no_table(tmp_path, name, message):
    (tmp_path / "table.xlsx").touch()
    with pytest.raises(ManifestError, match=message):
        read_manifest(tmp_path / name)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_another_encoding_is_read(tmp_path, encoding):
    (tmp_path / "c.csv").write_bytes("case_id,t1\nMüller,x.nii\n".encode(encoding))
    assert read_manifest(tmp_path / "c.csv", check_files=False).case_ids == ("Müller",)


def test_with_sequences_says_who_is_left_out_and_why(manifest):
    cohort = read_manifest(manifest())
    kept, excluded = cohort.with_sequences(("t1", "t1ce"))
    assert kept.case_ids == ("004",)
    assert excluded.values.tolist() == [["p2", "no t1ce, mask"]]
    assert len(cohort.with_sequences(("t1",), mask=False)[0]) == 2
    with pytest.raises(ManifestError, match="did you mean 't1ce'"):
        cohort.with_sequences(("t1c",))


def test_a_cohort_knows_its_patients():
    cohort = Cohort((Case("a"), Case("b")))
    assert cohort.subset(["b", "a"]).case_ids == ("b", "a")
    assert "a" in cohort
    assert "c" not in cohort
    assert [case.case_id for case in cohort] == ["a", "b"]
    with pytest.raises(ManifestError, match="no patient 'c'"):
        cohort["c"]
    with pytest.raises(ManifestError, match=r"no patient 'c'.*nor 1 more"):
        cohort.subset(["c", "a", "d"])
    with pytest.raises(ManifestError, match="more than one row for a"):
        Cohort((Case("a"), Case("a")))
    with pytest.raises(ManifestError, match="unknown sequence 't1gd'"):
        Case("a", {"t1gd": None})
    assert cohort.clinical.empty
    pd.testing.assert_index_equal(
        cohort.clinical.index, pd.Index(["a", "b"], name="case_id", dtype=object)
    )
