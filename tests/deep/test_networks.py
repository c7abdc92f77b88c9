"""Shapes, parameter counts, gradient flow and promises of every network."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gliofuse.deep.networks import NETWORKS, SHAPE_FEATURES, build_network  # noqa: E402
from gliofuse.deep.networks.attention import CSGFusion, GlobalAttention  # noqa: E402
from gliofuse.deep.networks.base import torchvision_resnet  # noqa: E402
from gliofuse.errors import InputError, SettingError  # noqa: E402

pytestmark = pytest.mark.slow(minutes=0.2)

SEQUENCES = ("t1", "t1ce", "t2", "flair")
CHANNELS = {"densenet121": 1, "resnet34": 1, "dual-resnet18": 3}
SMALL = {2: (64, 64), 3: (32, 48, 32)}


def _network(name, **options):
    torch.manual_seed(7)
    return build_network(name, SEQUENCES[: CHANNELS.get(name, 4)], **options)


def _inputs(network, cases=3):
    random = torch.Generator().manual_seed(3)
    image = torch.rand((cases, network.in_channels, *SMALL[network.spatial_dims]), generator=random)
    return image, torch.randn((cases, 14), generator=random)


def _logits(output):
    return output["logits"] if isinstance(output, dict) else output


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ---------------------------------------------------------------- parameter counts


def _resnet_parameters(blocks, *, bottleneck, channels, dims, outputs):
    """Count from the table of He et al. 2016, without any library: the oracle for 3D networks."""
    total = channels * 64 * 7**dims + 2 * 64
    width_in = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        width_out = width * (4 if bottleneck else 1)
        for block in range(count):
            if bottleneck:
                convolutions = width_in * width + width * width * 3**dims + width * width_out
                normalised = 2 * width + width_out
            else:
                convolutions = width_in * width * 3**dims + width * width * 3**dims
                normalised = 2 * width
            if block == 0 and width_in != width_out:
                convolutions += width_in * width_out
                normalised += width_out
            total += convolutions + 2 * normalised
            width_in = width_out
    return total + (width_in + 1) * outputs


# Published by torchvision for 1,000 classes and three channels: "num_params" of each weights entry
# in torchvision/models/resnet.py and densenet.py (IMAGENET1K_V1).
@pytest.mark.parametrize(
    ("depth", "published"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)]
)
def test_resnet_has_the_published_number_of_parameters(depth, published):
    blocks = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}[depth]
    network = torchvision_resnet(depth, spatial_dims=2, in_channels=3, outputs=1000)
    assert _count(network) == published
    assert published == _resnet_parameters(
        blocks, bottleneck=depth == 50, channels=3, dims=2, outputs=1000
    )


def test_densenet121_has_the_published_number_of_parameters():
    network = build_network("densenet121", ("t1", "t2", "flair"), classes=1000)
    assert _count(network) == 7_978_856  # torchvision's densenet121, source as above


# The stem's weights scale with the channels (64 * 49 each), the head is (D + 1) * classes.
DENSENET_TRUNK = 7_978_856 - 1025 * 1000 - 2 * 64 * 49 + 1025 * 2
# Channel MLP 4-2-4 with offsets, 22; spatial 7x7 of 2 channels, 98; 1x1 compress, 5; global: MLP
# 22, 7x7 4-2 and 2-4 with offsets, 394 + 396, two batch norms, 4 + 8; compress 5; spatial 98; 1x1
# of 2 channels, 3.
CSG_FUSION = 22 + 98 + 5 + (22 + 394 + 396 + 4 + 8) + 5 + 98 + 3
SE_BLOCK = 512 * 32 + 32 + 32 * 512 + 512
TWO_LAYER_HEAD = 512 * 256 + 256 + 256 * 2 + 2
RESNET18_3D = _resnet_parameters((2, 2, 2, 2), bottleneck=False, channels=4, dims=3, outputs=0)
RESNET50_2D = _resnet_parameters((3, 4, 6, 3), bottleneck=True, channels=4, dims=2, outputs=0)
COUNTS = {
    "densenet121": DENSENET_TRUNK,
    "csg-densenet121": DENSENET_TRUNK + CSG_FUSION,
    "se-resnet18-3d": RESNET18_3D + SE_BLOCK + TWO_LAYER_HEAD,
    "resnet18-3d": RESNET18_3D + TWO_LAYER_HEAD,
    "shape-resnet50": RESNET50_2D + 2049 * 14 + 29 * 2,
    "resnet50": RESNET50_2D + 2049 * 2,
    "resnet50-3d": _resnet_parameters((3, 4, 6, 3), bottleneck=True, channels=4, dims=3, outputs=2),
    "resnet34": 21_797_672 + 1001 * 2,
    "dual-resnet18": 11_689_512 - 513 * 1000 + 513 * 2 + 513,
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_has_the_counted_parameters(name):
    assert _count(_network(name)) == COUNTS[name]


# ---------------------------------------------------------------- shapes, gradients, promises


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_shapes_and_gradient_to_every_parameter(name):
    options = {"frozen": False} if name == "resnet34" else {}
    network = _network(name, **options).train()
    image, shape = _inputs(network)
    output = network(image, shape)
    logits = _logits(output)
    assert logits.shape == (3, 2)
    assert network.features(image, shape).shape == (3, network.feature_size)
    loss = logits.square().sum()
    if isinstance(output, dict):
        assert output["risk"].shape == (3, 1)
        loss = loss + output["risk"].square().sum()
    loss.backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_batch_gives_what_its_items_give_one_by_one(name):
    network = _network(name).eval()
    image, shape = _inputs(network, cases=2)
    with torch.no_grad():
        together = _logits(network(image, shape))
        apart = torch.cat([_logits(network(image[i : i + 1], shape[i : i + 1])) for i in range(2)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_gradcam_layer_exists_and_registry_agrees(name):
    network, spec = _network(name), NETWORKS[name]
    assert network.gradcam_layer in dict(network.named_modules())
    assert network.spatial_dims == spec.spatial_dims
    assert (network.network_name, network.sequences) == (
        name,
        SEQUENCES[: CHANNELS.get(name, 4)],
    )
    assert spec.input == ("slices" if spec.spatial_dims == 2 else "patches")


def test_same_seed_same_weights():
    first, second = (_network("csg-densenet121").state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_importing_the_package_loads_no_torch():
    code = (
        "import sys, gliofuse.deep.networks as n; n.NETWORKS; "
        "sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---------------------------------------------------------------- what each one is for


@pytest.mark.parametrize("sequences", [1, 2, 3, 4])
def test_attention_is_read_per_sequence(sequences):
    network = build_network("csg-densenet121", SEQUENCES[:sequences]).eval()
    image = torch.rand(2, sequences, 64, 64, generator=torch.Generator().manual_seed(0))
    for branch in ("channel", "global"):
        weights = network.sequence_attention(image, branch=branch)
        assert weights.shape == (2, sequences)
        assert ((weights > 0) & (weights < 1)).all()
    with pytest.raises(SettingError, match="did you mean 'global'"):
        network.sequence_attention(image, branch="globl")


@pytest.mark.parametrize("seed", range(20))
def test_fusion_never_starts_dead(seed):
    # With free signs about one start in four leaves both hidden units off for every image.
    torch.manual_seed(seed)
    fusion = CSGFusion(4)
    fusion(torch.rand(2, 4, 16, 16)).sum().backward()
    first = fusion.channel.perceptron[0].weight.grad
    assert first is not None
    assert first.abs().max() > 0


def test_global_attention_is_pixelwise_in_its_channel_part():
    """Naive twin: the perceptron applied to one pixel at a time."""
    torch.manual_seed(0)
    attention = GlobalAttention(4, 2)
    maps = torch.randn(1, 4, 3, 5)
    got = attention.channel_weights(maps)
    for y in range(3):
        for x in range(5):
            alone = torch.sigmoid(attention.perceptron(maps[0, :, y, x]))
            torch.testing.assert_close(got[0, :, y, x], alone)


def test_shape_features_reach_the_output_and_are_standardised():
    network = _network("shape-resnet50").eval()
    image, shape = _inputs(network, cases=2)
    raw = np.abs(np.random.default_rng(0).normal(size=(40, 14))) * np.logspace(-2, 6, 14)
    raw[:, 3] = 5.0  # a feature that does not vary is only centred
    network.set_shape_statistics(raw)
    given = torch.as_tensor(raw[:2], dtype=torch.float32)
    with torch.no_grad():
        fused = network.features(image, given)[:, 14:]
        moved = (network(image, given) - network(image, given + 1)).abs().max()
    expected = (raw[:2] - raw.mean(axis=0)) / np.where(raw.std(axis=0) > 0, raw.std(axis=0), 1.0)
    expected[:, 3] = 0.0
    np.testing.assert_allclose(fused.numpy(), expected, rtol=1e-3, atol=1e-3)
    assert moved > 0
    again = _network("shape-resnet50")
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.shape_sd, network.shape_sd)
    assert len(SHAPE_FEATURES) == len(set(SHAPE_FEATURES)) == 14
    del shape


def test_shape_mistakes_are_named():
    network = _network("shape-resnet50")
    image, shape = _inputs(network, cases=2)
    with pytest.raises(InputError, match=r"needs \(2, 14\).*got none"):
        network(image)
    with pytest.raises(InputError, match=r"got shape \(2, 13\)"):
        network(image, shape[:, :13])
    with pytest.raises(InputError, match=r"got an array of shape \(3, 2\)"):
        network.set_shape_statistics(np.zeros((3, 2)))
    with pytest.raises(InputError, match="not finite"):
        network.set_shape_statistics(np.full((3, 14), np.nan))
    with pytest.raises(InputError, match="without shape"):
        _network("resnet50").set_shape_statistics(np.zeros((3, 14)))


def test_frozen_extractor_does_not_move():
    network = _network("resnet34").train()
    before = {key: value.clone() for key, value in network.trunk.state_dict().items()}
    image, _ = _inputs(network)
    network(image).sum().backward()
    assert all(torch.equal(before[key], value) for key, value in network.trunk.state_dict().items())
    trained = [key for key, value in network.named_parameters() if value.grad is not None]
    assert trained == ["head.weight", "head.bias"]
    with pytest.raises(InputError, match="takes 1 sequence"):
        build_network("resnet34", ("t1", "t2"))


def test_imagenet_scaling_is_that_of_the_published_weights():
    image = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    scaled = _network("resnet34", imagenet_scaling=True).eval()
    plain = build_network("resnet34", ("t1", "t2", "flair")).eval()
    plain.load_state_dict(scaled.state_dict())
    # torchvision's transforms for its classification weights: these means and deviations.
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    sd = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(scaled.features(image), plain.features((image - mean) / sd))


@pytest.mark.parametrize("name", ["densenet121", "resnet50-3d"])
def test_wrong_images_are_named(name):
    network = build_network(name, ("t1",))
    size = SMALL[network.spatial_dims]
    with pytest.raises(InputError, match=r"1 channels \(t1\), got 2"):
        network(torch.zeros(1, 2, *size))
    with pytest.raises(InputError, match="needs axes"):
        network(torch.zeros(1, *size))


def test_build_mistakes_are_named():
    with pytest.raises(SettingError, match="did you mean 'csg-densenet121'"):
        build_network("csg-densenet", ("t1",))
    with pytest.raises(SettingError, match="different sequences"):
        build_network("densenet121", ("t1", "t1"))
    with pytest.raises(SettingError, match="different sequences"):
        build_network("densenet121", "t1")
    with pytest.raises(SettingError, match="did you mean 'squeeze_excitation'"):
        build_network("se-resnet18-3d", ("t1",), squeeze_exitation=False)
    with pytest.raises(SettingError, match="reduction"):
        build_network("csg-densenet121", ("t1",), reduction=0)
