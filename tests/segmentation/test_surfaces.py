"""Figures of agreement against MONAI's, and against pencil and paper."""

import numpy as np
import pandas as pd
import pytest
import torch

from gliofuse.cohort import Case, Cohort
from gliofuse.errors import ImageError, ManifestError
from gliofuse.imaging import Volume
from gliofuse.segmentation import compare_masks, measure_agreement
from gliofuse.segmentation.agreement import bland_altman, feature_agreement, quality_correlation

SPACING = (3.0, 1.0, 1.5)


def blobs(seed):
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    return [ndimage.gaussian_filter(rng.standard_normal((14, 20, 18)), 2) > 0.05 for _ in range(2)]


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_equal_monai_s(seed):
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    ours, theirs = blobs(seed)
    found = compare_masks(ours, theirs, SPACING)
    batch = [torch.from_numpy(mask)[None, None].float() for mask in (ours, theirs)]
    options = {"include_background": True, "spacing": SPACING}
    hd95 = compute_hausdorff_distance(*batch, percentile=95, **options)
    assert found.hd95_mm == pytest.approx(float(hd95), rel=1e-5)
    # MONAI's symmetric distance averages both directions' voxels together
    asd = compute_average_surface_distance(*batch, symmetric=True, **options)
    assert found.asd_mm == pytest.approx(float(asd), rel=1e-5)


def test_overlap_and_volume_by_hand():
    ours, theirs = np.zeros((2, 4, 4), bool), np.zeros((2, 4, 4), bool)
    ours[0, :2, :2] = True  # 4 voxels
    theirs[0, 1:3, :2] = True  # 4 voxels, 2 of them shared
    theirs[1, 3, 3] = True  # touches nothing of ours
    found = compare_masks(ours, theirs, SPACING)
    assert found.dice == pytest.approx(4 / 9)
    assert found.jaccard == pytest.approx(2 / 7)
    assert found.volume_error_mm3 == pytest.approx(-4.5)
    assert (found.lesions, found.lesions_found, found.lesions_false) == (2, 1, 0)


def test_lesions_are_counted_apart():
    ours, theirs = np.zeros((1, 1, 12), bool), np.zeros((1, 1, 12), bool)
    theirs[..., [0, 1, 5, 10]] = True
    ours[..., [1, 8]] = True
    found = compare_masks(ours, theirs, SPACING)
    assert (found.lesions, found.lesions_found, found.lesions_false) == (3, 1, 1)


def test_empty_masks():
    full, empty = np.ones((2, 3, 3), bool), np.zeros((2, 3, 3), bool)
    both = compare_masks(empty, empty, SPACING)
    assert (both.dice, both.hd95_mm) == (1.0, 0.0)
    one = compare_masks(empty, full, SPACING)
    assert one.dice == 0.0
    assert np.isnan(one.hd95_mm)
    with pytest.raises(ImageError, match="one shape"):
        compare_masks(empty, np.zeros((1, 3, 3), bool), SPACING)


@pytest.fixture
def pairs(heads, tmp_path):
    """Return the patients with masks that are the reference's, moved by a voxel in two of them."""
    masks = {}
    for number, case in enumerate(heads):
        mask = Volume.read(case.mask)
        array = np.roll(mask.array, 1, axis=2) if number < 2 else mask.array
        masks[case.case_id] = tmp_path / f"{case.case_id}.nii.gz"
        mask.with_array(array).write(masks[case.case_id])
    return heads, masks


def test_agreement_of_a_cohort(pairs, tmp_path):
    cohort, masks = pairs
    found = measure_agreement(cohort, masks, regions=["whole", "enhancing"])
    dice = found.cases[found.cases["region"] == "whole"].set_index("case_id")["dice"]
    assert (dice.iloc[2:] == 1).all()
    assert (dice.iloc[:2] < 0.95).all()
    row = found.summary.set_index(["region", "figure"]).loc[("whole", "dice")]
    assert row["mean"] == pytest.approx(dice.mean())
    assert row["ci_low"] < row["mean"] < row["ci_high"] <= 1
    assert row["n"] == 8
    picture = bland_altman(found.cases, tmp_path / "volumes.svg")
    assert "8 patients" in picture.read_text(encoding="utf-8") or picture.stat().st_size > 2000


def test_a_mask_of_other_geometry_is_its_patient_s_failure(pairs):
    cohort, masks = pairs
    first = cohort.case_ids[0]
    mask = Volume.read(masks[first])
    Volume(mask.array, spacing_mm=(1, 1, 1)).write(masks[first])
    found = measure_agreement(cohort, masks, regions=["whole"])
    assert found.failures["case_id"].tolist() == [first]
    assert "must share one geometry" in found.failures["error"].iloc[0]
    assert first not in set(found.cases["case_id"])


def test_features_of_equal_masks_agree_wholly(pairs):
    from gliofuse.radiomics import RadiomicsSettings

    cohort, masks = pairs
    settings = RadiomicsSettings(
        imageType={"Original": {}}, featureClass={"firstorder": ["Mean", "Energy"]}
    )
    same = {case.case_id: case.mask for case in cohort}
    equal = feature_agreement(cohort, same, settings, sequences=["flair"])
    assert equal.share == 1.0
    assert equal.icc["icc"].min() == pytest.approx(1.0)
    moved = feature_agreement(cohort, masks, settings, sequences=["flair"], threshold=0.999)
    assert moved.share < 1.0
    assert "features with ICC(2,1) >= 0.999" in moved.describe()


def test_quality_is_set_beside_the_true_dice():
    cases = pd.DataFrame({"case_id": list("abcd"), "region": "whole", "dice": [0.9, 0.8, 0.5, 0.2]})
    quality = pd.Series([0.95, 0.8, 0.6, 0.3], index=list("abcd"))
    found = quality_correlation(cases, quality)
    assert found["spearman"] == pytest.approx(1.0)
    assert found["error"] == pytest.approx(0.0625)


def test_nothing_to_compare_says_so():
    with pytest.raises(ManifestError, match="none of 1 patients has both masks"):
        measure_agreement(Cohort((Case("a"),)), {})
