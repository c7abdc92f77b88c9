"""Preprocessing against PyRadiomics' published baseline and by worked examples."""

from __future__ import annotations

import ast

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import GeometryError, ImageError, RegionError, SettingError
from gliofuse.imaging.volume import Volume
from gliofuse.radiomics.parameters import Setting
from gliofuse.radiomics.preprocess import (
    check_region,
    normalize_image,
    preprocess,
    resegment,
)
from gliofuse.radiomics.resampling import correct_mask, resample

DIRECTION = np.array([[0.0, -1.0, 0.0], [0.8, 0.0, -0.6], [0.6, 0.0, 0.8]])


@pytest.fixture
def patient():
    """An anisotropic, oblique, off-origin volume with a block of label 2."""
    rng = np.random.default_rng(4)
    image = Volume(
        rng.integers(0, 400, (14, 30, 26)).astype(np.int16),
        spacing_mm=(3.0, 0.8, 1.2),
        origin_mm=(-40.0, 12.5, 7.0),
        direction=DIRECTION,
    )
    labels = np.zeros(image.shape, np.uint8)
    labels[4:9, 10:20, 3:11] = 2
    labels[12, 28, 24] = 1
    return image, image.with_array(labels)


COLUMNS = [
    *(f"firstorder {case}" for case in ("normalization", "resampling", "resegmentation")),
    *(
        f"{family} {case}"
        for family in ("glcm", "glrlm", "glszm", "gldm", "ngtdm")
        for case in ("2d", "flatRegion", "normalization", "resampling", "resegmentation")
    ),
    "glcm combined",
    "glrlm combined",
]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_baseline_column_that_preprocesses(shared_data, column):
    """baseline_*.csv of PyRadiomics' own tests; the settings stand in their first rows."""
    from gliofuse.radiomics.groups import image_values
    from gliofuse.radiomics.region import Region

    folder = shared_data("pyradiomics_reference")
    family, case = column.split()
    table = pd.read_csv(folder / f"baseline_{family}.csv", index_col=0)[f"brain1_{case}"]
    stored = ast.literal_eval(table["diagnostics_Configuration_Settings"])
    setting = Setting(**{key: value for key, value in stored.items() if value is not None})
    prepared = preprocess(
        Volume.read(folder / "brain1_image.nrrd"),
        Volume.read(folder / "brain1_label.nrrd"),
        setting,
    )
    prefix = f"original_{family}_"
    expected = {
        key.removeprefix(prefix): float(value)
        for key, value in table.items()
        if key.startswith(prefix)
    }
    region = Region(prepared.texture_mask[prepared.box], prepared.image.spacing_mm)
    crop = prepared.image.array[prepared.box]
    found = image_values(crop, region, setting, {family: list(expected)})[family]
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-7), name


def test_without_settings_nothing_changes(patient):
    image, labels = patient
    prepared = preprocess(image, labels, Setting(), label=2)
    assert prepared.steps == ()
    assert prepared.image is image
    np.testing.assert_array_equal(prepared.mask, labels.array == 2)
    assert prepared.box == (slice(4, 9), slice(10, 20), slice(3, 11))


def test_normalising_clips_before_it_scales(patient):
    image, _ = patient
    values = image.array.astype(float)
    scores = (values - values.mean()) / values.std(ddof=1)
    np.testing.assert_allclose(normalize_image(image, scale=10).array, scores * 10, rtol=1e-12)
    clipped = normalize_image(image, scale=100, remove_outliers=1.0).array
    np.testing.assert_allclose(clipped, np.clip(scores, -1, 1) * 100, rtol=1e-12)
    with pytest.raises(ImageError, match="all are 7"):
        normalize_image(Volume(np.full((3, 3, 3), 7)))


def test_resegmentation_modes():
    image = np.array([[[2.0, 4.0, 6.0, 8.0, 100.0]]])
    region = np.array([[[True, True, True, True, False]]])
    assert resegment(image, region, [7, 3])[0, 0].tolist() == [False, True, True, False, False]
    assert resegment(image, region, [0.5], mode="relative").sum() == 3
    sigma = resegment(image, region, [-1, 1], mode="sigma")
    assert sigma[0, 0].tolist() == [False, True, True, False, False]
    with pytest.raises(RegionError, match="leaves 0 of 4 voxels"):
        resegment(image, region, [50])
    with pytest.raises(SettingError, match="did you mean 'sigma'"):
        resegment(image, region, [1], mode="sigmas")
    with pytest.raises(SettingError, match="one or two limits"):
        resegment(image, region, [])


def test_resegmenting_leaves_the_shape_unless_asked(patient):
    image, labels = patient
    setting = Setting(resegmentRange=(100.0, 300.0))
    prepared = preprocess(image, labels, setting, label=2)
    assert prepared.texture_mask.sum() < prepared.mask.sum() == 400
    both = preprocess(image, labels, setting.model_copy(update={"resegmentShape": True}), label=2)
    np.testing.assert_array_equal(both.mask, both.texture_mask)


def test_pre_crop_keeps_the_place(patient):
    image, labels = patient
    prepared = preprocess(image, labels, Setting(preCrop=True, padDistance=2), label=2)
    assert prepared.image.shape == (9, 14, 12)
    assert prepared.box == (slice(2, 7), slice(2, 12), slice(2, 10))
    np.testing.assert_allclose(
        prepared.image.index_to_point((2, 2, 2)), image.index_to_point((4, 10, 3))
    )


def test_resampling_aligns_corners_and_keeps_the_voxel_type(patient):
    image, labels = patient
    mask = labels.with_array((labels.array == 2).astype(np.uint8))
    new_image, new_mask = resample(image, mask, spacing_xyz_mm=(1.2, 1.6, 1.5), pad_voxels=100)
    assert new_image.shape == new_mask.shape == (28, 15, 26)
    assert new_image.spacing_mm == (1.5, 1.6, 1.2)
    assert new_image.array.dtype == np.int16
    np.testing.assert_allclose(
        new_image.index_to_point((-0.5, -0.5, -0.5)), image.index_to_point((-0.5, -0.5, -0.5))
    )
    assert new_mask.array.sum() == 400
    kept, _ = resample(image, mask, spacing_xyz_mm=(0, 1.6, 0), pad_voxels=3)
    assert kept.spacing_mm == (3.0, 1.6, 1.2)


def test_resampling_to_the_same_spacing_only_crops(patient):
    image, labels = patient
    mask = labels.with_array((labels.array == 2).astype(np.uint8))
    new_image, new_mask = resample(image, mask, spacing_xyz_mm=(1.2, 0.8, 3.0), pad_voxels=1)
    np.testing.assert_array_equal(new_image.array, image.array[3:10, 9:21, 2:12])
    assert new_mask.array.sum() == 400


def test_an_axis_with_one_slice_is_not_resampled(patient):
    image, _ = patient
    flat = np.zeros(image.shape, np.uint8)
    flat[5, 10:20, 3:11] = 1
    new_image, _ = resample(image, image.with_array(flat), spacing_xyz_mm=(1, 1, 1), pad_voxels=0)
    assert new_image.spacing_mm == (3.0, 1.0, 1.0)


def test_a_mask_of_another_grid(patient):
    image, labels = patient
    cropped = labels.crop((slice(2, 12), slice(5, 25), slice(0, 20)))
    with pytest.raises(GeometryError, match="shape"):
        preprocess(image, cropped, Setting(), label=2)
    mended = preprocess(image, cropped, Setting(correctMask=True), label=2)
    assert mended.steps == ("corrected",)
    np.testing.assert_array_equal(mended.mask, labels.array == 2)
    with pytest.raises(RegionError, match="reaches outside the image"):
        correct_mask(image.crop((slice(0, 6), slice(0, 30), slice(0, 26))), labels)


def test_geometry_tolerance(patient):
    image, labels = patient
    moved = Volume(
        labels.array, labels.spacing_mm, (-40.0, 12.505, 7.0), direction=labels.direction
    )
    assert preprocess(image, moved, Setting(), label=2).steps == ()
    with pytest.raises(GeometryError, match="geometryTolerance"):
        preprocess(image, moved, Setting(geometryTolerance=1e-6), label=2)


@pytest.mark.parametrize(
    ("changes", "label", "error", "message"),
    [
        ({}, 3, RegionError, r"label 3 is not in the mask; it holds \[1, 2\]"),
        ({}, 1, RegionError, "a single voxel"),
        ({"minimumROISize": 400}, 2, RegionError, "it needs more than 400"),
        ({"resegmentRange": (1000,)}, 2, RegionError, "leaves 0 of 400"),
        (
            {"resampledPixelSpacing": (1, 1, 1), "interpolator": "sitkBspline"},
            *(2, SettingError, "did you mean 'sitkBSpline'"),
        ),
    ],
)
def test_what_cannot_be_prepared_is_named(patient, changes, label, error, message):
    with pytest.raises(error, match=message):
        preprocess(*patient, Setting(**changes), label=label)


def test_minimum_dimensions():
    plane = np.zeros((5, 6, 7), bool)
    plane[2, 1:4, 2:5] = True
    assert check_region(plane) == (slice(2, 3), slice(1, 4), slice(2, 5))
    with pytest.raises(RegionError, match="over 2 dimensions, the least is 3"):
        check_region(plane, minimum_dimensions=3)
    with pytest.raises(RegionError, match="no voxel"):
        check_region(np.zeros((2, 2, 2), bool))
