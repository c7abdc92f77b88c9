"""Region expressions against a naive twin, conventions, boxes and normalisation."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gliofuse.errors import ImageError, RegionError, SettingError
from gliofuse.imaging import (
    CONVENTIONS,
    LabelConvention,
    Volume,
    available_regions,
    bounding_box,
    brain_mask,
    detect_convention,
    normalise,
    parse_region,
    region_mask,
)


def labels(seed: int = 0) -> Volume:
    generator = np.random.default_rng(seed)
    array = np.zeros((6, 9, 11), np.uint8)
    array[2:4, 3:6, 4:8] = generator.choice([0, 1, 2, 4], (2, 3, 4))
    array[2, 3, 4] = 1
    return Volume(array, spacing_mm=(3.0, 1.2, 0.8), origin_mm=(5, -3, 2))


def naive_ring(inner: np.ndarray, spacing_mm, outward_mm: float) -> np.ndarray:
    points = np.argwhere(inner) * spacing_mm
    ring = np.zeros(inner.shape, bool)
    for index in np.ndindex(inner.shape):
        distance = np.sqrt(((points - np.multiply(index, spacing_mm)) ** 2).sum(axis=1)).min()
        ring[index] = not inner[index] and distance <= outward_mm + 1e-9
    return ring


@pytest.mark.parametrize("outward_mm", [0.8, 1.2, 3.0, 4.1, 50])
@pytest.mark.parametrize("seed", [0, 1])
def test_ring_is_the_exact_distance(outward_mm, seed):
    volume = labels(seed)
    ring = region_mask(volume, f"ring(whole, {outward_mm})", "brats")
    np.testing.assert_array_equal(ring, naive_ring(volume.array > 0, volume.spacing_mm, outward_mm))


def test_ring_at_the_border_of_the_image_and_of_nothing():
    array = np.zeros((3, 4, 5), np.uint8)
    array[0, 0, 0] = 1
    volume = Volume(array, spacing_mm=(2, 1, 1))
    np.testing.assert_array_equal(
        region_mask(volume, "ring(whole, 2)", "binary"), naive_ring(array > 0, (2, 1, 1), 2)
    )
    assert not region_mask(volume.with_array(array * 0), "ring(whole, 2)", "binary").any()


def test_ring_inwards_takes_the_outermost_voxels():
    array = np.zeros((1, 1, 9), np.uint8)
    array[0, 0, 2:7] = 1
    ring = region_mask(Volume(array), "ring(whole, 1, 1)", "binary")
    assert ring[0, 0].astype(int).tolist() == [0, 1, 1, 0, 0, 0, 1, 1, 0]


def test_ring_of_a_region_that_fills_the_image_has_no_border():
    volume = Volume(np.ones((2, 3, 4), np.uint8))
    assert not region_mask(volume, "ring(whole, 3, 3)", "binary").any()


@pytest.mark.parametrize(
    ("expression", "naive"),
    [
        ("necrosis", lambda a: a == 1),
        ("core", lambda a: (a == 1) | (a == 4)),
        ("whole", lambda a: a > 0),
        ("whole - core", lambda a: a == 2),
        ("necrosis|edema", lambda a: (a == 1) | (a == 2)),
        ("edema | whole & necrosis", lambda a: (a == 2) | (a == 1)),
        ("whole - edema & core", lambda a: (a == 1) | (a == 4)),
        ("whole - (edema | necrosis)", lambda a: a == 4),
        ("whole - edema - necrosis", lambda a: a == 4),
    ],
)
def test_expressions(expression, naive):
    volume = labels()
    np.testing.assert_array_equal(region_mask(volume, expression, "brats"), naive(volume.array))
    canonical = str(parse_region(expression))
    np.testing.assert_array_equal(region_mask(volume, canonical, "brats"), naive(volume.array))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "empty"),
        ("whole |", "expected a region's name, the expression ends"),
        ("whole edema", r"character 7 expected an operator"),
        ("(whole", r"expected '\)'"),
        (
            "whole + edema",
            r"character 6 expected a name, a number or one of \| & -.* got '\+ edema'",
        ),
        ("ring(whole)", "expected ','"),
        ("ring(whole, x)", "expected a distance in mm"),
        ("ring(whole, 0)", "wider than 0 mm"),
        ("ring(whole, -2)", "a distance in mm"),
        ("grow(whole, 2)", "only 'ring' is"),
        ("enhncing", "did you mean 'enhancing'"),
    ],
)
def test_expressions_that_make_no_sense(expression, message):
    with pytest.raises(RegionError, match=message):
        region_mask(labels(), expression, "brats")


def test_binary_masks_have_no_parts():
    assert available_regions("binary") == ("whole",)
    with pytest.raises(RegionError, match=r"'binary'.*allowed: whole"):
        region_mask(labels(), "core", "binary")
    with pytest.raises(RegionError, match="did you mean 'brats'"):
        region_mask(labels(), "core", "bratz")


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        ([{0, 1}], "binary"),
        ([{1}, {0, 1, 2}], "brats"),
        ([{1, 2, 4}, {2}], "brats"),
        ([{1, 2}, {3}], "brats2023"),
    ],
)
def test_detect_convention(sets, name):
    assert detect_convention(sets) == name


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([{1, 3}, {4}], "3 and 4.*name one"),
        ([{0}, set()], "no mask has a labelled voxel"),
        ([{255}], "255 fit no convention"),
    ],
)
def test_conventions_that_cannot_be_told(sets, message):
    with pytest.raises(RegionError, match=message):
        detect_convention(sets)


def test_a_convention_of_ones_own_and_across_processes():
    own = LabelConvention("mine", {"enhancing": 7, "cyst": 9})
    again = pickle.loads(pickle.dumps(own))
    assert dict(again.regions) == {"enhancing": (7,), "cyst": (9,), "whole": (7, 9)}
    assert CONVENTIONS["brats2023"].regions["core"] == (1, 3)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.integers(0, n - 1) for n in (4, 6, 5)]), min_size=1, max_size=6))
def test_bounding_box_holds_every_voxel_and_touches_each_side(places):
    mask = np.zeros((4, 6, 5), bool)
    for place in places:
        mask[place] = True
    box = bounding_box(mask)
    assert mask[box].sum() == mask.sum()
    for axis in range(3):
        inside = np.moveaxis(mask[box], axis, 0)
        assert inside[0].any()
        assert inside[-1].any()


def test_bounding_box_of_nothing_and_with_padding():
    mask = np.zeros((4, 6, 5), bool)
    with pytest.raises(RegionError, match="no voxel"):
        bounding_box(mask)
    mask[1, 2, 3] = True
    assert bounding_box(mask, pad=(0, 1, 9)) == (slice(1, 2), slice(1, 4), slice(0, 5))


def test_normalisation_against_the_formulas():
    array = np.random.default_rng(0).normal(40, 9, (4, 5, 6)).astype(np.float32)
    mask = array > 40
    scaled = normalise(array, "minmax")
    assert scaled.dtype == np.float64
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)
    inside = normalise(array, "zscore", mask)[mask]
    assert inside.mean() == pytest.approx(0, abs=1e-12)
    assert inside.std() == pytest.approx(1)
    low, high = np.percentile(array.astype(float), [1, 99])
    expected = np.clip((array - low) / (high - low), 0, 1)
    np.testing.assert_allclose(normalise(array, "percentile"), expected, rtol=1e-6)
    np.testing.assert_array_equal(normalise(array, "none"), array)


def test_brain_mask_is_what_is_not_zero():
    assert brain_mask(np.array([[[0, 2, -1]]])).tolist() == [[[False, True, True]]]


def test_normalisation_refuses():
    array = np.ones((2, 2, 2))
    with pytest.raises(SettingError, match="did you mean 'zscore'"):
        normalise(array, "z-score")
    for method in ("minmax", "zscore", "percentile"):
        with pytest.raises(ImageError, match="got the constant 1"):
            normalise(array, method)
    with pytest.raises(ImageError, match="must be finite"):
        normalise(array * np.nan, "minmax")
    with pytest.raises(ImageError, match="is empty"):
        normalise(array, "zscore", array > 3)
    with pytest.raises(ImageError, match="shape"):
        normalise(array, "zscore", array[:1] > 0)
    mostly = np.zeros((10, 10, 10))
    mostly[0, 0, 0] = 1
    with pytest.raises(ImageError, match="98 %"):
        normalise(mostly, "percentile")
