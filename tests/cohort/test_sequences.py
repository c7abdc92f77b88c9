"""The registry of sequences: one place, from the manifest to the report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gliofuse
from gliofuse.cohort import SEQUENCES, STRUCTURAL, Case, Cohort, read_manifest, write_manifest
from gliofuse.cohort.clinical import join_clinical
from gliofuse.cohort.scan import scan_folder
from gliofuse.cohort.sequences import check_sequences
from gliofuse.designs.framework.models import sequence_label
from gliofuse.errors import ManifestError
from gliofuse.features import FeatureName
from gliofuse.report.naming import feature_label

MAPS = [name for name in SEQUENCES if name not in STRUCTURAL]


def test_the_structural_ones_come_first_and_keep_their_order():
    assert tuple(SEQUENCES)[:4] == STRUCTURAL == ("t1", "t1ce", "t2", "flair")
    assert MAPS == ["adc", "cbv"]
    assert [SEQUENCES[name].label for name in SEQUENCES] == [
        "T1", "T1ce", "T2", "FLAIR", "ADC", "rCBV",
    ]  # fmt: skip


def test_names_and_synonyms_are_each_somebodys_alone():
    words = [word for one in SEQUENCES.values() for word in (one.name, *one.synonyms)]
    assert len(set(words)) == len(words)
    for word in words:
        assert re.fullmatch("[a-z0-9]+", word)  # as file names are compared
    for name, one in SEQUENCES.items():
        assert one.name == name
        FeatureName(name, "whole", "x")  # can stand in a feature's name


@pytest.mark.parametrize("name", MAPS)
def test_references_are_ranges_with_a_unit(name):
    reference = SEQUENCES[name].reference
    assert reference.low < reference.high
    assert reference.typical[0] < reference.typical[1]
    assert reference.unit
    assert reference.remedy


def test_unknown_names_are_refused():
    check_sequences(SEQUENCES)
    with pytest.raises(ManifestError, match="unknown sequence 'acd': did you mean 'adc'"):
        check_sequences(["t1", "acd"])


def test_only_the_registry_lists_the_sequences():
    """A list of them anywhere else would forget the next one; the papers' own are facts."""
    source = Path(gliofuse.__file__).parent
    listed = re.compile(r"""["']t1["'],\s*["']t1ce["'],\s*["']t2["'],\s*["']flair["']""")
    found = []
    for path in source.rglob("*.py"):
        text = re.sub(r">>>.*", "", path.read_text(encoding="utf-8"))  # examples name some
        if "designs" not in path.parts and listed.search(text):
            found.append(path.relative_to(source).as_posix())
    assert found == []


@pytest.mark.parametrize("name", SEQUENCES)
def test_each_goes_from_a_folder_to_the_manifest_and_the_report(tmp_path, name):
    for case_id in ("p1", "p2"):
        (tmp_path / "data" / case_id).mkdir(parents=True)
        for role in ("t1", "mask"):
            (tmp_path / "data" / case_id / f"{role}.nii.gz").write_text(case_id + role)
    (tmp_path / "data" / "p1" / f"p1_{name.upper()}.nii.gz").write_text("map")
    if name == "t1":
        (tmp_path / "data" / "p1" / "t1.nii.gz").unlink()
    cohort = scan_folder(tmp_path / "data").cohort
    assert name in cohort["p1"].images
    assert name in cohort.sequences
    write_manifest(cohort, tmp_path / "cohort.csv")
    assert read_manifest(tmp_path / "cohort.csv").cases == cohort.cases
    label = SEQUENCES[name].label
    assert sequence_label(name) == label
    assert feature_label(f"{name}.whole.original_glcm_Idm").startswith(f"{label} · ")


def test_columns_of_maps_are_written_where_a_patient_has_one(tmp_path):
    plain = Case("a", {"t1": tmp_path / "a.nii"})
    write_manifest(Cohort((plain,)), tmp_path / "plain.csv")
    assert (tmp_path / "plain.csv").read_text() == ("case_id,t1,t1ce,t2,flair,mask\na,a.nii,,,,\n")
    with_map = Case("b", {"adc": tmp_path / "b.nii"})
    write_manifest(Cohort((plain, with_map)), tmp_path / "maps.csv")
    assert (tmp_path / "maps.csv").read_text() == (
        "case_id,t1,t1ce,t2,flair,adc,mask\na,a.nii,,,,,\nb,,,,,b.nii,\n"
    )


def test_a_measured_value_is_clinical_and_says_so(tmp_path):
    (tmp_path / "a.nii").touch()
    path = tmp_path / "cohort.csv"
    path.write_text("case_id,t1,ADC\na,a.nii,812\n")
    assert read_manifest(path).cases[0].clinical == {"ADC": 812}
    (tmp_path / "table.csv").write_text("ID,adc\na,812\n")
    cohort = Cohort((Case("a", {"t1": tmp_path / "a.nii"}),))
    with pytest.raises(ManifestError, match="needs the column name adc for itself; rename it"):
        join_clinical(cohort, tmp_path / "table.csv", "ID")


def test_patients_without_masks_are_patients(tmp_path):
    (tmp_path / "a.nii").touch()
    path = tmp_path / "cohort.csv"
    path.write_text("case_id,adc\na,a.nii\n")  # no column of masks at all
    cohort = read_manifest(path)
    assert cohort["a"].mask is None
    kept, excluded = cohort.with_sequences(("adc",), mask=False)
    assert kept.case_ids == ("a",)
    assert excluded.empty
    kept, excluded = cohort.with_sequences(("adc",))
    assert len(kept) == 0
    assert excluded.values.tolist() == [["a", "no mask"]]
