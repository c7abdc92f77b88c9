"""Filtering the neighbourhood of a region gives what filtering the whole volume gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gliofuse.radiomics.filters import derived_images
from gliofuse.radiomics.filters.laplacian import laplacian_of_gaussian
from gliofuse.radiomics.filters.lbp3d import local_binary_patterns_3d

pytestmark = pytest.mark.slow(minutes=0.1)

BANK = {
    "Original": {},
    "Square": {},
    "SquareRoot": {},
    "Logarithm": {},
    "Exponential": {},
    "Gradient": {},
    "LoG": {"sigma": [1.0, 2.0]},
    "Wavelet": {"wavelet": "coif1", "level": 2},
    "LBP2D": {},
    "LBP3D": {},
}
SPACING = (2.5, 1.1, 0.9)
BOXES = {
    "inside": (slice(33, 38), slice(60, 70), slice(81, 93)),
    "at a border": (slice(0, 6), slice(118, 130), slice(70, 80)),
    "at a corner": (slice(66, 71), slice(0, 9), slice(152, 163)),
}


@pytest.fixture(scope="module")
def volume():
    """An anisotropic volume of odd and even lengths, textured, with an empty margin."""
    rng = np.random.default_rng(11)
    values = ndimage.gaussian_filter(rng.normal(size=(71, 130, 163)), (0.8, 1.5, 1.5)) * 900 + 400
    values[:, :, :11] = 0
    return values


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("place", BOXES)
def test_crop_equals_whole_volume(volume, dtype, place):
    image = volume.astype(dtype)
    box = BOXES[place]
    mask = np.zeros(image.shape, bool)
    mask[box] = True
    mask[box][::2, ::3, 1] = False
    everywhere = tuple(slice(0, size) for size in image.shape)
    whole = derived_images(image, SPACING, everywhere, mask, BANK)
    cropped = dict(derived_images(image, SPACING, box, mask, BANK))
    for name, full in whole:
        values = cropped.pop(name)
        assert values.dtype == full.dtype, name
        expected = full[box]
        assert values.shape == expected.shape, name
        largest = np.nanmax(np.abs(full.astype(float)))
        np.testing.assert_allclose(
            values, expected, rtol=0, atol=1e-6 * largest, err_msg=name, equal_nan=True
        )
        if not name.startswith("lbp-3D"):  # in float32 the two differ in few last bits at most
            assert np.mean(values != expected) < 0.01, name
    assert not cropped


def test_a_laplacian_pad_of_16_sigma_reaches_single_precision(volume):
    image = volume.astype(np.float32)
    box = BOXES["inside"]
    full = laplacian_of_gaussian(image, SPACING, box, sigma_mm=2.0, pad_sigmas=np.inf)
    scale = np.abs(full).max()
    errors = {
        pad: np.abs(
            laplacian_of_gaussian(image, SPACING, box, sigma_mm=2.0, pad_sigmas=pad) - full
        ).max()
        / scale
        for pad in (4.0, 10.0, 16.0)
    }
    assert errors[4.0] > 1e-6 > errors[10.0]
    assert errors[16.0] < 1e-7


def test_a_spline_pad_of_24_voxels_reaches_single_precision(volume):
    image = volume.astype(np.float32)
    box = BOXES["inside"]
    mask = np.ones([part.stop - part.start for part in box], bool)
    full = local_binary_patterns_3d(image, box, mask, pad_voxels=1000)
    near = local_binary_patterns_3d(image, box, mask, pad_voxels=3)
    good = local_binary_patterns_3d(image, box, mask)
    assert not np.array_equal(near["lbp-3D-k"], full["lbp-3D-k"])
    for name, values in full.items():
        np.testing.assert_array_equal(good[name], values, err_msg=name)
