"""DICOM files that other software writes, and what other software reads in those made here."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from gliofuse.imaging import Volume

pytest.importorskip("pydicom")
pytest.importorskip("dcm2niix")

from .made_dicom import T2, head, uid, write_enhanced, write_series
from .test_round_trip import assert_same_image, convert, scan, table_of


def write_with_simpleitk(folder, volume, tags, number):
    """A series as GDCM writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    image = volume.to_sitk()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    directions = volume.direction.T.ravel()[:6]
    common = {
        "0008|0060": "MR", "0010|0020": "A1", "0008|0008": "ORIGINAL\\PRIMARY\\M",
        "0020|000d": uid("s"), "0020|000e": uid("s", number), "0020|0011": str(number),
        "0020|0037": "\\".join(f"{value:.8f}" for value in directions),
        "0018|0050": f"{volume.spacing_mm[0]:.6g}", "0018|0023": "2D", **tags,
    }  # fmt: skip
    for index in range(volume.shape[0]):
        piece = image[:, :, index]
        point = "\\".join(f"{value:.6f}" for value in volume.index_to_point((index, 0, 0)))
        own = {"0008|0018": uid("s", number, index), "0020|0013": str(index + 1)}
        for key, value in {**common, **own, "0020|0032": point}.items():
            piece.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{index:03}.dcm"))
        writer.Execute(piece)


TAGS = {
    "0008|103e": "T2 FLAIR", "0018|0020": "SE\\IR", "0018|0080": "9000", "0018|0081": "120",
    "0018|0082": "2400",
}  # fmt: skip


def test_a_series_of_simpleitk(capsys, tmp_path):
    truth = head(4, degrees=17.0)
    write_with_simpleitk(tmp_path / "dicom", truth, TAGS, 3)
    scan(capsys, tmp_path)
    assert table_of(tmp_path)["sequence"].tolist() == ["flair"]
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    assert_same_image(Volume.read(next((tmp_path / "nifti").rglob("flair.nii.gz"))), truth)


def test_simpleitk_reads_what_is_written_here(tmp_path):
    truth = head(5, degrees=31.0)
    write_series(tmp_path, truth, T2)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path))
    assert_same_image(Volume.from_sitk(sitk.ReadImage(names)), truth)


def test_highdicom_reads_the_enhanced_file(tmp_path):
    highdicom = pytest.importorskip("highdicom")
    truth = head(6, degrees=31.0)
    found = highdicom.imread(write_enhanced(tmp_path, truth, T2)).get_volume()
    index = np.array([[0, 0, 0], [8, 0, 0], [0, 13, 11], [8, 13, 11]])
    points = {tuple(np.round(point, 3)) for point in truth.index_to_point(index)}
    last = np.array(found.array.shape) - 1
    corners = found.map_indices_to_reference(index * [1, 1, 1] % (last + 1))
    assert {tuple(np.round(point, 3)) for point in corners} == points


def test_a_real_patient_comes_back(capsys, tmp_path, shared_data):
    truth = Volume.read(shared_data("raw_tcga") / "TCGA-FG-6692" / "flair.nii.gz")
    array = np.round(truth.array).astype(np.int16)
    truth = Volume(array, truth.spacing_mm, truth.origin_mm, truth.direction)
    write_with_simpleitk(tmp_path / "dicom", truth, TAGS, 1)
    scan(capsys, tmp_path)
    assert table_of(tmp_path)["sequence"].tolist() == ["flair"]
    code, _, err = convert(capsys, tmp_path)
    assert code == 0, err
    assert_same_image(Volume.read(next((tmp_path / "nifti").rglob("*.nii.gz"))), truth)
