"""The two U-Nets: sizes, blocks as published, and what they can learn."""

import pytest
import torch

from gliofuse.segmentation.augmentation import PatchAugmentation, drop_sequences
from gliofuse.segmentation.losses import SegmentationLoss
from gliofuse.segmentation.networks import RecombinationUNet, ResidualUNet
from gliofuse.segmentation.networks.recombination import RecombinationBlock


def residual(dimensions, strides, kernels=None):
    kernels = kernels or [(3,) * dimensions] * len(strides)
    widths = [4 * 2**level for level in range(len(strides))]
    return ResidualUNet(
        dimensions, 2, 3, widths=widths, kernels=kernels, strides=strides, blocks=[1] * len(strides)
    )


@pytest.mark.parametrize(
    ("strides", "size"),
    [
        ([(1, 1), (2, 2), (2, 2), (2, 1)], (16, 20)),
        ([(1, 1, 1), (1, 2, 2), (2, 2, 2)], (6, 12, 8)),
        ([(1, 1)], (8, 8)),
    ],
)
def test_logits_have_the_image_s_size_whatever_is_pooled(strides, size):
    network = residual(len(size), strides)
    image = torch.randn(2, 2, *size)
    levels = network(image)
    assert levels[0].shape == (2, 3, *size)
    for level, stride in zip(levels[1:], strides[1:]):
        assert level.shape[2:] == tuple(s // t for s, t in zip(size, stride))
        size = level.shape[2:]
    network.eval()
    assert network(image).shape == (2, 3, *image.shape[2:])


def test_kernels_of_one_voxel_see_no_neighbour_along_their_axis():
    network = residual(3, [(1, 1, 1), (1, 2, 2)], [(1, 3, 3), (1, 3, 3)]).eval()
    image = torch.randn(1, 2, 4, 8, 8)
    other = image.clone()
    other[:, :, 0] = 0  # instance norm sees the whole, so compare what is left of the difference
    with torch.no_grad():
        for block in network.modules():
            if isinstance(block, torch.nn.InstanceNorm3d):
                block.forward = lambda maps: maps
        assert torch.allclose(network(image)[:, :, 1:], network(other)[:, :, 1:], atol=1e-5)


def test_the_recombination_block_is_the_paper_s():
    layers = RecombinationBlock(3, 4, 64, (3, 3, 3)).layers
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["Conv3d", "BatchNorm3d", "ReLU", "Conv3d", "ChannelSELayer"]
    assert layers[0].kernel_size == (1, 1, 1)
    assert layers[0].out_channels == 64
    assert layers[3].kernel_size == (3, 3, 3)


def test_the_paper_s_network_has_four_levels_of_transposed_convolutions():
    strides = [(1, 1, 1), *[(2, 2, 2)] * 4]
    network = RecombinationUNet(3, 3, 1, widths=[8] * 5, kernels=[(3, 3, 3)] * 5, strides=strides)
    ups = [m for m in network.modules() if isinstance(m, torch.nn.ConvTranspose3d)]
    assert len(ups) == 4
    assert all(up.kernel_size == up.stride == (2, 2, 2) for up in ups)
    assert network(torch.randn(1, 3, 32, 16, 16))[0].shape == (1, 1, 32, 16, 16)
    one, other = torch.randn(2, 1, 3, 32, 16, 16)
    network.eval()
    with torch.no_grad():  # a patient's mask does not depend on who was predicted before
        before = network(one)
        network(other)
        assert torch.equal(network(one), before)


@pytest.mark.parametrize("kind", ["regions", "labels"])
def test_the_loss_is_least_for_the_truth(kind):
    loss = SegmentationLoss(kind)
    target = torch.zeros(1, 2, 8, 8)
    target[:, 1, 2:5, 2:5] = 1
    if kind == "labels":
        target[:, 0] = 1 - target[:, 1]
    right, wrong = (target * 2 - 1) * 12, (1 - target * 2) * 12
    small = torch.nn.functional.avg_pool2d(right, 2)
    assert loss([right, small], target) < 0.4 < loss([wrong, small], target)
    assert loss([right], target) < 0.05


def test_augmentation_moves_image_and_target_together_and_is_drawn_from_its_generator():
    image = torch.zeros(6, 2, 40, 40)
    image[:, :, 12:24, 16:30] = 3.0
    target = (image[:, :1] > 0).float()
    augment = PatchAugmentation(2, sequence_dropout=0.0)
    present = torch.ones(6, 2, dtype=torch.bool)

    def run(seed):
        return augment(image, target, present, torch.Generator().manual_seed(seed))

    (moved, wanted), (again, _), (other, _) = run(0), run(0), run(1)
    assert torch.equal(moved, again)
    assert not torch.equal(moved, other)
    assert not torch.equal(wanted, target)
    inside = moved[:, :1][wanted > 0.9].mean()
    assert inside > 1.0 > moved[:, :1][wanted < 0.1].abs().mean() + 0.5


def test_at_least_one_sequence_is_left_and_absent_ones_stay_absent():
    present = torch.tensor([[True, True, False]]).repeat(400, 1)
    left = drop_sequences(present, 0.5, torch.Generator().manual_seed(0))
    assert left.any(dim=1).all()
    assert not left[:, 2].any()
    share = left[:, :2].float().mean()
    assert 0.55 < share < 0.7  # half of them, and one saved where both would go
    assert drop_sequences(present, 0.0, torch.Generator()).equal(present)
