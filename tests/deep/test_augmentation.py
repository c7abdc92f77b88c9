"""Augmentations: the act is exact, randomness stands apart, the class-wise rules hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gliofuse.deep.data import Augmentation, augmentation_preset
from gliofuse.deep.data.augmentation import (
    ClassCrops,
    Quarter,
    center_crop,
    cyclic_shift,
    flip,
    rotate,
    salt_and_pepper,
)
from gliofuse.errors import SettingError

PRESETS = ["flips", "class-crops", "shifts", "quarters", "mri"]


@pytest.fixture
def image():
    noise = np.random.default_rng(0).random((3, 40, 40))
    return gaussian_filter(noise, (0, 3, 3)).astype(np.float32)


@pytest.fixture
def volume():
    noise = np.random.default_rng(1).random((2, 12, 20, 24))
    return gaussian_filter(noise, (0, 2, 2, 2)).astype(np.float32)


def test_flip_twice_is_nothing(image):
    assert np.array_equal(flip(flip(image, [-1, -2]), [-1, -2]), image)
    assert np.array_equal(flip(image, [-1])[..., 0], image[..., -1])


def test_cyclic_shift_loses_nothing(image):
    shifted = cyclic_shift(image, (7, -11))
    assert np.array_equal(np.sort(shifted, axis=None), np.sort(image, axis=None))
    assert np.array_equal(cyclic_shift(shifted, (-7, 11)), image)
    assert shifted[1, 7, 0] == image[1, 0, 11]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotation_by_quarters_is_numpys(image, turns):
    np.testing.assert_allclose(
        rotate(image, 90.0 * turns), np.rot90(image, turns, axes=(-2, -1)), atol=1e-5
    )


def test_rotation_keeps_the_middle_and_fills_corners(image):
    turned = rotate(image, 45.0)
    assert turned.shape == image.shape
    assert (turned[:, 0, 0] == image.min()).all()
    back = rotate(rotate(image, 30.0), -30.0)
    middle = (slice(None), slice(12, 28), slice(12, 28))
    np.testing.assert_allclose(back[middle], image[middle], atol=0.02)


def test_rotation_of_a_patch_turns_each_plane(volume):
    middle = (slice(5, 15), slice(6, 18))  # corners take the least value of the whole patch
    expected = rotate(volume[1:, 3], 25.0)[0]
    np.testing.assert_allclose(rotate(volume, 25.0)[1, 3][middle], expected[middle], atol=1e-6)


def test_salt_and_pepper_sets_the_same_pixels_in_all_channels(image):
    salt = np.zeros(image.shape[1:], bool)
    pepper = salt.copy()
    salt[3, 4], pepper[5, 6] = True, True
    noisy = salt_and_pepper(image, salt, pepper)
    assert (noisy[:, 3, 4] == image.max()).all()
    assert (noisy[:, 5, 6] == image.min()).all()
    assert (noisy != image).sum() <= 6


def test_class_crops_enlarge_one_class_and_centre_the_other():
    rng = np.random.default_rng(0)
    image = np.zeros((1, 240, 240), np.float32)
    image[:, 110:130, 110:130] = 1
    step = ClassCrops()
    high = step.apply(image, **step.parameters(rng, image, 1))
    low = step.apply(image, **step.parameters(rng, image, 0))
    assert high.shape == low.shape == (1, 160, 160)
    assert np.array_equal(high, center_crop(image, 160))
    assert high.sum() == 400
    assert low.sum() == pytest.approx(400 * (448 / 240) ** 2, rel=0.01)
    corners = {tuple(step.parameters(rng, image, 0)["corner"]) for _ in range(50)}
    assert len(corners) > 40
    assert all(0 <= c <= 64 for corner in corners for c in corner)


def test_quarter_turns_keep_the_size_of_planes_that_are_not_square():
    rng = np.random.default_rng(0)
    image = np.zeros((1, 4, 6))
    assert {Quarter().parameters(rng, image, 0)["turns"] for _ in range(30)} == {0, 2}
    square = np.zeros((1, 4, 4))
    assert {Quarter().parameters(rng, square, 0)["turns"] for _ in range(50)} == {0, 1, 2, 3}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("kind", ["image", "volume"])
def test_presets_are_deterministic_replayable_and_finite(request, name, kind):
    if name == "class-crops" and kind == "volume":
        pytest.skip("class-wise crops are for slices")
    array = request.getfixturevalue(kind)
    steps = augmentation_preset(name)
    for seed in range(4):
        once = steps(array, rng=np.random.default_rng(seed), label=0)
        again = steps(array, rng=np.random.default_rng(seed), label=0)
        drawn = steps.draw(array, rng=np.random.default_rng(seed), label=0)
        assert np.array_equal(once, again)
        assert np.array_equal(steps.replay(array, drawn), once)
        assert np.isfinite(once).all()
        if not steps.crops:
            assert once.shape == array.shape
    others = [steps(array, rng=np.random.default_rng(s), label=0) for s in range(10)]
    assert any(not np.array_equal(others[0], other) for other in others[1:])


def test_the_image_itself_is_not_changed(image):
    before = image.copy()
    for name in PRESETS:
        augmentation_preset(name)(image, rng=np.random.default_rng(0), label=1)
        assert np.array_equal(image, before)


def test_steps_can_be_left_out():
    assert augmentation_preset("none") is None
    names = [
        s["step"] for s in augmentation_preset("class-crops", leave_out=["Flip"]).as_dict()["steps"]
    ]
    assert names == ["ClassCrops", "CyclicShift", "Rotate", "SaltAndPepper"]
    assert isinstance(augmentation_preset("mri"), Augmentation)
    with pytest.raises(SettingError, match="did you mean 'flips'"):
        augmentation_preset("flip")
    with pytest.raises(SettingError, match="has no 'Rotat'; did you mean 'Rotate'"):
        augmentation_preset("mri", leave_out=["Rotat"])
