"""What radiomics and networks ask of imaging: a cohort's convention, boxes, and maps in units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gliofuse.cohort import Case, Cohort
from gliofuse.errors import RegionError
from gliofuse.imaging import (
    Volume,
    bounding_box,
    cohort_convention,
    extent,
    labels_present,
    pad_box,
)
from gliofuse.radiomics import RadiomicsSettings, extract_cohort

SPACING = (4.0, 1.5, 0.8)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes one mask for each set of labels and gives the paths."""

    def masks(*label_sets, dtype=np.uint8):
        paths = []
        for number, labels in enumerate(label_sets):
            array = np.zeros((4, 5, 6), dtype)
            array.ravel()[10 : 10 + len(labels)] = labels
            paths.append(tmp_path / f"{number}-{np.dtype(dtype).name}.nii.gz")
            Volume(array, SPACING).write(paths[-1])
        return paths

    return masks


@pytest.mark.parametrize(
    ("label_sets", "expected"),
    [
        (((1, 2), (1, 2, 4)), "brats"),
        (((1, 2), (2, 3)), "brats2023"),  # the first alone would be taken for brats
        (((1,), (1,)), "binary"),
        (((1,), (1, 2)), "brats"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_all_masks_tell_the_convention_together(write, label_sets, expected, dtype):
    paths = write(*label_sets, dtype=dtype)
    assert cohort_convention([None, *paths]) == expected
    assert cohort_convention(iter(paths[::-1]), workers=2) == expected
    assert cohort_convention(paths, named="binary") == "binary"  # a name is taken at its word


def test_a_mask_that_cannot_be_read_is_left_to_its_patient(write, tmp_path):
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    fractions = write((0.5, 3.0), dtype=np.float32)
    paths = [*write((1, 2, 4)), *fractions, tmp_path / "broken.nii.gz", tmp_path / "none.nii.gz"]
    assert cohort_convention(paths) == "brats"


def test_conventions_that_cannot_be_told(write):
    with pytest.raises(RegionError, match=r"did you mean 'brats2023'.*auto"):
        cohort_convention([], named="brats23")
    for masks in ([], [None, None]):
        with pytest.raises(RegionError, match=r"no patient has a mask to tell.*or name one of"):
            cohort_convention(masks)
    with pytest.raises(RegionError, match="both labels 3 and 4"):
        cohort_convention(write((1, 3), (1, 4)))
    with pytest.raises(RegionError, match="no mask has a labelled voxel"):
        cohort_convention(write(()))


@given(hnp.arrays(st.sampled_from([np.uint8, np.int16, np.int32]), (2, 3, 4),
                  elements=st.integers(0, 100)))  # fmt: skip
def test_labels_present_is_what_a_set_says(array):
    assert labels_present(Volume(array)) == set(array.ravel().tolist()) - {0}


@given(
    st.integers(1, 4).flatmap(
        lambda ndim: hnp.arrays(
            st.sampled_from([bool, np.uint8, np.float32]),
            hnp.array_shapes(min_dims=ndim, max_dims=ndim, max_side=5),
            elements=st.sampled_from([0, 0, 0, 1]),
        )
    )
)
def test_extent_is_what_every_voxels_place_says(mask):
    places = np.argwhere(mask)
    if not len(places):
        with pytest.raises(RegionError, match="no voxel"):
            extent(mask)
        return
    low, high = extent(mask)
    assert low == tuple(places.min(axis=0))
    assert high == tuple(places.max(axis=0) + 1)
    turned = extent(np.swapaxes(mask, 0, -1))  # a view that is not contiguous
    assert turned == (extent(np.swapaxes(mask, 0, -1).copy()))
    if mask.ndim == 3:
        box = bounding_box(mask)
        assert box == tuple(slice(a, b) for a, b in zip(low, high))
        assert bounding_box(mask, pad=2) == pad_box(box, mask.shape, 2)


def test_boxes_of_nothing():
    for empty in (np.zeros((2, 3, 4)), np.zeros((0, 3, 4))):
        with pytest.raises(RegionError, match="the mask has no voxel"):
            extent(empty)
    with pytest.raises(RegionError, match=r"needs a mask \(z, y, x\), got shape \(3, 4\)"):
        bounding_box(np.ones((3, 4)))


@pytest.fixture
def with_adc(tmp_path):
    """Three patients with t1 and ADC; the third's ADC was saved in mm2/s."""
    rng = np.random.default_rng(0)
    cases = []
    for number, unit in enumerate((1.0, 1.0, 1e-6)):
        shape = (8, 16, 16)
        head = np.zeros(shape)
        head[1:7, 2:14, 2:14] = 1
        mask = np.zeros(shape, np.uint8)
        mask[2:6, 4:10, 5:11] = 1
        adc = head * rng.normal(800, 120, shape).clip(50) + 400.0 * mask
        folder = tmp_path / f"p{number}"
        Volume((head * rng.normal(100, 20, shape).clip(1)).astype("f4"), SPACING).write(
            folder / "t1.nii.gz"
        )
        Volume((adc * unit).astype("f4"), SPACING).write(folder / "adc.nii.gz")
        Volume(mask, SPACING).write(folder / "mask.nii.gz")
        files = {name: folder / f"{name}.nii.gz" for name in ("t1", "adc")}
        cases.append(Case(f"p{number}", files, folder / "mask.nii.gz"))
    return Cohort(tuple(cases))


def test_radiomics_of_a_map_keep_its_unit(with_adc):
    settings = RadiomicsSettings.from_params(
        {"setting": {"binCount": 8}, "featureClass": {"firstorder": ["Mean"]}}
    )
    table, failures = extract_cohort(
        with_adc, settings=settings, convention="binary", normalisation="zscore"
    )
    mean = "whole.original_firstorder_Mean"
    assert list(table) == [f"t1.{mean}", f"adc.{mean}"]
    assert list(table.index) == ["p0", "p1"]
    for case in with_adc.cases[:2]:
        inside = Volume.read(case.mask).array > 0
        expected = Volume.read(case.images["adc"]).array[inside].astype(float).mean() / 3000
        assert table.loc[case.case_id, f"adc.{mean}"] == pytest.approx(expected, rel=1e-6)
    assert failures["case_id"].tolist() == ["p2"]
    assert "p2/adc.nii.gz: ADC must be in 1e-6 mm2/s" in failures["error"][0]
