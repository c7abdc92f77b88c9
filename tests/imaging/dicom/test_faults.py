"""What is wrong with a folder or a table is one clear line."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.imaging import Volume

pytest.importorskip("pydicom")
pytest.importorskip("dcm2niix")

from .made_dicom import CAPTURE, CT, FLAIR, MPRAGE, T1, T1CE, T2, damage, head, write_series
from .test_round_trip import SAGITTAL, assert_same_image, call, convert, scan, table_of


def one_line(err, message):
    assert message in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_without_dicom(capsys, tmp_path):
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "notes.txt").write_text("no image" * 40)
    code, _, err = scan(capsys, tmp_path)
    assert code == 2
    one_line(err, "no DICOM file in it or below (1 files, none of them DICOM)")
    assert not (tmp_path / "series.csv").exists()
    code, _, err = call(capsys, "dicom", "scan", tmp_path / "nowhere", "-o", tmp_path / "s.csv")
    one_line(err, "no such folder")


def test_a_cut_file_is_named_in_the_key_alone_and_its_series_is_not_converted(capsys, tmp_path):
    paths = write_series(tmp_path / "dicom" / "HUBER", head(1), T2, number=2)
    write_series(tmp_path / "dicom" / "HUBER", head(2), T1, number=3)
    damage(paths[4], -100)
    _, out, _ = scan(capsys, tmp_path)
    assert "1 damaged or cut short files, named in" in out
    assert "HUBER" not in out
    assert "HUBER" in (tmp_path / "series.key.json").read_text(encoding="utf-8")
    table = table_of(tmp_path)
    assert table["problem"].tolist() == ["1 of 9 files cut short", ""]
    assert table["sequence"].tolist() == ["ask", "t1"]
    table.loc[0, "sequence"] = "t2"
    table.to_csv(tmp_path / "series.csv", index=False)
    code, out, err = convert(capsys, tmp_path)
    assert code == 1
    one_line(err, "series 2: not one whole volume: 1 of 9 files cut short")
    assert "1 images converted, 0 were there, 1 failed" in out


@pytest.mark.parametrize("keep", [140, 600])
def test_a_file_cut_in_its_header(capsys, tmp_path, keep):
    paths = write_series(tmp_path / "dicom", head(1), T2)
    damage(paths[0], keep)
    code, out, _ = scan(capsys, tmp_path)
    assert code == 0
    assert "1 damaged or cut short files" in out
    assert table_of(tmp_path)["slices"].tolist() == [8]


def test_two_series_of_different_size_claimed_as_one_sequence(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1, number=2)
    write_series(tmp_path / "dicom", head(2, (10, 30, 28)), T2, number=3)
    scan(capsys, tmp_path)
    table = table_of(tmp_path)
    table["sequence"] = "t2"
    table.to_csv(tmp_path / "series.csv", index=False)
    code, _, err = convert(capsys, tmp_path)
    assert code == 2
    one_line(err, "t2 is claimed twice, by")
    assert "(12 x 14 x 9)" in err
    assert "(28 x 30 x 10)" in err


def test_one_series_of_two_matrix_sizes_is_two_rows(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T2, series="one")
    write_series(tmp_path / "dicom", head(2, (10, 30, 28)), T2, series="one", first_instance=50)
    scan(capsys, tmp_path)
    table = table_of(tmp_path)
    assert table["part"].tolist() == ["1", "2"]
    assert table["problem"].str.contains("one of 2 stacks of its series [(]matrix[)]").all()
    assert table["sequence"].tolist() == ["ask", "ask"]


def test_no_t1_at_all(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T2, number=2)
    write_series(tmp_path / "dicom", head(2), FLAIR, number=3)
    _, out, _ = scan(capsys, tmp_path)
    assert "2 series: no t1; no t1ce; t2 2; flair 3" in out
    code, out, _ = convert(capsys, tmp_path)
    assert code == 0
    assert ": no t1, t1ce\n" in out


def test_a_ct(capsys, tmp_path):
    tags = {"Modality": "CT", "SeriesDescription": "t1 head"}
    write_series(tmp_path / "dicom", head(1), tags, sop_class=CT)
    _, out, _ = scan(capsys, tmp_path)
    assert "modality CT, no MR: nothing here is a sequence" in out
    table = table_of(tmp_path)
    assert table["reason"].tolist() == ["modality CT, not MR"]
    code, _, err = convert(capsys, tmp_path)
    assert code == 2
    one_line(err, "no row has a sequence in its column 'sequence'")
    table["sequence"] = "t1"
    table.to_csv(tmp_path / "series.csv", index=False)
    code, _, err = convert(capsys, tmp_path)
    one_line(err, "has modality CT, not MR: it cannot be t1")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"leave_out": (4, 5)}, "2 slices missing (after slice 4 of 7)"),
        ({"shift_mm": (0.0, 0.7, 0.0)}, "slices lie askew by 4.2 degrees (gantry tilt)"),
        ({"shift_mm": (0.0, 0.0, 0.0)}, ""),
    ],
)
def test_missing_slices_and_gantry_tilt(capsys, tmp_path, more, problem):
    write_series(tmp_path / "dicom", head(1), T2, **more)
    scan(capsys, tmp_path)
    table = table_of(tmp_path)
    assert table["problem"].tolist() == [problem]
    table["sequence"] = "t2"
    table.to_csv(tmp_path / "series.csv", index=False)
    code, _, err = convert(capsys, tmp_path)
    assert code == int(bool(problem))
    if problem:
        one_line(err, f"not one whole volume: {problem}")


def test_slices_missing_at_the_end_are_told_by_the_scanners_count(capsys, tmp_path):
    tags = {**T2, "ImagesInAcquisition": 11}
    volume = head(1, (11, 14, 12))
    write_series(tmp_path / "dicom", volume, tags, leave_out=(9, 10))
    scan(capsys, tmp_path)
    assert table_of(tmp_path)["problem"].tolist() == ["9 images of 11 that the scanner counted"]


def test_uneven_slices(capsys, tmp_path):
    volume = head(1)
    write_series(tmp_path / "dicom", volume, T2, leave_out=range(5, 9))
    rest = Volume(volume.array, (11.0, 1.5, 1.25), volume.origin_mm)
    write_series(tmp_path / "dicom", rest, T2, leave_out=range(5))
    scan(capsys, tmp_path)
    assert "slices unevenly spaced (9.50 to 17.00 mm)" in table_of(tmp_path)["problem"].item()


def test_repeated_volumes_are_asked_about(capsys, tmp_path):
    for first in (1, 101):
        write_series(tmp_path / "dicom", head(1), T1, series="dynamic", first_instance=first)
    scan(capsys, tmp_path)
    row = table_of(tmp_path).iloc[0]
    assert (row["sequence"], row["volumes"]) == ("ask", 2)
    assert "2 images at each position" in row["problem"]


def test_one_image_stored_twice_counts_once(capsys, tmp_path):
    truth = head(1)
    for path in write_series(tmp_path / "dicom", truth, T2):
        path.with_suffix(".copy").write_bytes(path.read_bytes())
    _, out, _ = scan(capsys, tmp_path)
    assert "9 files hold an image that another file holds" in out
    assert convert(capsys, tmp_path)[0] == 0
    assert_same_image(Volume.read(next((tmp_path / "nifti").rglob("t2.nii.gz"))), truth)


def test_screen_captures_are_no_sequence(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1, number=5, sop_class=CAPTURE)
    scan(capsys, tmp_path)
    row = table_of(tmp_path).iloc[0]
    assert (row["proposal"], row["confidence"]) == ("other", "high")
    assert "Secondary Capture" in row["reason"]


def test_t1_after_contrast_and_several_silent_t1_are_asked_about(capsys, tmp_path):
    silent = {**T1, "SeriesDescription": "t1"}
    write_series(tmp_path / "dicom", head(1), T1CE, number=2, minute=10)
    write_series(tmp_path / "dicom", head(2), silent, number=3, minute=20)
    write_series(tmp_path / "dicom", head(3), silent, number=1, minute=0)
    for number in (4, 5):
        write_series(tmp_path / "dicom", head(number), silent, number=number, study="other")
    scan(capsys, tmp_path)
    table = table_of(tmp_path).set_index("series")
    assert table.loc[[1, 2, 3], "sequence"].tolist() == ["t1", "t1ce", "ask"]
    assert "acquired after series 2, which names contrast" in table.loc[3, "reason"]
    assert table.loc[[4, 5], "sequence"].tolist() == ["ask", "ask"]
    assert "nor of series 5: one of them may be post-contrast" in table.loc[4, "reason"]


def test_of_several_series_the_thin_one_is_taken_and_equal_ones_are_asked_about(capsys, tmp_path):
    thin = Volume(head(1, (56, 13, 11)).array, (1.5, 1.1, 1.2), (0, 0, 0), SAGITTAL)
    native = {"SeriesDescription": "t1 nativ"}
    write_series(tmp_path / "dicom", thin, {**MPRAGE, **native}, number=2)
    write_series(tmp_path / "dicom", head(2), {**T1, **native}, number=3)
    for number in (4, 5):
        write_series(tmp_path / "dicom", head(number), T2, number=number)
    scan(capsys, tmp_path)
    table = table_of(tmp_path).set_index("series")
    assert table["sequence"].tolist() == ["t1", "", "ask", "ask"]
    assert table.loc[2, "problem"] == "taken before series 3 by slice distance and plane"
    assert table.loc[3, "problem"] == "t1 too, but series 2 is taken"
    assert table.loc[4, "problem"] == "series 5 may be t2 too: choose one"


def test_two_people_under_one_id(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1, number=2)
    other = {"PatientName": "Somebody^Else"}
    write_series(tmp_path / "dicom", head(2), T2, number=3, patient=other, study="second")
    _, out, _ = scan(capsys, tmp_path)
    assert "one PatientID with two names or birth dates" in out


def test_no_patient_id(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1, patient={"PatientID": ""})
    code, out, _ = scan(capsys, tmp_path, "--keep-ids")
    assert code == 0
    assert "no PatientID in the headers" in out
    assert table_of(tmp_path)["patient_id"].item().startswith("p-")


def test_a_table_changed_by_hand_is_not_overwritten(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1)
    scan(capsys, tmp_path)
    table = table_of(tmp_path)
    table["sequence"] = "t1ce"
    table.to_csv(tmp_path / "series.csv", index=False)
    changed = (tmp_path / "series.csv").read_bytes()
    code, _, err = scan(capsys, tmp_path)
    assert code == 2
    one_line(err, "exists and differs from what this scan finds")
    assert (tmp_path / "series.csv").read_bytes() == changed
    assert scan(capsys, tmp_path, "--overwrite")[0] == 0


def test_keys_that_are_none_and_folders_that_moved(capsys, tmp_path):
    write_series(tmp_path / "dicom", head(1), T1)
    scan(capsys, tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    code, _, err = convert(capsys, tmp_path, "--key", tmp_path / "bad.json")
    one_line(err, "not a key of gliofuse dicom scan (KeyError)")
    _, _, err = convert(capsys, tmp_path, "--key", tmp_path / "none.json")
    one_line(err, "no such key")
    (tmp_path / "dicom").rename(tmp_path / "moved")
    code, _, err = convert(capsys, tmp_path)
    assert code == 2
    one_line(err, "the folder that was scanned is no longer there")
    assert "moved" not in err
    assert convert(capsys, tmp_path, "--dicom", tmp_path / "moved")[0] == 0


@pytest.mark.parametrize(
    ("sequence", "message"),
    [("t1c", "did you mean 't1ce'?"), ("ask", "1 rows say ask: decide them first")],
)
def test_mistakes_in_the_table(capsys, tmp_path, sequence, message):
    write_series(tmp_path / "dicom", head(1), T1)
    scan(capsys, tmp_path)
    table = table_of(tmp_path)
    table["sequence"] = sequence
    table.to_csv(tmp_path / "series.csv", index=False)
    code, _, err = convert(capsys, tmp_path)
    assert code == 2
    one_line(err, message)


def test_a_table_without_its_columns(capsys, tmp_path):
    (tmp_path / "series.csv").write_text("patient_id,study\na,1\n")
    _, _, err = convert(capsys, tmp_path)
    one_line(err, "the column 'series_id' is missing")


def test_the_extra_is_named_where_it_is_missing(capsys, tmp_path, monkeypatch):
    import sys

    write_series(tmp_path / "dicom", head(1), T1)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    code, _, err = scan(capsys, tmp_path)
    assert code == 2
    assert "pip install 'gliofuse[dicom]'" in err


def test_compressed_pixels_come_back(capsys, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    truth = head(3)
    for path in write_series(tmp_path / "dicom", truth, T2):
        dataset = pydicom.dcmread(path)
        dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    scan(capsys, tmp_path)
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    image = Volume.read(next((tmp_path / "nifti").rglob("t2.nii.gz")))
    assert_same_image(image, truth)
    assert np.ptp(image.array) > 800
