"""What is done to grey values before anything is measured: one policy, and maps in units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliofuse.cohort import SEQUENCES, STRUCTURAL, Case, Cohort
from gliofuse.errors import ImageError, ManifestError, SettingError
from gliofuse.imaging import Volume, check_finite, count_not_finite, normalise_volume
from gliofuse.imaging.check import check_cohort

SPACING = (4.0, 1.5, 0.8)


def head(seed: int = 0, scale: float = 1.0, dtype=np.float32) -> Volume:
    """Return a brain-extracted image: zero around a box of positive values."""
    rng = np.random.default_rng(seed)
    array = np.zeros((6, 12, 10))
    array[1:5, 2:10, 2:9] = scale * rng.lognormal(0.0, 0.3, (4, 8, 7))
    return Volume(array.astype(dtype), SPACING)


@pytest.mark.parametrize("sequence", [None, *STRUCTURAL])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_statistics_are_the_brains_or_the_whole_images(sequence, dtype):
    image = head(scale=300, dtype=dtype)
    array = image.array.astype(np.float64)
    brain = array[array != 0]
    low, high = np.percentile(brain, [1, 99])
    expected = {
        "zscore": (array - brain.mean()) / brain.std(),
        "minmax": (array - array.min()) / (array.max() - array.min()),
        "percentile": np.clip((array - low) / (high - low), 0, 1),
    }
    for method, values in expected.items():
        found = normalise_volume(image, method, sequence)
        assert found.array.dtype == np.float64
        assert found.same_geometry(image)
        np.testing.assert_allclose(found.array, values, rtol=0, atol=1e-12)
    assert normalise_volume(image, "none", sequence) is image


@given(st.integers(1, 40), st.sampled_from(["zscore", "percentile"]))
def test_air_around_the_head_does_not_move_the_scale(margin, method):
    image = head()
    wider = Volume(np.pad(image.array, margin), SPACING)
    inside = tuple(slice(margin, -margin) for _ in range(3))
    np.testing.assert_array_equal(
        normalise_volume(wider, method).array[inside], normalise_volume(image, method).array
    )


@pytest.mark.parametrize(("sequence", "scale"), [("adc", 850.0), ("cbv", 1.8)])
@pytest.mark.parametrize("method", ["zscore", "minmax", "percentile"])
def test_a_map_in_units_has_one_scale_for_all_patients(sequence, scale, method):
    reference = SEQUENCES[sequence].reference
    for seed in range(3):
        image = head(seed, scale)
        image.array[2, 3, 3] = 1.5 * reference.high  # beyond the range: kept, not clipped
        expected = (image.array.astype(float) - reference.low) / (reference.high - reference.low)
        found = normalise_volume(image, method, sequence).array
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert found.max() == pytest.approx(1.5)
        assert normalise_volume(image, "none", sequence) is image


@pytest.mark.parametrize("method", ["none", "minmax"])
@pytest.mark.parametrize(
    ("sequence", "scale", "message"),
    [
        ("adc", 0.85e-3, "ADC must be in 1e-6 mm2/s.*between 200 and 4000.*by 1e6"),
        ("adc", 0.85, "ADC must be.*one in 1e-3 mm2/s by 1000"),
        ("adc", 8.5e4, "ADC must be.*got 8"),
        (
            "cbv",
            350.0,
            "rCBV must be in multiples of normal-appearing white matter.*divide the map by",
        ),
        ("cbv", 0.004, "rCBV must be"),
    ],
)
def test_a_map_in_other_units_is_refused(sequence, scale, message, method):
    with pytest.raises(ImageError, match=message):
        normalise_volume(head(scale=scale), method, sequence)
    normalise_volume(head(scale=scale), method, "t1")  # a structural image has no unit


def test_an_empty_map_and_unknown_names_are_refused():
    empty = Volume(np.zeros((3, 3, 3)))
    with pytest.raises(ImageError, match="got nan"):
        normalise_volume(empty, "none", "adc")
    with pytest.raises(SettingError, match="did you mean 'zscore'"):
        normalise_volume(head(), "z-score")
    with pytest.raises(ManifestError, match="unknown sequence 'swi'"):
        normalise_volume(head(), "none", "swi")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_counted_and_named(bad, tmp_path):
    image = head()
    image.array[0, 0, :3] = bad
    assert count_not_finite(image.array) == 3
    with pytest.raises(ImageError, match=r"a\.nii: every voxel must be finite, got 3 of 720 .*rep"):
        check_finite(image, tmp_path / "a.nii")
    assert count_not_finite(np.array([1, 2**30])) == 0
    check_finite(head(dtype=np.int16), "the image")


@pytest.fixture
def cohort(tmp_path):
    """Two patients with a map; the second's is in mm2/s. Nobody has a mask."""
    cases = []
    for number, scale in enumerate((850.0, 0.85e-3)):
        files = {}
        for name, factor in (("t1", 100.0), ("adc", scale)):
            files[name] = tmp_path / f"p{number}" / f"{name}.nii.gz"
            head(10 * number + len(name), factor).write(files[name])
        cases.append(Case(f"p{number}", files))
    return Cohort(tuple(cases))


def test_check_tells_of_units_and_of_a_cohort_without_masks(cohort):
    findings = check_cohort(cohort)
    assert findings[["severity", "case_id", "rule"]].values.tolist() == [
        ["error", "p1", "unit"],
        ["warning", "", "missing"],
    ]
    assert "multiply a map in mm2/s by 1e6" in findings["found"][0]
    assert findings["found"][1] == "no patient has a mask"


def test_check_names_the_patients_without_a_mask_where_others_have_one(cohort, tmp_path):
    mask = np.zeros((6, 12, 10), np.uint8)
    mask[2:4, 3:7, 3:7] = 1
    Volume(mask, SPACING).write(tmp_path / "mask.nii.gz")
    first, second = cohort.cases
    mixed = Cohort((Case("p0", first.images, tmp_path / "mask.nii.gz"), second))
    found = check_cohort(mixed)
    assert found.query("rule == 'missing'")[["case_id", "found"]].values.tolist() == [
        ["p1", "no mask"]
    ]
