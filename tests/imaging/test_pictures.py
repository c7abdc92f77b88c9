"""Quality pictures: the right slice, turned the right way, drawn without a screen."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.cohort import Case
from gliofuse.errors import ImageError
from gliofuse.imaging import Volume, case_picture, contact_sheet, to_lps

# Image axes x, y, z along the patient's +z, -x, +y (LPS), a permutation with a flip.
TURNED = np.array([[0, -1, 0], [0, 0, 1], [1, 0, 0]])


def test_to_lps_puts_every_voxel_at_its_place_in_the_patient():
    array = np.random.default_rng(0).normal(size=(3, 4, 5))
    volume = Volume(array, (2.0, 3.0, 4.0), (10, 20, 30), TURNED)
    turned = to_lps(volume)
    assert turned.shape == (5, 3, 4)
    assert turned.spacing_mm == (4.0, 2.0, 3.0)
    corner = np.min([volume.index_to_point(i) for i in np.ndindex(volume.shape)], axis=0)
    for index in np.ndindex(volume.shape):
        x, y, z = (volume.index_to_point(index) - corner) / (3.0, 2.0, 4.0)
        assert turned.array[round(z), round(y), round(x)] == array[index]


def make_case(folder) -> Case:
    generator = np.random.default_rng(0)
    mask = np.zeros((6, 20, 24), np.uint8)
    mask[2, 5:8, 5:8] = 1
    mask[4, 5:15, 5:15] = 2
    image = Volume(generator.integers(1, 99, mask.shape).astype(np.int16), (5, 1, 2))
    image.write(folder / "t1.nii.gz")
    image.with_array(mask).write(folder / "mask.nii.gz")
    (folder / "flair.nii.gz").write_bytes(b"broken")
    images = {"t1": folder / "t1.nii.gz", "flair": folder / "flair.nii.gz"}
    return Case("patient", images, folder / "mask.nii.gz")


def test_the_slice_with_most_tumour_is_shown(tmp_path):
    case = make_case(tmp_path)
    picture = case_picture(case)
    np.testing.assert_array_equal(picture.tiles["t1"], Volume.read(case.images["t1"]).array[4])
    assert picture.outline.sum() == 100
    assert picture.aspect == 0.5
    assert picture.slices == {"t1": 4}
    assert picture.notes == {"t1ce": "no file", "t2": "no file", "flair": "unreadable"}


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_contact_sheet_is_written(tmp_path, suffix):
    picture = case_picture(make_case(tmp_path))
    path = contact_sheet([picture, picture], tmp_path / f"s{suffix}", captions={"patient": "x"})
    assert path.stat().st_size > 5000
    if suffix == ".svg":
        text = path.read_text()
        assert text.count("<!-- R -->") == text.count("<!-- L -->") == 2
        assert text.count("<!-- slice 4 -->") == 2
    with pytest.raises(ImageError, match="at least one patient"):
        contact_sheet([], tmp_path / "none.png")
