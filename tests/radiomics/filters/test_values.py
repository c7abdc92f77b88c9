"""Values of the derived images against independent implementations and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
from scipy import ndimage, special, stats

from gliofuse.errors import ImageError, SettingError
from gliofuse.radiomics.filters import IMAGE_TYPES, derived_images
from gliofuse.radiomics.filters._icosphere import _legendre, harmonics, icosphere
from gliofuse.radiomics.filters.intensity import largest_magnitude
from gliofuse.radiomics.filters.lbp2d import local_binary_patterns_2d
from gliofuse.radiomics.filters.lbp3d import local_binary_patterns_3d

SPACING = (2.5, 1.1, 0.9)


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(5)
    return (ndimage.gaussian_filter(rng.normal(size=(23, 30, 27)), 1.2) * 800 + 300).astype("f4")


def whole(image):
    return tuple(slice(0, size) for size in image.shape)


def images(image, types, spacing=SPACING):
    mask = np.ones(image.shape, bool)
    return dict(derived_images(image, spacing, whole(image), mask, types))


@pytest.mark.parametrize("dtype", ["int16", "uint8", "float32", "float64"])
@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5])
def test_log_equals_simpleitk_to_the_last_bit(image, dtype, sigma):
    import SimpleITK as sitk

    values = np.clip(image, 0, 255).astype(dtype) if dtype == "uint8" else image.astype(dtype)
    itk = sitk.GetImageFromArray(values)
    itk.SetSpacing(SPACING[::-1])
    expected = sitk.GetArrayFromImage(sitk.LaplacianRecursiveGaussian(itk, sigma, True))
    (found,) = images(values, {"LoG": {"sigma": [sigma]}}).values()
    np.testing.assert_array_equal(found, expected)


def test_log_of_a_stripped_head_equals_simpleitk_to_the_last_bit():
    """Lines and ends of lines that are 0 are passed over, which must not show."""
    import SimpleITK as sitk

    rng = np.random.default_rng(8)
    z, y, x = np.ogrid[:30, :45, :40]
    head = ((z - 14) / 9) ** 2 + ((y - 20) / 15) ** 2 + ((x - 21) / 13) ** 2 < 1
    values = np.where(head, rng.normal(300, 80, head.shape), 0).astype(np.int16)
    itk = sitk.GetImageFromArray(values)
    itk.SetSpacing(SPACING[::-1])
    expected = sitk.GetArrayFromImage(sitk.LaplacianRecursiveGaussian(itk, 2.0, True))
    (found,) = images(values, {"LoG": {"sigma": [2.0]}}).values()
    np.testing.assert_array_equal(found, expected)
    box = (slice(0, 5), slice(17, 21), slice(30, 40))
    (part,) = dict(
        derived_images(values, SPACING, box, np.ones((5, 4, 10), bool), {"LoG": {"sigma": [2.0]}})
    ).values()
    np.testing.assert_allclose(part, expected[box], rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("use_spacing", [True, False])
def test_gradient_equals_simpleitk(image, use_spacing):
    import SimpleITK as sitk

    itk = sitk.GetImageFromArray(image)
    itk.SetSpacing(SPACING[::-1])
    expected = sitk.GetArrayFromImage(sitk.GradientMagnitude(itk, use_spacing))
    found = images(image, {"Gradient": {"gradientUseSpacing": use_spacing}})["gradient"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("wavelet", ["coif1", "haar", "db3", "bior1.3"])
def test_wavelet_equals_pywavelets(image, dtype, wavelet):
    values = image.astype(dtype)
    padded = np.pad(values, [(0, size % 2) for size in values.shape], "wrap")
    (bands,) = pywt.swtn(padded, wavelet, level=1, axes=(2, 1, 0))
    found = images(values, {"Wavelet": {"wavelet": wavelet}})
    assert len(found) == 8
    z, y, x = values.shape
    tolerance = 2e-6 if dtype == "float32" else 1e-13  # the border's terms are summed otherwise
    for name, band in bands.items():
        key = "wavelet-" + name.replace("a", "L").replace("d", "H")
        expected = band[:z, :y, :x]
        assert found[key].dtype == expected.dtype
        np.testing.assert_allclose(
            found[key], expected, rtol=0, atol=tolerance * np.abs(values).max(), err_msg=key
        )
        inner = (slice(12, -12),) * 3
        if min(z, y, x) > 24:
            np.testing.assert_array_equal(found[key][inner], expected[inner], err_msg=key)


def test_wavelet_levels_filter_the_low_pass_band_again(image):
    first = images(image, {"Wavelet": {"level": 1}})["wavelet-LLL"]
    names = images(image, {"Wavelet": {"level": 2}})
    assert len(names) == 15
    assert "wavelet-LLL" not in names
    assert "wavelet2-LLL" in names
    again = images(image, {"Wavelet": {"level": 1, "start_level": 1}})
    np.testing.assert_array_equal(again["wavelet-LLL"], names["wavelet2-LLL"])
    assert first.std() < again["wavelet-LLL"].std() * 3


def test_wavelet_in_two_dimensions_has_four_bands(image):
    found = images(image, {"Wavelet": {"force2D": True, "force2Ddimension": 0}})
    assert sorted(found) == ["wavelet-HH", "wavelet-HL", "wavelet-LH", "wavelet-LL"]


def test_rescaled_images_keep_the_range_of_the_whole_image():
    values = np.array([[[-4.0, 0.0, 1.0], [2.0, 3.0, 4.0]]])
    found = images(values, {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}})
    np.testing.assert_allclose(found["square"], values**2 / 4)
    np.testing.assert_allclose(found["squareroot"], [[[-4, 0, 2], [8**0.5, 12**0.5, 4]]])
    logs = np.sign(values) * np.log1p(np.abs(values)) * 4 / np.log(5)
    np.testing.assert_allclose(found["logarithm"], logs)
    np.testing.assert_allclose(found["exponential"], 4 ** (values / 4))


def naive_lbp_3d(image, coordinates, levels, radius, subdivisions):
    """PyRadiomics' definition by SciPy's general interpolation, voxel by voxel."""
    vertices = icosphere(subdivisions, radius)
    functions = harmonics(vertices, radius, levels)
    result = []
    for voxel in coordinates:
        samples = ndimage.map_coordinates(image, (voxel + vertices).T, order=3)
        bits = (samples >= image[tuple(voxel)]).astype(float)
        norms, begin = [], 0
        for degree in range(levels):
            block = functions[:, begin : begin + 2 * degree + 1]
            part = block @ (block.T @ bits)
            norms.append(np.sqrt((part**2).sum()).real)
            begin += 2 * degree + 1
        result.append([*norms, stats.kurtosis(samples.astype(float))])
    return np.array(result)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize(
    ("levels", "radius", "subdivisions"), [(2, 1.0, 1), (3, 1.7, 2), (1, 1.0, 0)]
)
def test_lbp_3d_equals_general_interpolation(image, dtype, levels, radius, subdivisions):
    values = image.astype(dtype)
    mask = np.random.default_rng(1).random(values.shape) < 0.02
    mask[0, 0, 0] = mask[-1, -1, -1] = mask[0, -1, 5] = True
    found = local_binary_patterns_3d(
        values, whole(values), mask, levels=levels, radius=radius, subdivisions=subdivisions
    )
    expected = naive_lbp_3d(values, np.argwhere(mask), levels, radius, subdivisions)
    for column, (name, derived) in enumerate(found.items()):
        scale = np.abs(expected[:, column]).max()
        np.testing.assert_allclose(
            derived[mask], expected[:, column], rtol=0, atol=3e-6 * scale, err_msg=name
        )
        assert not derived[~mask].any()


def test_legendre_functions_equal_scipys():
    cosine = np.cos(np.linspace(-3, 3, 41))
    for degree in range(5):
        for order in range(degree + 1):
            expected = special.lpmv(order, degree, cosine)
            found = _legendre(degree, order, cosine)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
            if degree < 2:
                np.testing.assert_array_equal(found, expected)


def test_lbp_3d_of_a_constant_neighbourhood_has_no_kurtosis():
    values = np.full((9, 9, 9), 7, np.int16)
    mask = np.zeros(values.shape, bool)
    mask[4, 4, 4] = True
    found = local_binary_patterns_3d(values, whole(values), mask)
    assert np.isnan(found["lbp-3D-k"][4, 4, 4])


def naive_lbp_2d(plane, samples, radius):
    """Uniform patterns by SciPy's linear interpolation of the zero-padded slice."""
    angles = 2 * np.pi * np.arange(samples) / samples
    offsets = np.round([-radius * np.sin(angles), radius * np.cos(angles)], 5)
    out = np.zeros(plane.shape)
    padded = np.pad(plane, 4)
    for row, column in np.ndindex(plane.shape):
        points = offsets + np.array([[row + 4], [column + 4]])
        bits = ndimage.map_coordinates(padded, points, order=1) >= plane[row, column]
        changes = np.count_nonzero(bits[1:] != bits[:-1])
        out[row, column] = bits.sum() if changes <= 2 else samples + 1
    return out


@pytest.mark.parametrize(("samples", "radius", "axis"), [(8, 1.0, 0), (9, 2.0, 1), (12, 1.5, 2)])
def test_lbp_2d_equals_linear_interpolation(image, samples, radius, axis):
    found = local_binary_patterns_2d(image, whole(image), samples=samples, radius=radius, axis=axis)
    planes = image.astype(float).swapaxes(0, axis)
    expected = np.stack([naive_lbp_2d(plane, samples, radius) for plane in planes])
    np.testing.assert_array_equal(found, expected.swapaxes(0, axis))


@pytest.mark.parametrize(
    ("method", "numbers"),
    [("default", {0, 255}), ("ror", {0, 255}), ("nri_uniform", {0, 57}), ("uniform", {0, 8})],
)
def test_lbp_2d_of_a_peak(method, numbers):
    plane = np.zeros((1, 7, 7))
    plane[0, 3, 3] = 5
    found = local_binary_patterns_2d(plane, whole(plane), method=method)
    assert found[0, 3, 3] == 0
    assert set(np.unique(found[0, 1:2, 1:2])) | {0.0} == numbers


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"Wavlet": {}}, "did you mean 'Wavelet'"),
        ({"LoG": {"sigma": [0]}}, "every sigma > 0"),
        ({"Wavelet": {"wavelet": "coiff1"}}, "did you mean 'coif1'"),
        ({"Wavelet": {"level": 0}}, "level >= 1"),
        ({"LBP2D": {"lbp2DMethod": "unifrom"}}, "did you mean 'uniform'"),
        ({"LBP2D": {"lbp2DSamples": 99}}, "lbp2DSamples <= 31"),
        ({"LBP3D": {"lbp3DLevels": 0}}, "lbp3DLevels >= 1"),
    ],
)
def test_a_wrong_option_is_named(image, types, message):
    with pytest.raises(SettingError, match=message):
        images(image, types)


def test_an_empty_image_is_named():
    with pytest.raises(ImageError, match="empty or damaged"):
        images(np.zeros((5, 5, 5)), {"Square": {}})
    with pytest.raises(ImageError, match="got inf"):
        largest_magnitude(np.array([1.0, np.inf]))


def test_a_mask_of_another_shape_is_named(image):
    box = (slice(0, 3), slice(0, 3), slice(0, 3))
    with pytest.raises(ImageError, match="mask_zyx must have"):
        list(derived_images(image, SPACING, box, np.ones((2, 2, 2), bool), {"Original": {}}))


def test_a_log_that_does_not_fit_is_left_out_with_a_warning(caplog):
    thin = np.random.default_rng(0).normal(size=(3, 20, 20))
    assert images(thin, {"LoG": {"sigma": [1.0]}}) == {}
    assert "needs at least" in caplog.text


def test_every_image_type_is_covered_here():
    assert set(IMAGE_TYPES) == {
        *("Original", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient"),
        *("LoG", "Wavelet", "LBP2D", "LBP3D"),
    }
