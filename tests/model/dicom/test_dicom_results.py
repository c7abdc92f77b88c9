"""Masks and predictions as DICOM lie where the source's slices lie, and follow the standard."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pydicom
import pytest
from tests.imaging.dicom.made_dicom import (
    T1,
    T1CE,
    head,
    rotation,
    uid,
    write_enhanced,
    write_series,
)

from gliofuse.errors import GeometryError, ImageError, RegionError, SettingError
from gliofuse.imaging import CONVENTIONS, LabelConvention, Volume
from gliofuse.model import load_model
from gliofuse.model.dicom import (
    ModelIdentity,
    PredictedValue,
    Prediction,
    make_report,
    make_segmentation,
    mask_on_series,
    read_source,
    volumes_mm3,
    write_dicom_results,
)

BRATS = CONVENTIONS["brats"]
MODEL = ModelIdentity("rdl", "1.2", "ab" * 32)
PREDICTION = Prediction(
    "grade >= 3",
    (PredictedValue("P-POSITIVE", "probability of grade >= 3", 0.7134),),
    (("Flag", "t1 and t1ce may be swapped"),),
)


def mask_like(volume):
    """A mask without any symmetry: one label in a corner of each axis."""
    array = np.zeros(volume.shape, np.uint8)
    array[1:5, 2:9, 2:7] = 2
    array[2:4, 3:6, 3:6] = 1
    array[3, 7, 3:5] = 4
    return Volume(array, volume.spacing_mm, volume.origin_mm, volume.direction)


def t1ce_series(folder, volume, **options):
    write_series(folder, volume, T1CE, number=4, **options)
    return read_source(folder, series_uid=uid("MRN-7788123", "study", 4))


def points_of(segmentation, name):
    """Where the voxels of a segment lie, mm LPS, by the file's own frames and nothing else."""
    number = next(
        one.SegmentNumber for one in segmentation.SegmentSequence if one.SegmentLabel == name
    )
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    axes = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    along_row, along_column = axes.reshape(2, 3)
    found = []
    for frame, group in zip(
        segmentation.pixel_array, segmentation.PerFrameFunctionalGroupsSequence, strict=True
    ):
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
            continue
        corner = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        for row, column in np.argwhere(frame):
            found.append(corner + along_row * column * spacing[1] + along_column * row * spacing[0])
    return np.array(found)


def sorted_points(points):
    rounded = np.round(points, 2) + 0.0
    return rounded[np.lexsort(rounded.T)]


@pytest.mark.parametrize("degrees", [0.0, 25.0, 140.0])
@pytest.mark.parametrize("backwards", [False, True])
def test_no_voxel_moves_however_the_slices_lie(tmp_path, degrees, backwards):
    volume = head(degrees=degrees, spacing=(5.0, 1.5, 1.25))
    if backwards:  # the scanner counted the slices from the other end
        flipped = volume.index_to_point((volume.shape[0] - 1, 0, 0))
        turned = volume.direction * np.array([1.0, 1.0, -1.0])
        volume = Volume(volume.array[::-1], volume.spacing_mm, tuple(flipped), turned)
    mask = mask_like(volume)
    source = t1ce_series(tmp_path / "in", volume)
    moved = mask_on_series(mask, source)
    made = make_segmentation(moved, source, BRATS, MODEL, automatic=True)
    made.save_as(tmp_path / "seg.dcm")
    written = pydicom.dcmread(tmp_path / "seg.dcm")
    for name, label in BRATS.labels.items():
        expected = mask.index_to_point(np.argwhere(mask.array == label))
        np.testing.assert_allclose(
            sorted_points(points_of(written, name)), sorted_points(expected), atol=0.02
        )


def test_a_mask_in_another_grid_lands_within_a_voxel(tmp_path):
    volume = head(shape=(20, 30, 28), spacing=(3.0, 2.0, 2.0), degrees=15)
    source = t1ce_series(tmp_path, volume)
    centre = volume.index_to_point((8, 12, 16))
    fine = np.zeros((60, 60, 60), np.uint8)
    fine[15:45, 20:40, 10:50] = 1
    turned = rotation(35, axis=(0.2, 1.0, 0.5))
    origin = centre - turned @ np.full(3, 29.5) * 1.0
    mask = Volume(fine, (1.0, 1.0, 1.0), tuple(origin), turned)
    moved = mask_on_series(mask, source)
    before = mask.index_to_point(np.argwhere(mask.array)).mean(axis=0)
    after = moved.index_to_point(np.argwhere(moved.array)).mean(axis=0)
    np.testing.assert_allclose(after, before, atol=0.5)
    assert moved.array.sum() * moved.voxel_volume_mm3 == pytest.approx(24000, rel=0.05)


def test_an_enhanced_image_is_a_source_too(tmp_path):
    volume = head(degrees=20, spacing=(5.0, 1.5, 1.25))
    path = write_enhanced(tmp_path, volume, T1CE, number=7)
    source = read_source(tmp_path, series_uid=str(pydicom.dcmread(path).SeriesInstanceUID))
    mask = mask_like(volume)
    np.testing.assert_array_equal(mask_on_series(mask, source).array, mask.array)


def test_objects_carry_the_patient_the_model_and_what_they_are_for(tmp_path):
    volume = head(spacing=(5.0, 1.5, 1.25))
    source = t1ce_series(tmp_path, volume)
    mask = mask_like(volume)
    made = make_segmentation(mask_on_series(mask, source), source, BRATS, MODEL, automatic=False)
    report = make_report(source, made, volumes_mm3(mask, BRATS), PREDICTION, MODEL)
    for one in (made, report):
        assert str(one.PatientName) == "Sauerbruch^Ferdinand"
        assert one.PatientID == "MRN-7788123"
        assert one.StudyInstanceUID == source.images[0].StudyInstanceUID
        assert "research only" in one.SeriesDescription
    assert made.FrameOfReferenceUID == source.images[0].FrameOfReferenceUID
    assert {one.SegmentAlgorithmType for one in made.SegmentSequence} == {"SEMIAUTOMATIC"}
    report.save_as(tmp_path / "sr.dcm")
    text = pydicom.dcmread(tmp_path / "sr.dcm").to_json()
    for said in ("For research only, not for clinical use", "checksum: abab", "rdl", "0.7134"):
        assert said in text
    assert report.CompletionFlag == "PARTIAL"
    assert report.VerificationFlag == "UNVERIFIED"
    assert made.SOPInstanceUID in text
    groups = report.ContentSequence[-1].ContentSequence
    numbers = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for group in groups
        for item in group.ContentSequence
        if item.ValueType == "NUM"
    ]
    expected = [*(volumes_mm3(mask, BRATS).values()), 0.7134]
    assert numbers == pytest.approx(expected)


def test_the_checker_of_the_standard_finds_no_error(tmp_path):
    if shutil.which("dciodvfy") is None:
        pytest.skip("needs dciodvfy, which is not installed")
    volume = head(degrees=30, spacing=(5.0, 1.5, 1.25))
    source = t1ce_series(tmp_path / "in", volume)
    mask = mask_like(volume)
    made = make_segmentation(mask_on_series(mask, source), source, BRATS, MODEL, automatic=True)
    volumes = volumes_mm3(mask, BRATS)
    objects = {
        "seg": made,
        "sr": make_report(source, made, volumes, PREDICTION, MODEL),
        "sr-without-mask": make_report(source, None, {}, PREDICTION, MODEL),
    }
    for name, one in objects.items():
        one.save_as(tmp_path / f"{name}.dcm")
        done = subprocess.run(
            ["dciodvfy", "-new", str(tmp_path / f"{name}.dcm")], capture_output=True, text=True
        )
        assert "Error" not in done.stdout + done.stderr, done.stderr
        assert ("Segmentation" if name == "seg" else "ComprehensiveSR") in done.stderr


def test_the_scan_finds_the_series_with_contrast(tmp_path):
    volume = head(shape=(24, 14, 12), spacing=(5.0, 15.0, 16.0))
    write_series(tmp_path, volume, T1, number=3)
    write_series(tmp_path, volume, T1CE, number=4, minute=9)
    assert read_source(tmp_path).series_uid == uid("MRN-7788123", "study", 4)
    with pytest.raises(ImageError, match="no series taken as flair; name the source"):
        read_source(tmp_path, sequence="flair")


def test_wrong_masks_and_sources_are_refused(tmp_path):
    volume = head(spacing=(5.0, 1.5, 1.25))
    source = t1ce_series(tmp_path / "whole", volume)
    mask = mask_like(volume)
    away = Volume(mask.array, mask.spacing_mm, (500.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="100% of the mask lies outside"):
        mask_on_series(away, source)
    with pytest.raises(RegionError, match="no labelled voxel"):
        mask_on_series(mask.with_array(0 * mask.array), source)
    with pytest.raises(RegionError, match="holds label 2, 4, which the convention 'binary'"):
        make_segmentation(mask, source, CONVENTIONS["binary"], MODEL, automatic=True)
    with pytest.raises(ImageError, match=r"no image of series '1\.2\.3'"):
        read_source(tmp_path / "whole", series_uid="1.2.3")
    write_series(tmp_path / "holes", volume, T1CE, number=4, leave_out=(4,))
    with pytest.raises(ImageError, match="1 slices missing"):
        read_source(tmp_path / "holes", series_uid=source.series_uid)
    with pytest.raises(SettingError, match="unit must be one of"):
        PredictedValue("T", "median survival", 3.0, "weeks")


def test_volumes_are_of_the_mask_as_it_was_given():
    mask = Volume(np.array([[[0, 1, 1, 4]]], np.uint8), (2.0, 1.0, 0.5))
    found = volumes_mm3(mask, LabelConvention("brats", {"necrosis": 1, "edema": 2, "enhancing": 4}))
    assert found == {"necrosis": 2.0, "edema": 0.0, "enhancing": 1.0}


def test_a_models_prediction_is_written_for_the_archive(table_model, tables, tmp_path):
    loaded = load_model(table_model)
    features = pd.read_csv(tables / "features.csv", index_col="case_id").iloc[:1]
    (one,) = loaded.predict_table(features)[0].values()
    volume = head(spacing=(5.0, 1.5, 1.25))
    series = str(t1ce_series(tmp_path / "in", volume).images[0].SeriesInstanceUID)
    mask_like(volume).write(tmp_path / "mask.nii.gz")
    about = loaded.description.model_copy(update={"convention": "brats"})
    written = write_dicom_results(
        one,
        about,
        tmp_path / "in",
        tmp_path / "out",
        mask=tmp_path / "mask.nii.gz",
        series_uid=series,
    )
    assert [path.name for path in written] == ["segmentation.dcm", "report.dcm"]
    told = str(pydicom.dcmread(written[1]))
    assert f"{one.probability:.6g}"[:6] in told
    assert loaded.sha256[:16].encode() in written[1].read_bytes()
    assert one.warnings[0][:30] in told
    segments = pydicom.dcmread(written[0]).SegmentSequence
    assert {int(segment.SegmentNumber) for segment in segments} == {1, 2, 3}
