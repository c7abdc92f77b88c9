"""Tiles, planes and grids give what the whole image would."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gliofuse.segmentation.grids import native_planes, place_on, resample
from gliofuse.segmentation.sliding import predict_planes, tile_starts, with_neighbours


def whole_stack(predict, image, patch, overlap):
    """The plain way, with everything in memory at once: the oracle."""
    from itertools import product

    from monai.data.utils import compute_importance_map

    weight = torch.as_tensor(compute_importance_map(tuple(patch), mode="gaussian"))
    weight = weight.clamp_min(1e-3)
    total = torch.zeros(image.shape[1:])
    found = torch.zeros(image.shape)
    starts = [tile_starts(s, p, overlap) for s, p in zip(image.shape[1:], patch)]
    for corner in product(*starts):
        part = tuple(slice(c, c + p) for c, p in zip(corner, patch))
        found[:, *part] += weight * predict(image[None, :, *part])[0]
        total[part] += weight
    return found / total


def positional(batch):
    """A network whose answer depends on where in the tile it is asked."""
    ramp = torch.linspace(0, 1, batch.shape[-1])
    return torch.sigmoid(batch) * ramp + 0.1 * torch.linspace(0, 1, batch.shape[2]).reshape(
        -1, *([1] * (batch.ndim - 3))
    )


@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_streamed_volumes_equal_the_whole_stack(overlap):
    image = torch.randn(2, 23, 17, 19, generator=torch.Generator().manual_seed(0))
    planes = predict_planes(positional, image, patch=(8, 8, 12), channels=2, overlap=overlap)
    expected = whole_stack(positional, image, (8, 8, 12), overlap)
    assert torch.allclose(torch.stack(list(planes), dim=1), expected, atol=1e-5)


def test_slices_in_tiles_equal_the_whole_stack():
    image = torch.randn(1, 5, 21, 30, generator=torch.Generator().manual_seed(0))
    planes = list(predict_planes(positional, image, patch=(16, 16), channels=1, batch_size=2))
    for number, plane in enumerate(planes):
        flat = image[:, number]
        expected = whole_stack(positional, flat, (16, 16), 0.5)
        assert torch.allclose(plane, expected, atol=1e-5)


@pytest.mark.parametrize("patch", [(32, 40), (16, 32, 40)])
def test_an_image_smaller_than_its_patch_keeps_its_size(patch):
    image = torch.randn(1, 7, 20, 18)
    planes = list(predict_planes(lambda batch: batch, image, patch=patch, channels=1))
    assert torch.allclose(torch.stack(planes, dim=1), image)


def test_mirrored_passes_are_turned_back():
    image = torch.rand(1, 4, 8, 8)
    flips = ((), (-1,), (-2,), (-1, -2))
    planes = predict_planes(lambda b: b**2, image, patch=(8, 8), channels=1, flips=flips)
    assert torch.allclose(torch.stack(list(planes), dim=1), image**2)
    lopsided = predict_planes(positional, image, patch=(8, 8), channels=1, flips=((), (-1,)))
    once = positional(image[:, 0][None])
    other = torch.flip(positional(torch.flip(image[:, 0][None], [-1])), [-1])
    assert torch.allclose(next(iter(lopsided)), ((once + other) / 2)[0])


def test_neighbours_stand_in_at_the_ends():
    image = torch.arange(2 * 3, dtype=torch.float32).reshape(2, 3, 1, 1)
    assert with_neighbours(image, 0, 1).flatten().tolist() == [0, 0, 1, 3, 3, 4]
    assert with_neighbours(image, 1, 1).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_tiles_cover_an_axis_and_stay_inside():
    for size in range(1, 60):
        for patch in (4, 7, 16):
            starts = tile_starts(size, patch, 0.5)
            covered = np.zeros(max(size, patch), int)
            for start in starts:
                covered[start : start + patch] += 1
            assert covered[:size].min() >= 1
            assert starts[-1] + patch <= max(size, patch)


def test_planes_on_the_head_s_grid_equal_interpolation_of_the_stack():
    stack = torch.rand(2, 6, 5, 7, generator=torch.Generator().manual_seed(1))
    shape = (11, 9, 8)
    planes = list(native_planes(stack.unbind(1), 6, shape))
    expected = functional.interpolate(stack[None], shape, mode="trilinear", align_corners=False)[0]
    assert torch.allclose(torch.stack(planes, dim=1), expected, atol=1e-6)


def test_planes_are_asked_for_only_when_they_are_needed():
    asked = []

    def source():
        for number in range(100):
            asked.append(number)
            yield torch.zeros(1, 2, 2)

    stream = native_planes(source(), 100, (100, 2, 2))
    next(stream)
    assert len(asked) <= 2


def test_resampling_keeps_means_and_linear_ramps():
    ramp = torch.arange(40.0).reshape(1, 1, 1, 40).expand(1, 8, 6, 40)
    small = resample(ramp, (4, 3, 10))
    assert small.shape == (1, 4, 3, 10)
    assert torch.allclose(small[0, 0, 0, 1:-1], torch.arange(5.5, 34, 4.0), atol=1e-4)
    assert place_on(5, 10, 10) == (5, 6, 0.0)
