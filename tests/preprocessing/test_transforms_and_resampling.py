"""Maps of points, and that an image is sampled where they say."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from gliofuse.imaging import Volume, to_lps
from gliofuse.phantom.acquisition import rigid_matrix
from gliofuse.preprocessing import Affine, resample
from gliofuse.preprocessing.resampling import grid_around, isotropic_grid

OBLIQUE = rigid_matrix((10, -20, 15), (0, 0, 0))[:3, :3]


def blob(spacing=(3.0, 1.5, 2.0), direction=OBLIQUE, centre=(4.0, -6.0, 9.0)):
    """A smooth bump about a known point, on an anisotropic oblique grid."""
    shape = (24, 40, 32)
    empty = Volume(np.zeros(shape), spacing, (0.0, 0.0, 0.0), direction)
    middle = empty.index_to_point((np.array(shape) - 1) / 2)
    volume = Volume(np.zeros(shape), spacing, tuple(-middle), direction)
    points = volume.index_to_point(np.moveaxis(np.indices(shape), 0, -1))
    return volume.with_array(100 * np.exp(-((points - centre) ** 2).sum(-1) / 2 / 7**2))


def test_affine_agrees_with_itk_and_composes_in_order():
    rng = np.random.default_rng(0)
    one = Affine(rigid_matrix((5, 6, 7), (1, 2, 3)))
    other = Affine(rigid_matrix((-15, 0, 30), (-4, 0, 9)))
    points = rng.normal(size=(5, 3)) * 50
    np.testing.assert_allclose((one @ other).apply(points), one.apply(other.apply(points)))
    np.testing.assert_allclose(
        [one.to_sitk().TransformPoint(point) for point in points.tolist()], one.apply(points)
    )
    np.testing.assert_allclose(Affine.from_sitk(one.to_sitk()).matrix, one.matrix, atol=1e-12)
    np.testing.assert_allclose(one.inverse.apply(one.apply(points)), points)
    assert Affine(rigid_matrix((0, 0, 12), (1, 1, 1))).rotation_degrees == pytest.approx(12)
    assert Affine(np.diag([-1.0, 1, 1, 1])).mirrors
    assert not one.mirrors


@pytest.mark.parametrize("seed", range(12))
def test_to_lps_is_what_itk_calls_lps_and_moves_no_voxel(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    volume = Volume(rng.random((3, 4, 5)), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), turn)
    turned = to_lps(volume)
    expected = Volume.from_sitk(sitk.DICOMOrient(volume.to_sitk(), "LPS"))
    np.testing.assert_allclose(turned.direction, expected.direction, atol=1e-12)
    np.testing.assert_allclose(turned.origin_mm, expected.origin_mm)
    np.testing.assert_array_equal(turned.array, expected.array)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, np.diag([-1.0, -1.0, 1.0])])
def test_a_bump_stands_where_the_transform_puts_it(direction):
    moving = blob(direction=direction)
    motion = Affine(rigid_matrix((8, -5, 12), (6, 3, -4)))  # from the grid to the image
    grid = isotropic_grid(blob(), 1.0)
    seen = resample(moving, grid, motion)
    high = np.argwhere(seen.array > 40)
    peak = grid.index_to_point(np.average(high, axis=0, weights=seen.array[seen.array > 40]))
    np.testing.assert_allclose(motion.apply(peak), (4.0, -6.0, 9.0), atol=1.0)
    assert seen.array.max() == pytest.approx(100, rel=0.05)
    assert seen.array.min() >= 0  # no overshoot of the splines


def test_masks_keep_their_labels_and_splines_their_range():
    labels = Volume((np.indices((9, 9, 9)).sum(0) % 3).astype(np.uint8) * 2)
    moved = resample(labels, labels, Affine.shift((0.3, 0.3, 0.3)), how="nearest")
    assert moved.array.dtype == np.uint8
    assert set(np.unique(moved.array)) <= {0, 2, 4}
    step = Volume(np.where(np.indices((20, 20, 20))[0] < 10, 0.0, 50.0))
    sharp = resample(step, step, Affine.shift((0, 0, 0.5)))
    assert 0 <= sharp.array.min() < sharp.array.max() <= 50


def test_grids_hold_what_they_are_to_hold():
    points = np.random.default_rng(3).normal(size=(50, 3)) * 30
    grid = grid_around(points, OBLIQUE, 1.5, 6.0)
    steps = (points - np.array(grid.origin_mm)) @ grid.direction / 1.5
    assert steps.min() == pytest.approx(4.0, abs=1.0)
    assert (steps[:, ::-1] <= np.array(grid.shape) - 4).all()
