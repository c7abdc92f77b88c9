"""A volume written as DICOM, scanned and converted, comes back voxel by voxel and in mm."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from gliofuse.cli import main
from gliofuse.cohort import read_manifest
from gliofuse.imaging import Volume

pytest.importorskip("pydicom")
pytest.importorskip("dcm2niix")

import pydicom

from .made_dicom import (
    FLAIR,
    MPRAGE,
    SECRETS,
    T1,
    T1CE,
    T2,
    head,
    rotation,
    write_enhanced,
    write_series,
)


def call(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out, printed.err


def scan(capsys, place, *more):
    words = ("scan", place / "dicom", "-o", place / "series.csv", "--workers", 1)
    return call(capsys, "dicom", *words, *more)


def convert(capsys, place, *more):
    words = ("convert", place / "series.csv", "-o", place / "nifti", "--workers", 1)
    return call(capsys, "dicom", *words, *more)


def table_of(place):
    return pd.read_csv(
        place / "series.csv", dtype={"part": str, "sequence": str}, keep_default_na=False
    )


def assert_same_image(found, truth):
    """Both have the same voxels at the same points, whatever the order of the axes."""
    assert sorted(found.shape) == sorted(truth.shape)
    index = np.stack(np.meshgrid(*map(np.arange, truth.shape), indexing="ij"), -1)
    points = truth.index_to_point(index) - np.array(found.origin_mm)
    place = (points @ found.direction)[..., ::-1] / np.array(found.spacing_mm)
    nearest = np.round(place).astype(int)
    off_mm = np.abs(place - nearest) * np.array(found.spacing_mm)
    assert off_mm.max() < 0.01
    np.testing.assert_array_equal(found.array[tuple(np.moveaxis(nearest, -1, 0))], truth.array)


SAGITTAL = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]], float)
CORONAL = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
GEOMETRIES = {
    "axial": head(1),
    "oblique": head(2, degrees=23.0),
    "very oblique": head(3, degrees=41.0, shape=(9, 13, 19)),
    "slices downwards": Volume(head(4).array, (9.5, 1.5, 1.25), (3, 2, 1), np.diag([1.0, 1, -1])),
    "sagittal": Volume(head(5, (56, 13, 11)).array, (1.5, 1.1, 1.2), (-40, -9, 12), SAGITTAL),
    "coronal, oblique": Volume(
        head(6, (11, 14, 12)).array, (8.0, 0.9, 0.9), (1, 2, 3), rotation(11.0) @ CORONAL
    ),
}


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("enhanced", [False, True], ids=["classic", "enhanced"])
def test_a_volume_comes_back(capsys, tmp_path, name, enhanced):
    truth = GEOMETRIES[name]
    write = write_enhanced if enhanced else write_series
    write(tmp_path / "dicom", truth, MPRAGE if name == "sagittal" else T1)
    code, _, err = scan(capsys, tmp_path)
    assert code == 0, err
    row = table_of(tmp_path).iloc[0]
    assert (row["sequence"], row["proposal"], row["problem"]) == ("t1", "t1", "")
    assert row[["columns", "rows", "slices"]].tolist() == list(truth.shape[::-1])
    assert row["step_mm"] == pytest.approx(truth.spacing_mm[0], abs=1e-3)
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    cohort = read_manifest(tmp_path / "nifti" / "cohort.csv")
    assert_same_image(Volume.read(cohort.cases[0].images["t1"]), truth)


def test_slices_stored_in_any_order_come_back(capsys, tmp_path):
    truth = head(7, degrees=12.0)
    paths = write_series(tmp_path / "dicom", truth, T2)
    order = np.random.default_rng(0).permutation(len(paths))
    for number, path in zip(order, paths, strict=True):
        (tmp_path / "dicom" / f"deep{number % 3}").mkdir(exist_ok=True)
        path.rename(tmp_path / "dicom" / f"deep{number % 3}" / f"IM{number:05}")
    assert scan(capsys, tmp_path)[0] == 0
    assert convert(capsys, tmp_path)[0] == 0
    cohort = read_manifest(tmp_path / "nifti" / "cohort.csv")
    assert_same_image(Volume.read(cohort.cases[0].images["t2"]), truth)


AWKWARD = {
    "instance numbers out of order": lambda n: {"InstanceNumber": [5, 4, 3, 2, 1, 9, 8, 7, 6][n]},
    "one instance number": lambda n: {"InstanceNumber": 1},
    "two acquisitions": lambda n: {"AcquisitionNumber": 1 + n % 2},
    "two coils": lambda n: {"ReceiveCoilName": "AB"[n % 2]},
    "echo times rounded apart": lambda n: {"EchoTime": 100.04 + 0.02 * (n % 2), "EchoNumbers": 1},
    "a time for each slice": lambda n: {"AcquisitionTime": f"10{n:02}00", "TriggerTime": 100 * n},
}


@pytest.mark.parametrize("name", AWKWARD)
def test_headers_that_vary_within_a_volume_do_not_divide_it(capsys, tmp_path, name):
    truth = head(9, degrees=8.0)
    for number, path in enumerate(write_series(tmp_path / "dicom", truth, T2)):
        dataset = pydicom.dcmread(path)
        for tag, value in AWKWARD[name](number).items():
            setattr(dataset, tag, value)
        dataset.save_as(path)
    scan(capsys, tmp_path)
    assert table_of(tmp_path)["slices"].tolist() == [9]
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    assert_same_image(Volume.read(next((tmp_path / "nifti").rglob("t2.nii.gz"))), truth)


@pytest.mark.parametrize("enhanced", [False, True], ids=["classic", "enhanced"])
def test_a_double_echo_is_two_stacks_and_the_late_one_is_t2(capsys, tmp_path, enhanced):
    truth = head(8)
    late = Volume(truth.array + 1000, truth.spacing_mm, truth.origin_mm, truth.direction)
    tags = {**T2, "SeriesDescription": "pd+t2_tse_tra"}
    if enhanced:
        write_enhanced(tmp_path / "dicom", truth, tags, echoes=[11, 101])
    else:
        write_series(tmp_path / "dicom", truth, {**tags, "EchoTime": 11}, series="both")
        more = {**tags, "EchoTime": 101}
        write_series(tmp_path / "dicom", late, more, number=1, series="both", first_instance=50)
    assert scan(capsys, tmp_path)[0] == 0
    table = table_of(tmp_path)
    assert table["sequence"].tolist() == ["", "t2"]
    assert table["problem"].str.contains("one of 2 stacks of its series [(]echo time[)]").all()
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    image = read_manifest(tmp_path / "nifti" / "cohort.csv").cases[0].images["t2"]
    assert_same_image(Volume.read(image), late)


@pytest.fixture
def study(tmp_path):
    """Four sequences of a patient, a localizer, a diffusion series and a screen capture."""
    place = tmp_path / "dicom" / "SAUERBRUCH"
    tagged = {**T1, "SeriesDescription": "t1 Sauerbruch 03.07.1951", "ProtocolName": "t1_KOCH"}
    for number, tags in enumerate((tagged, T2, FLAIR, T1CE), 2):
        write_series(place / f"s{number}", head(number), tags, number=number, minute=5 * number)
    localizer = {**T1, "SeriesDescription": "loc", "ScanningSequence": "GR", "EchoTime": 4}
    flat = head(9, (3, 14, 12))
    turned = Volume(flat.array, flat.spacing_mm, flat.origin_mm, SAGITTAL)
    write_series(place / "s1", flat, localizer, number=1)
    write_series(place / "s1", turned, localizer, number=1, first_instance=11)
    diffusion = {**T2, "SeriesDescription": "ep2d_diff", "ScanningSequence": "EP"}
    write_series(place / "s7", head(7), {**diffusion, "DiffusionBValue": 1000.0}, number=7)
    return tmp_path


def test_a_study_is_listed_converted_and_goes_on_where_it_stopped(capsys, study):
    code, out, _ = scan(capsys, study)
    assert code == 0
    assert "study 1: 6 series: t1 2; t1ce 5; t2 3; flair 4" in out
    table = table_of(study)
    assert table.loc[table["series"] == 1, "problem"].item().startswith("2 short stacks")
    assert table.loc[table["series"] == 7, "reason"].item().startswith("diffusion, b = 1000")
    code, out, _ = convert(capsys, study)
    assert code == 0
    assert "4 images converted, 0 were there, 0 failed" in out
    cohort = read_manifest(study / "nifti" / "cohort.csv")
    assert cohort.cases[0].lacks(("t1", "t1ce", "t2", "flair"), mask=False) == []
    flair = cohort.cases[0].images["flair"]
    before = flair.stat().st_mtime_ns
    cohort.cases[0].images["t2"].unlink()
    code, out, _ = convert(capsys, study)
    assert code == 0
    assert "1 images converted, 3 were there, 0 failed" in out
    assert flair.stat().st_mtime_ns == before
    assert scan(capsys, study)[0] == 0  # the same table again is no overwriting


def test_an_image_of_other_files_is_not_overwritten(capsys, study):
    scan(capsys, study)
    convert(capsys, study)
    table = table_of(study)
    table.loc[table["series"] == 2, "sequence"] = ""
    table.loc[table["series"] == 7, "sequence"] = "t1"
    table.to_csv(study / "series.csv", index=False)
    assert convert(capsys, study)[0] == 2  # the manifest would lose its t1
    code, _, err = convert(capsys, study, "--overwrite")
    assert code == 1
    assert "exists and was made of other files; remove it" in err
    failed = pd.read_csv(study / "nifti" / "failed_series.csv")
    assert failed["sequence"].tolist() == ["t1"]


@pytest.mark.parametrize("more", [(), ("--keep-ids",)], ids=["pseudonyms", "kept ids"])
def test_no_output_names_a_person(capsys, study, more):
    printed = "".join(str(part) for part in scan(capsys, study, *more))
    printed += "".join(str(part) for part in convert(capsys, study))
    key = study / "series.key.json"
    assert key.stat().st_mode & 0o077 == 0
    assert "MRN-7788123" in key.read_text(encoding="utf-8")
    outputs = [study / "series.csv", *(study / "nifti").rglob("*")]
    texts = {"terminal": printed.replace(str(study), "")}
    for path in outputs:
        name = str(path.relative_to(study))
        content = path.read_bytes() if path.is_file() else b""
        content = gzip.decompress(content)[:352] if name.endswith(".gz") else content
        texts[name] = name + content.decode("latin-1")
    assert len(texts) > 9
    secrets = [word for word in SECRETS if not (more and word == "7788123")]
    for name, text in texts.items():
        assert [word for word in secrets if word in text.lower()] == [], name
    row = table_of(study).query("series == 2").iloc[0]
    assert (row["description"], row["protocol"]) == ("t1 *** ***", "t1_***")
    assert (row["patient_id"] == "MRN-7788123") == bool(more)
    facts = json.loads(next((study / "nifti").rglob("t1ce.json")).read_text(encoding="utf-8"))
    assert facts["EchoTime"] == 0.012


def test_the_key_gives_the_same_pseudonyms_again_and_another_salt_others(capsys, study):
    scan(capsys, study)
    first = table_of(study)["patient_id"].iloc[0]
    more = ("--key", study / "series.key.json")
    call(capsys, "dicom", "scan", study / "dicom", "-o", study / "b.csv", *more)
    assert pd.read_csv(study / "b.csv")["patient_id"].iloc[0] == first
    call(capsys, "dicom", "scan", study / "dicom", "-o", study / "c.csv")
    assert pd.read_csv(study / "c.csv")["patient_id"].iloc[0] != first


def test_a_clinical_table_is_joined_by_pseudonyms(capsys, study):
    scan(capsys, study)
    convert(capsys, study)
    (study / "clinic.csv").write_text("MRN,grade\nMRN-7788123,4\nMRN-1,2\n")
    words = ("pseudonyms", study / "clinic.csv", "--key", study / "series.key.json")
    words += ("-o", study / "clinical.csv", "--id-column")
    code, out, _ = call(capsys, "dicom", *words, "MRN")
    assert code == 0
    assert "1 of 2 patients were not scanned: lines 3" in out
    more = ("--clinical", study / "clinical.csv", "--id-column", "patient_id")
    code, _, err = call(
        capsys, "cohort", "scan", study / "nifti", "-o", study / "cohort.csv", *more
    )
    assert code == 0, err
    assert read_manifest(study / "cohort.csv").cases[0].clinical["grade"] == 4
    assert "7788123" not in (study / "clinical.csv").read_text(encoding="utf-8")
    assert "exists; give another name" in call(capsys, "dicom", *words, "MRN")[2]
    (study / "clinical.csv").unlink()
    assert "no column 'mrn'" in call(capsys, "dicom", *words, "mrn")[2]


def test_several_studies_and_patients(capsys, tmp_path):
    other = {"PatientID": "B", "PatientName": "Other^Name", "PatientBirthDate": "19600101"}
    for study, day in (("late", "20240420"), ("early", "20240310")):
        write_series(tmp_path / "dicom", head(1), T2, number=3, study=study, day=day)
        for path in (tmp_path / "dicom").glob("003*"):
            path.rename(path.with_name(f"{study}-{path.name}"))
    write_series(tmp_path / "dicom", head(2), FLAIR, number=4, patient=other)
    _, out, _ = scan(capsys, tmp_path)
    assert "2 studies; each becomes a row of the manifest" in out
    table = table_of(tmp_path)
    assert sorted(table.loc[table["study"] == 2, "day"]) == [41]
    code, out, _ = convert(capsys, tmp_path)
    assert code == 0
    assert out.count("no t1, t1ce, flair") == 2
    cohort = read_manifest(tmp_path / "nifti" / "cohort.csv")
    twice = [case for case in cohort if case.case_id.endswith(("_s1", "_s2"))]
    assert [case.clinical["day"] for case in twice] == [0, 41]
    assert twice[0].clinical["patient_id"] == twice[1].clinical["patient_id"]
    assert len(cohort) == 3
