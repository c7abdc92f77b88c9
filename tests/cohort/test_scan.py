"""Every layout's own names, follow-up scans, doubled files, and folders that fit none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gliofuse.cohort import read_manifest, write_manifest
from gliofuse.cohort.clinical import join_clinical
from gliofuse.cohort.layouts import LAYOUTS
from gliofuse.cohort.scan import scan_folder
from gliofuse.errors import ManifestError, SettingError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def brats(root: Path, case_id: str, words: str, separator: str = "_", suffix=".nii.gz") -> None:
    touch(root, *[f"{case_id}/{case_id}{separator}{word}{suffix}" for word in words.split()])


def make_brats2020(root):
    brats(root / "HGG", "BraTS20_Training_001", "t1 t1ce t2 flair seg")
    brats(root / "LGG", "Brats18_TCIA09_141_1", "t1 t1ce t2 flair seg", suffix=".nii")


def make_brats2021(root):
    brats(root, "BraTS2021_00000", "t1 t1ce t2 flair seg")
    brats(root, "BraTS2021_00097", "t1 t1ce t2 flair seg")


def make_brats2023(root):
    brats(root, "BraTS-GLI-00000-000", "t1n t1c t2w t2f seg", "-")
    brats(root, "BraTS-GLI-00097-001", "t1n t1c t2w t2f seg", "-")


def make_ucsf(root):
    for number in ("0004", "0097"):
        words = "T1_bias T1gad_bias T2_bias FLAIR_bias tumor_segmentation ADC brain_segmentation"
        names = [f"UCSF-PDGM-{number}_{word}.nii.gz" for word in words.split()]
        touch(root, *[f"UCSF-PDGM-{number}_nifti/{name}" for name in names])


def make_tcia(root):
    for number, date in (("0006", "1996.08.23"), ("0097", "2001.01.02")):
        case_id = f"TCGA-02-{number}"
        words = "t1 t1Gd t2 flair GlistrBoost_ManuallyCorrected"
        touch(root, *[f"{case_id}/{case_id}_{date}_{word}.nii.gz" for word in words.split()])


def make_bids(root):
    for subject in ("sub-04", "sub-97"):
        stem = f"{subject}_ses-01"
        words = "T1w ce-gadolinium_T1w T2w FLAIR"
        touch(root, *[f"{subject}/ses-01/anat/{stem}_{word}.nii.gz" for word in words.split()])
        touch(root, f"{subject}/ses-01/dwi/{stem}_ADC.nii.gz")
        touch(root, f"derivatives/perfusion/{subject}/ses-01/perf/{stem}_cbv.nii.gz")
        derived = f"derivatives/manual/{subject}/ses-01/anat/{stem}"
        touch(root, f"{derived}_label-tumor_dseg.nii.gz", f"{derived}_desc-brain_mask.nii.gz")
        touch(root, f"{derived}_space-MNI_T1w.nii.gz")


def make_plain(root):
    touch(root, *[f"p4/{word}.nii.gz" for word in ("t1", "t1gd", "T2", "FLAIR", "seg")])
    touch(root, *[f"p97/p97_{word}.nrrd" for word in ("t1", "t1_ce", "t2w", "t2-flair", "mask")])
    touch(root, "p4/ADC.nii.gz", "p4/rCBV.nii.gz", "p97/p97_adc_map.nrrd", "p97/p97_cbv.nrrd")


def make_flat(root):
    touch(root, *[f"P4_{word}.nii.gz" for word in ("t1", "t1_post", "T2", "FLAIR", "seg")])
    touch(root, *[f"P-97-{word}.mgz" for word in ("MPRAGE", "T1 + C", "t2w", "t2-flair", "mask")])


def make_visits(root):
    for patient in ("p4", "p97"):
        words = ("T1 MPRAGE", "T1 + contrast", "t2", "flair", "mask")
        touch(root, *[f"{patient}/pre/{word}.nii" for word in words])


MAPS = {"ucsf-pdgm": {"adc"}, "bids": {"adc", "cbv"}, "plain": {"adc", "cbv"}}
MAKERS = {
    "brats2020": (make_brats2020, ("BraTS20_Training_001", "Brats18_TCIA09_141_1"), None),
    "brats2021": (make_brats2021, ("BraTS2021_00000", "BraTS2021_00097"), ("0", "97")),
    "brats2023": (
        make_brats2023,
        ("BraTS-GLI-00000-000", "BraTS-GLI-00097-001"),
        ("BraTS-GLI-00000", "BraTS-GLI-00097-001"),
    ),
    "ucsf-pdgm": (
        make_ucsf,
        ("UCSF-PDGM-0004", "UCSF-PDGM-0097"),
        ("UCSF-PDGM-004", "UCSF-PDGM-097"),
    ),
    "tcia-brats": (
        make_tcia,
        ("TCGA-02-0006", "TCGA-02-0097"),
        ("TCGA-02-0006-01A", "tcga-02-0097"),
    ),
    "bids": (make_bids, ("sub-04", "sub-97"), ("04", "sub-97")),
    "flat": (make_flat, ("P-97", "P4"), ("p-97", "P4 ")),
    "visits": (make_visits, ("p4", "p97"), (" P4", "p97")),
    "plain": (make_plain, ("p4", "p97"), (" P4", "p97")),
}


def test_every_layout_is_tested_here():
    assert set(MAKERS) == set(LAYOUTS)


@pytest.mark.parametrize("layout", MAKERS)
@pytest.mark.parametrize("named", [False, True])
def test_layout_is_found_and_read(tmp_path, layout, named):
    make, ids, _ = MAKERS[layout]
    make(tmp_path / "data")
    scan = scan_folder(tmp_path / "data", layout=layout if named else None)
    assert scan.layout.name == layout
    assert set(scan.cohort.case_ids) == set(ids)
    for case in scan.cohort:
        maps = MAPS.get(layout, set())
        assert set(case.images) == {"t1", "t1ce", "t2", "flair"} | maps
        assert len({case.mask, *case.images.values()}) == 5 + len(maps)
    assert scan.notes.empty
    write_manifest(scan.cohort, tmp_path / "manifests" / "cohort.csv")
    again = read_manifest(tmp_path / "manifests" / "cohort.csv")
    assert again.cases == scan.cohort.cases


@pytest.mark.parametrize("layout", MAKERS)
def test_clinical_table_is_joined_by_the_layouts_rule(tmp_path, layout):
    make, ids, table_ids = MAKERS[layout]
    make(tmp_path / "data")
    scan = scan_folder(tmp_path / "data")
    rows = [f"{name},{grade}" for name, grade in zip(table_ids or ids, (2, 4), strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["ID,grade", *rows, "unknown-77,3"]))
    cohort, notes = join_clinical(scan.cohort, tmp_path / "table.csv", "ID", layout=scan.layout)
    assert [cohort[name].clinical["grade"] for name in ids] == [2, 4]
    assert notes.values.tolist() == [["unknown-77", "no images", "line 4 of the table"]]


def test_grade_folders_of_brats_become_a_column(tmp_path):
    make_brats2020(tmp_path)
    clinical = scan_folder(tmp_path).cohort.clinical["grade_group"]
    assert clinical.to_dict() == {"BraTS20_Training_001": "HGG", "Brats18_TCIA09_141_1": "LGG"}


def test_the_one_mask_of_brats_2020_under_another_name(tmp_path):
    brats(tmp_path, "BraTS20_Training_355", "t1 t1ce t2 flair")
    touch(tmp_path, "BraTS20_Training_355/W39_1998.09.19_Segm.nii")
    scan = scan_folder(tmp_path)
    assert scan.cohort["BraTS20_Training_355"].mask.name == "W39_1998.09.19_Segm.nii"
    assert scan.notes.empty


def rules(scan) -> list[tuple[str, str]]:
    return list(scan.notes[["case_id", "rule"]].itertuples(index=False, name=None))


def test_a_map_of_the_raw_data_set_goes_before_a_derived_one(tmp_path):
    make_bids(tmp_path)
    derived = "derivatives/dwi/sub-04/ses-01/dwi/sub-04_ses-01_adc.nii.gz"
    touch(tmp_path, derived)
    scan = scan_folder(tmp_path)
    assert scan.cohort["sub-04"].images["adc"].name == "sub-04_ses-01_ADC.nii.gz"
    assert scan.notes.values.tolist() == [
        ["sub-04", "variant", "adc: raw is taken, from derivatives left out"]
    ]


def test_follow_up_scans_are_told(tmp_path):
    for visit in ("000", "001"):
        brats(tmp_path, f"BraTS-GLI-00005-{visit}", "t1n t1c t2w t2f seg", "-")
    scan = scan_folder(tmp_path)
    assert scan.cohort.case_ids == ("BraTS-GLI-00005-000",)
    assert rules(scan) == [("BraTS-GLI-00005", "follow-up")]
    assert "000 is taken, 001 left out" in scan.notes["detail"][0]
    assert scan_folder(tmp_path, visit="001").cohort.case_ids == ("BraTS-GLI-00005-001",)
    with pytest.raises(ManifestError, match="no patient with an image of visit '7'"):
        scan_folder(tmp_path, visit="7")


def test_ucsf_variants_and_follow_up(tmp_path):
    make_ucsf(tmp_path)
    touch(tmp_path, "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1.nii.gz")
    names = [f"UCSF-PDGM-0097_FU003d_{word}.nii.gz" for word in ("T1", "T2")]
    touch(tmp_path, *[f"UCSF-PDGM-0097_FU003d_nifti/{name}" for name in names])
    touch(tmp_path, "UCSF-PDGM-0097_FU010d_nifti/UCSF-PDGM-0097_T1.nii.gz")
    scan = scan_folder(tmp_path)
    assert scan.cohort["UCSF-PDGM-0004"].images["t1"].name == "UCSF-PDGM-0004_T1_bias.nii.gz"
    assert scan.notes.values.tolist() == [
        ["UCSF-PDGM-0004", "variant", "t1: bias-corrected is taken, plain left out"],
        ["UCSF-PDGM-0097", "follow-up", "baseline is taken, FU003d, FU010d left out"],
    ]


def test_manually_corrected_masks_go_first(tmp_path):
    make_tcia(tmp_path)
    touch(tmp_path, "TCGA-02-0006/TCGA-02-0006_1996.08.23_GlistrBoost.nii.gz")
    scan = scan_folder(tmp_path)
    assert "ManuallyCorrected" in scan.cohort["TCGA-02-0006"].mask.name
    assert rules(scan) == [("TCGA-02-0006", "variant")]


@pytest.mark.parametrize(
    ("sessions", "chosen"),
    [(("ses-2", "ses-10"), "ses-2"), (("ses-postop", "ses-preop"), "ses-preop")],
)
def test_bids_sessions_in_their_order(tmp_path, sessions, chosen):
    for session in sessions:
        touch(tmp_path, f"sub-1/{session}/anat/sub-1_{session}_T1w.nii.gz")
    scan = scan_folder(tmp_path)
    assert chosen in scan.cohort["sub-1"].images["t1"].name
    assert rules(scan) == [("sub-1", "follow-up")]


def test_bids_sessions_that_cannot_be_ordered_leave_the_patient_out(tmp_path):
    for session in ("ses-a", "ses-b"):
        touch(tmp_path, f"sub-1/{session}/anat/sub-1_{session}_T1w.nii.gz")
    touch(tmp_path, "sub-2/anat/sub-2_T1w.nii.gz", "sub-2/anat/sub-2_run-1_FLAIR.nii.gz")
    touch(tmp_path, "sub-2/anat/sub-2_run-2_FLAIR.nii.gz")
    scan = scan_folder(tmp_path)
    assert scan.cohort.case_ids == ("sub-2",)
    assert set(scan.cohort["sub-2"].images) == {"t1"}
    assert rules(scan) == [("sub-1", "visit"), ("sub-2", "doubled file")]
    assert "name one with --visit" in scan.notes["detail"][0]


def test_doubled_files_are_told_and_neither_is_taken(tmp_path):
    touch(tmp_path, "p1/t1.nii", "p1/t1.nii.gz", "p1/flair.nii.gz", "p1/seg.nii", "p1/mask.nii")
    scan = scan_folder(tmp_path)
    assert set(scan.cohort["p1"].images) == {"flair"}
    assert scan.cohort["p1"].mask is None
    assert rules(scan) == [("p1", "doubled file")] * 2
    assert "p1/t1.nii, p1/t1.nii.gz" in scan.notes["detail"][0].replace(os.sep, "/")


def test_files_that_nobody_understands_are_told(tmp_path):
    touch(tmp_path, "p1/t1.nii", "p1/brain_mask.nii", "p1/dwi.nii", "p1/.hidden.nii", "p1/x.txt")
    scan = scan_folder(tmp_path)
    assert scan.cohort["p1"].mask is None
    assert sorted(scan.notes["detail"]) == ["p1/brain_mask.nii", "p1/dwi.nii"]
    assert set(scan.notes["rule"]) == {"not understood"}


def test_dicom_beside_images_is_told(tmp_path):
    touch(tmp_path, "p1/t1.nii", "p1/t2/I0001.dcm")
    scan = scan_folder(tmp_path)
    assert rules(scan) == [("", "DICOM")]
    assert "gliofuse dicom scan" in scan.notes["detail"][0]


def test_a_mask_alone_and_a_broken_link(tmp_path):
    touch(tmp_path, "p1/t1.nii", "p2/mask.nii")
    os.symlink(tmp_path / "gone.nii", tmp_path / "p1" / "flair.nii")
    scan = scan_folder(tmp_path)
    assert scan.cohort.case_ids == ("p1",)
    assert rules(scan) == [("p1", "broken link"), ("p2", "no image")]


def test_links_to_folders_are_followed_and_loops_end(tmp_path):
    touch(tmp_path / "store", "p1/t1.nii")
    (tmp_path / "data").mkdir()
    os.symlink(tmp_path / "store" / "p1", tmp_path / "data" / "p1")
    os.symlink(tmp_path / "data", tmp_path / "data" / "again")
    assert scan_folder(tmp_path / "data").cohort.case_ids == ("p1",)


def test_one_patients_own_folder(tmp_path):
    touch(tmp_path / "p1", "t1.nii", "flair.nii")
    assert scan_folder(tmp_path / "p1").cohort.case_ids == ("p1",)


def test_nested_plain_folders(tmp_path):
    touch(tmp_path / "a", "north/p1/t1.nii", "south/p2/t1.nii")
    scan = scan_folder(tmp_path / "a")
    assert scan.cohort.case_ids == ("p1", "p2")
    assert rules(scan) == [("", "nested folders")]
    touch(tmp_path / "b", "p1/first/t1.nii", "p2/first/t1.nii")
    assert scan_folder(tmp_path / "b").cohort.case_ids == ("p1", "p2")
    with pytest.raises(ManifestError, match=r"'first' stands for p1.first, p2.first"):
        scan_folder(tmp_path / "b", layout="plain")


def test_a_pattern_says_where_the_names_stand(tmp_path):
    days, people, words = ("2020-01-03", "2019-12-01"), ("a", "b"), ("T1", "T1+C", "roi")
    names = [f"{d}/{who}/raw_{who}_{w}_x.nii" for d in days for who in people for w in words]
    touch(tmp_path, *names)
    pattern = "{date}/{case}/*_{case}_{sequence}_x.nii"
    scan = scan_folder(tmp_path, pattern=pattern)
    assert scan.cohort.case_ids == ("a", "b")
    assert set(scan.cohort["a"].images) == {"t1", "t1ce"}
    assert "2019-12-01" in str(scan.cohort["a"].mask)
    assert rules(scan) == [("a", "follow-up"), ("b", "follow-up")]
    later = scan_folder(tmp_path, pattern=pattern, visit="2020-01-03")
    assert "2020-01-03" in str(later.cohort["b"].images["t1"])
    with pytest.raises(SettingError, match=r"\{sequence\} is not in it"):
        scan_folder(tmp_path, pattern="{case}.nii")
    with pytest.raises(ManifestError, match=r"no file fits .*names such as '2019-12-01.a.raw_a"):
        scan_folder(tmp_path, pattern="{case}/{sequence}.nii")


def test_folders_that_cannot_be_opened_are_told(tmp_path, monkeypatch):
    touch(tmp_path, "p1/t1.nii", "p2/t1.nii")
    opened = os.scandir

    def refuse(path):
        if str(path).endswith("p2"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(os, "scandir", refuse)
    scan = scan_folder(tmp_path)
    assert scan.cohort.case_ids == ("p1",)
    assert ("", "cannot be opened") in rules(scan)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no NIfTI or NRRD file"),
        (("a/x.dcm",), "holds DICOM files: convert it first"),
        (("a/scan0001.nii.gz",), r"none of the layouts .* names such as 'a.scan0001\.nii\.gz'"),
        (
            ("BraTS2021_00000/BraTS2021_00000_t1.nii", "sub-1/anat/sub-1_T1w.nii"),
            r"more than one layout fits: brats2021 \(1 patients\), bids",
        ),
    ],
)
def test_folders_that_fit_no_layout(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(ManifestError, match=message):
        scan_folder(tmp_path)


def test_wrong_arguments(tmp_path):
    touch(tmp_path, "p1/t1.nii")
    with pytest.raises(SettingError, match="did you mean 'ucsf-pdgm'"):
        scan_folder(tmp_path, layout="ucsfpdgm")
    with pytest.raises(SettingError, match="'plain' finds no visits here"):
        scan_folder(tmp_path, visit="2")
    with pytest.raises(ManifestError, match="no file fits the layout 'bids'"):
        scan_folder(tmp_path, layout="bids")
    with pytest.raises(ManifestError, match="no such folder"):
        scan_folder(tmp_path / "none")
    with pytest.raises(ManifestError, match="is a file, not a folder"):
        scan_folder(tmp_path / "p1" / "t1.nii")


def table(tmp_path, text: str) -> Path:
    (tmp_path / "table.csv").write_text(text)
    return tmp_path / "table.csv"


def test_join_tells_what_has_no_partner(tmp_path):
    touch(tmp_path / "d", "p1/t1.nii", "p2/t1.nii", "p3/t1.nii", "p4/t1.nii")
    cohort = scan_folder(tmp_path / "d").cohort
    text = "id,center,grade\np1,A,2\np2,B,3\np2,B,4\np3,,\np3,,\n,A,2\n"
    joined, notes = join_clinical(cohort, table(tmp_path, text), "id")
    assert joined["p1"].center == "A"
    assert joined["p1"].clinical == {"grade": 2}
    assert joined["p3"].clinical == {"grade": None}
    assert joined["p2"].clinical == {}
    assert sorted(notes[["case_id", "rule"]].values.tolist()) == [
        ["", "no id"],
        ["p2", "doubled row"],
        ["p2", "no clinical row"],
        ["p3", "doubled row"],
        ["p4", "no clinical row"],
    ]
    details = notes.set_index("case_id").loc["p2", "detail"].iloc[0]
    assert details == "lines 3, 4 of the table differ: none is joined, keep one"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient,grade\np1,2\n", "no column 'id' to join by: allowed: grade, patient"),
        ("ids,grade\np1,2\n", "did you mean 'ids'"),
        ("id,t1\np1,2\n", "needs the column name t1 for itself"),
        ("id,grade\nx9,2\n", "no id of column 'id' is a patient's: the table has 'x9', the folder"),
    ],
)
def test_joins_that_cannot_be(tmp_path, text, message):
    touch(tmp_path / "d", "p1/t1.nii")
    cohort = scan_folder(tmp_path / "d").cohort
    with pytest.raises(ManifestError, match=message):
        join_clinical(cohort, table(tmp_path, text), "id")


def test_real_patients(shared_data, tmp_path):
    folder = shared_data("tcga_lgg")
    scan = scan_folder(folder)
    assert scan.layout.name == "plain"
    cohort, notes = join_clinical(scan.cohort, folder / "clinical.csv", "patient_id")
    assert len(cohort) == 42
    assert notes.empty
    assert cohort.sequences == ("t1", "t1ce", "flair")
    _, excluded = cohort.with_sequences(cohort.sequences)
    assert excluded["case_id"].tolist() == ["TCGA-DU-6407", "TCGA-HT-A61B", "TCGA-HT-A616"]
    write_manifest(cohort, tmp_path / "cohort.csv")
    assert read_manifest(tmp_path / "cohort.csv").clinical["grade"].isin([2, 3]).all()
