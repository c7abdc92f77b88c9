"""Reading, writing and comparing volumes of every awkward geometry."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from gliofuse.cohort import Case
from gliofuse.errors import GeometryError, ImageError, ManifestError
from gliofuse.imaging import Volume, check_same_geometry, load_case, read_mask
from gliofuse.imaging.volume import ORIGIN_TOLERANCE_MM


def rotation(degrees_x: float, degrees_z: float) -> np.ndarray:
    a, b = np.radians([degrees_x, degrees_z])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    return about_z @ about_x


def oblique(dtype=np.int16, seed=0) -> Volume:
    """Non-cubic, anisotropic, oblique, off-origin."""
    array = np.random.default_rng(seed).integers(0, 200, (5, 7, 11)).astype(dtype)
    return Volume(
        array,
        spacing_mm=(5.5, 0.9, 0.7),
        origin_mm=(-113.5, 74.25, -46.875),
        direction=rotation(16, -7),
    )


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_written_and_read_again_is_the_same(tmp_path, suffix, dtype):
    volume = oblique(dtype)
    path = tmp_path / f"image{suffix}"
    volume.write(path)
    again = Volume.read(path)
    assert again.array.dtype == dtype
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.same_geometry(volume)
    np.testing.assert_allclose(again.spacing_mm, (5.5, 0.9, 0.7), rtol=1e-6)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_reads_what_simpleitk_reads(tmp_path, suffix):
    path = tmp_path / f"image{suffix}"
    oblique().write(path)
    image = sitk.ReadImage(str(path))
    volume = Volume.read(path)
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(image))
    assert volume.spacing_mm == image.GetSpacing()[::-1]
    assert volume.origin_mm == image.GetOrigin()
    np.testing.assert_array_equal(volume.direction.ravel(), image.GetDirection())


def test_scale_and_intercept_of_a_nifti_header_are_applied_as_simpleitk_does(tmp_path):
    path = tmp_path / "scaled.nii"
    oblique().write(path)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([0.25, -3.0], "<f4").tobytes()
    path.write_bytes(content)
    volume = Volume.read(path)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    np.testing.assert_allclose(volume.array, expected, rtol=1e-6)
    np.testing.assert_allclose(volume.array, oblique().array * 0.25 - 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("index", "point"),
    # spacing (z, y, x) = (5, 2, 3); x points to LPS +y, y to -x, z to +z; origin (10, 20, 30)
    [((0, 0, 0), (10, 20, 30)), ((0, 0, 2), (10, 26, 30)), ((1, 3, 0), (4, 20, 35))],
)
def test_index_to_point(index, point):
    turned = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    volume = Volume(np.zeros((4, 5, 6)), (5, 2, 3), (10, 20, 30), turned)
    np.testing.assert_allclose(volume.index_to_point(index), point, atol=1e-12)
    itk = volume.to_sitk().TransformIndexToPhysicalPoint(index[::-1])
    np.testing.assert_allclose(itk, point, atol=1e-12)


def test_crop_keeps_voxels_where_they_were():
    volume = oblique()
    part = volume.crop((slice(1, 4), slice(2, 6), slice(3, 11)))
    np.testing.assert_allclose(part.index_to_point((1, 1, 1)), volume.index_to_point((2, 3, 4)))
    assert part.array[1, 1, 1] == volume.array[2, 3, 4]


def test_one_frame_is_taken_and_two_are_refused(tmp_path):
    image = oblique().to_sitk()
    one, two = str(tmp_path / "one.nii.gz"), str(tmp_path / "two.nii.gz")
    sitk.WriteImage(sitk.JoinSeries([image]), one)
    sitk.WriteImage(sitk.JoinSeries([image, image]), two)
    np.testing.assert_array_equal(Volume.read(one).array, oblique().array)
    with pytest.raises(ImageError, match=r"two\.nii\.gz: .*one frame, got 2 .*save the frame"):
        Volume.read(two)


def test_one_frame_nrrd_of_four_dimensions(tmp_path):
    path = tmp_path / "one.nrrd"
    sitk.WriteImage(sitk.JoinSeries([oblique().to_sitk()]), str(path))
    volume = Volume.read(path)
    np.testing.assert_array_equal(volume.array, oblique().array)
    assert volume.same_geometry(oblique())


def test_colour_and_flat_images_are_refused(tmp_path):
    image = oblique(np.uint8).to_sitk()
    colour, flat = str(tmp_path / "colour.nrrd"), str(tmp_path / "flat.nrrd")
    sitk.WriteImage(sitk.Compose(image, image, image), colour)
    sitk.WriteImage(image[:, :, 0], flat)
    with pytest.raises(ImageError, match="one channel, got 3"):
        Volume.read(colour)
    with pytest.raises(ImageError, match="three dimensions, got size 11 x 7"):
        Volume.read(flat)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_cut_short_is_an_error_not_zeros(tmp_path, suffix, share):
    path = tmp_path / f"cut{suffix}"
    Volume(np.random.default_rng(0).integers(0, 9999, (20, 30, 40)).astype(np.int16)).write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=rf"cut\{suffix}: .*(again)"):
        Volume.read(path)


def test_a_flipped_byte_in_a_compressed_file_is_an_error(tmp_path):
    path = tmp_path / "damaged.nii.gz"
    Volume(np.random.default_rng(0).integers(0, 9999, (20, 30, 40)).astype(np.int16)).write(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ImageError, match="damaged"):
        Volume.read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.nii.gz", b"", "empty"),
        ("text.nii.gz", b"hello", "not a readable image"),
        ("zeros.nii.gz", gzip.compress(bytes(400), mtime=0), "not a readable image"),
        ("image.jpg", b"x", "must end in one of .nii.gz"),
        ("series.dcm", b"x", "gliofuse dicom"),
    ],
)
def test_files_that_are_no_images(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=message):
        Volume.read(tmp_path / name)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        Volume.read(tmp_path / "none.nii.gz")
    with pytest.raises(ImageError, match=r"DICOM series, convert it first.*gliofuse dicom"):
        Volume.read(tmp_path)


def test_a_sheared_affine_is_refused(tmp_path):
    path = tmp_path / "sheared.nii"
    oblique().write(path)
    content = bytearray(path.read_bytes())
    content[252:256] = np.array([0, 1], "<i2").tobytes()  # qform_code 0, sform_code 1
    rows = np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "<f4")
    content[280:328] = rows.tobytes()
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"sheared\.nii.*not orthonormal"):
        Volume.read(path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"array": np.zeros((5, 7, 10))}, r"shape \(z, y, x\): \(5, 7, 11\) against \(5, 7, 10\)"),
        ({"spacing_mm": (5.5, 0.9, 0.71)}, r"spacing .* 0\.7\) against \(5\.5, 0\.9, 0\.71\)"),
        ({"origin_mm": (-113.5, 74.25, -46.8)}, r"origin .* -46\.875\) against .* -46\.8\)"),
        ({"direction": rotation(16, -8)}, "direction"),
    ],
)
def test_geometry_that_differs_is_named_with_both_values(change, what):
    a = oblique()
    fields = {"array": a.array, "spacing_mm": a.spacing_mm, "origin_mm": a.origin_mm}
    b = Volume(**{**fields, "direction": a.direction, **change})
    assert not a.same_geometry(b)
    with pytest.raises(GeometryError, match=f"one.nii and two.nii .*{what}.*resample"):
        check_same_geometry(a, b, "one.nii", "two.nii")


def test_rounding_of_headers_is_tolerated():
    a = oblique()
    origin = (a.origin_mm[0] + 0.5 * ORIGIN_TOLERANCE_MM, *a.origin_mm[1:])
    check_same_geometry(a, Volume(a.array, a.spacing_mm, origin, a.direction), "a", "b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"array": np.zeros((3, 3))}, "array"),
        ({"array": np.zeros((3, 3, 3)), "spacing_mm": (1, 0, 1)}, "positive"),
        ({"array": np.zeros((3, 3, 3)), "spacing_mm": (1, 1)}, "three finite"),
        ({"array": np.zeros((3, 3, 3)), "origin_mm": (1, np.nan, 1)}, "three finite"),
        ({"array": np.zeros((3, 3, 3)), "direction": np.ones((3, 3))}, "orthonormal"),
    ],
)
def test_no_half_valid_volume(arguments, message):
    with pytest.raises(ImageError, match=message):
        Volume(**arguments)


def make_case(folder, **files: Volume) -> Case:
    for name, volume in files.items():
        volume.write(folder / f"{name}.nii.gz")
    images = {name: folder / f"{name}.nii.gz" for name in files if name != "mask"}
    return Case("p1", images, folder / "mask.nii.gz" if "mask" in files else None)


def test_load_case_in_the_order_asked_for(tmp_path):
    mask = oblique().with_array((oblique().array > 150).astype(np.uint8))
    case = make_case(tmp_path, t1=oblique(seed=1), flair=oblique(seed=2), mask=mask)
    images = load_case(case, ("flair", "t1"))
    assert list(images.volumes) == ["flair", "t1"]
    assert images.stack().shape == (2, 5, 7, 11)
    np.testing.assert_array_equal(images.mask.array, mask.array)


def test_load_case_says_what_is_wrong(tmp_path):
    base = oblique(np.float32)
    broken = base.with_array(np.where(base.array > 190, np.nan, base.array))
    other = Volume(base.array, base.spacing_mm)
    mask = base.with_array((base.array > 150).astype(np.uint8))
    case = make_case(tmp_path, t1=broken, t2=other, mask=mask)
    with pytest.raises(ManifestError, match="patient p1: no flair"):
        load_case(case, ("flair", "t1"))
    with pytest.raises(ImageError, match=r"t1\.nii\.gz: every voxel .* got \d+ of 385"):
        load_case(case, ("t1",))
    with pytest.raises(GeometryError, match=r"t2\.nii\.gz and .*mask\.nii\.gz"):
        load_case(case, ("t2",))


def test_masks_of_whole_numbers_only(tmp_path):
    array = (oblique().array > 150).astype(np.float32)
    oblique(np.float32).with_array(array).write(tmp_path / "float.nii.gz")
    assert read_mask(tmp_path / "float.nii.gz").array.dtype == np.uint8
    oblique(np.float32).with_array(array * 0.5).write(tmp_path / "half.nii.gz")
    with pytest.raises(ImageError, match=r"whole numbers from 0 up, got 0\.5"):
        read_mask(tmp_path / "half.nii.gz")


def test_real_patient_as_it_left_the_scanner(shared_data):
    folder = shared_data("raw_tcga") / "TCGA-FG-6692"
    t1, t2 = Volume.read(folder / "t1.nii.gz"), Volume.read(folder / "t2.nii.gz")
    assert t1.shape == (26, 224, 256)
    assert t1.same_geometry(Volume.read(folder / "t1ce.nii.gz"))
    assert not t1.same_geometry(t2)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "t2.nii.gz")))
    np.testing.assert_array_equal(t2.array, expected)
